/** Whether a licence can be issued as it was asked for, and when it ends. */
import type { filledIn } from '../catalog.ts';
import type { FieldError } from '../errors.ts';
import { policyOf, policyProblem } from '../policy.ts';
import { fitsEnd, type LicenseType } from '../products.ts';
import type { LicenseRecord } from '../records/license.ts';
import type { TierName } from '../tiers.ts';
import type { IssuedFormatName } from '../wire/issued.ts';

export type IssuableFormat = Exclude<IssuedFormatName, 'caio-v1'>;

export const DAY_MS = 86_400_000;

/** Terms that formats ask for. */
export type Terms = Pick<LicenseRecord, 'allowed_major_versions' | 'holder' | 'limits'>;

/**
 * The end of a licence that begins now: whole days of 24 hours, so 365 of them from 2028-02-29 are 2029-02-28.
 * @returns milliseconds since the epoch; null without a duration.
 */
export function endAfter(now: number, durationDays: number | null): number | null {
  return durationDays === null ? null : now + durationDays * DAY_MS;
}

/** What each format cannot do without. */
const NEEDS = {
  aegis: [
    'allowed_major_versions',
    'An AEGIS document lists the major versions that it allows: send allowed_major_versions.',
  ],
  'caio-v2': ['limits', 'A CAIO document has limits: send limits.'],
  dtlic2: ['holder', 'A DTLIC2 document names its holder: send holder with name and email.'],
} as const satisfies Record<IssuableFormat, readonly [keyof Terms, string]>;

/** Why a licence cannot be issued as text at all: whoever verifies that offline goes by the end that was signed. */
export function endProblem({
  expires_at: end,
  expiry_strategy: strategy,
}: Pick<LicenseRecord, 'expires_at' | 'expiry_strategy'>): string | undefined {
  if (end === null || strategy === 'restrict') return undefined;
  return `A document of this format is over at its end, whatever the service allows. With an end and expiry_strategy ${strategy} a licence has none (send formats: []).`;
}

/** What these formats lack in the terms; empty when they can hold them. */
export function formatProblems(formats: readonly IssuableFormat[], terms: Terms): FieldError[] {
  return formats.flatMap((format) => {
    const [member, detail] = NEEDS[format];
    return terms[member] === null ? [{ pointer: `/${member}`, detail }] : [];
  });
}

/** A licence as it was asked for, with what the table of products has filled in. */
export interface Issue {
  readonly type: LicenseType;
  readonly tier: TierName;
  readonly formats: readonly IssuableFormat[];
  readonly holder: LicenseRecord['holder'];
  readonly terms: ReturnType<typeof filledIn>;
  /** Whether its key has 64 random bits only. */
  readonly isKeyShort: boolean;
  /** As it was sent; undefined when it was not. */
  readonly seats: number | null | undefined;
  readonly allowedHardware: readonly string[] | null | undefined;
}

/** Why it cannot be issued, member by member; empty when it can. */
export function issueProblems(issue: Issue): FieldError[] {
  const { type, tier, formats, holder, terms } = issue;
  const policy = policyProblem({ ...policyOf(tier), ...terms.policy });
  return [
    ...(fitsEnd(type, terms.duration_days !== null) ? [] : [WRONG_TERM]),
    ...formatProblems(formats, { ...terms, holder }),
    ...(policy === undefined ? [] : [{ pointer: '/policy/lease_seconds', detail: policy }]),
    ...(issue.isKeyShort ? shortKeyProblems(issue) : []),
  ];
}

const WRONG_TERM = {
  pointer: '/duration_days',
  detail: 'A subscription, demo or trial needs duration_days; a perpetual licence has none.',
};

/** Whoever has the key of a floating licence can take its seats, so that key must not be guessed. */
function shortKeyProblems({ seats, allowedHardware }: Issue): FieldError[] {
  const detail = 'A DataTools key has 64 random bits, too few for seats that any machine may take';
  return [
    ...(seats === undefined ? [] : [{ pointer: '/seats', detail: `${detail}: leave seats out.` }]),
    ...(allowedHardware === null
      ? [{ pointer: '/allowed_hardware', detail: `${detail}: name machines, or leave it out for none.` }]
      : []),
  ];
}
