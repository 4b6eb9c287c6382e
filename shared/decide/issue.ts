/** Whether a licence can be issued as it was asked for, and when it ends. */
import type { FieldError } from '../errors.ts';
import type { LicenseRecord } from '../records/license.ts';
import type { IssuedFormatName } from '../wire/issued.ts';

export type IssuableFormat = Exclude<IssuedFormatName, 'caio-v1'>;

export const DAY_MS = 86_400_000;

/** Terms that formats ask for. */
export type Terms = Pick<LicenseRecord, 'allowed_major_versions' | 'holder' | 'limits'>;

/**
 * The end of a licence that begins now: whole days of 24 hours, so 365 of them from 2028-02-29 are 2029-02-28.
 * @returns milliseconds since the epoch; null without a duration.
 */
export function endAfter(now: number, durationDays: number | undefined): number | null {
  return durationDays === undefined ? null : now + durationDays * DAY_MS;
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

/** What these formats lack in the terms; empty when they can hold them. */
export function formatProblems(formats: readonly IssuableFormat[], terms: Terms): FieldError[] {
  return formats.flatMap((format) => {
    const [member, detail] = NEEDS[format];
    return terms[member] === null ? [{ pointer: `/${member}`, detail }] : [];
  });
}
