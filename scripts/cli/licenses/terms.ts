/** Terms of a licence as options: the same at issue and at a change. */
import type { Command } from 'commander';
import type { ChangeLicenseRequest } from '../../../shared/client/admin-client.ts';
import { EXPIRY_STRATEGY_NAMES, type ExpiryStrategy } from '../../../shared/expiry-strategies.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import { amount, count, numbers, type OrNothing, oneOf, orNull, orWord, words, yesOrNo } from '../values.ts';

export interface TermsOptions {
  readonly features?: string[];
  readonly seats?: OrNothing<number>;
  readonly versions?: OrNothing<number[]>;
  readonly maxInstances?: number;
  readonly maxServices?: number;
  readonly maxRequestsPerDay?: number;
  readonly withoutLimits?: boolean;
  readonly hardware?: OrNothing<string[]>;
  readonly expiryStrategy?: ExpiryStrategy;
  readonly heartbeatSeconds?: number;
  readonly leaseSeconds?: number;
  readonly offlineGraceSeconds?: number;
  readonly strictOnline?: boolean;
  readonly borrowMaxSeconds?: number;
  readonly notes?: string;
}

/** The members of a request, each of them: undefined is one that was not given. */
export type Members<Request> = {
  readonly [Member in keyof Required<Request>]: Request[Member] | undefined;
};

export function terms(command: Command): Command {
  return command
    .option('--features <names>', 'with commas between them; an empty text for none', words)
    .option('--seats <number|unlimited>', 'floating seats', orWord('unlimited', count))
    .option('--versions <numbers|all>', 'major versions that may run: 16,17', orWord('all', numbers))
    .option('--max-instances <number>', 'limits of an on-premises build, all three or none', count)
    .option('--max-services <number>', 'the second of them', count)
    .option('--max-requests-per-day <number>', 'the third', count)
    .option('--without-limits', 'no limits of an on-premises build')
    .option('--hardware <ids|any>', 'the only machines that may acquire', orWord('any', words))
    .option(
      '--expiry-strategy <name>',
      `what its end means for sessions: ${EXPIRY_STRATEGY_NAMES.join(', ')}`,
      oneOf(EXPIRY_STRATEGY_NAMES),
    )
    .option('--heartbeat-seconds <number>', 'how often a session reports', count)
    .option('--lease-seconds <number>', 'how long a seat is held without a heartbeat', count)
    .option('--offline-grace-seconds <number>', 'how long a document holds after its lease', amount)
    .option('--strict-online <yes|no>', 'whether there is no such grace', yesOrNo)
    .option('--borrow-max-seconds <number>', 'how long a seat may be borrowed', amount)
    .option('--notes <text>', 'for operators; an empty text for none');
}

/** @throws OperatorError */
export function termsOf(
  options: TermsOptions,
): Members<Omit<ChangeLicenseRequest, 'expires_at' | 'accept_unverified'>> {
  return {
    features: options.features,
    seats: options.seats && orNull(options.seats),
    allowed_major_versions: options.versions && orNull(options.versions),
    limits: limitsOf(options),
    allowed_hardware: options.hardware && orNull(options.hardware),
    expiry_strategy: options.expiryStrategy,
    policy: policyOf(options),
    notes: options.notes === '' ? null : options.notes,
  };
}

/** Without what was not given: that is left to the service. */
export function given<Request>(members: Members<Request>): Partial<Request> {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<Request>;
}

function limitsOf({ withoutLimits, maxInstances, maxServices, maxRequestsPerDay }: TermsOptions) {
  const limits = [maxInstances, maxServices, maxRequestsPerDay].filter((limit) => limit !== undefined);
  if (withoutLimits && limits.length > 0)
    throw new OperatorError('--without-limits and a limit contradict each other.');
  if (withoutLimits) return null;
  const [max_instances, max_services, max_requests_per_day] = limits;
  if (max_instances === undefined) return undefined;
  if (max_services === undefined || max_requests_per_day === undefined)
    throw new OperatorError(
      'Limits belong together: give --max-instances, --max-services and --max-requests-per-day.',
    );
  return { max_instances, max_services, max_requests_per_day };
}

function policyOf(options: TermsOptions): ChangeLicenseRequest['policy'] {
  const policy = given<NonNullable<ChangeLicenseRequest['policy']>>({
    heartbeat_seconds: options.heartbeatSeconds,
    lease_seconds: options.leaseSeconds,
    offline_grace_seconds: options.offlineGraceSeconds,
    strict_online: options.strictOnline,
    borrow_max_seconds: options.borrowMaxSeconds,
  });
  return Object.keys(policy).length === 0 ? undefined : policy;
}

export interface HolderOptions {
  readonly holderName?: string;
  readonly holderEmail?: string;
}

/** @throws OperatorError for half of one */
export function holderOf({ holderName: name, holderEmail: email }: HolderOptions) {
  if (name === undefined && email === undefined) return undefined;
  if (name === undefined || email === undefined)
    throw new OperatorError('A holder has a name and an address: give --holder-name and --holder-email.');
  return { name, email };
}
