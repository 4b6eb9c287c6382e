/** What operators may change of a licence, and what then becomes of it. Rules without I/O or a clock. */
import { policyProblem } from '../policy.ts';
import { fitsEnd } from '../products.ts';
import type { CustomerRecord } from '../records/customer.ts';
import type { LicensePolicy, LicenseRecord } from '../records/license.ts';
import { DAY_MS } from './issue.ts';
import { type Refusal, refuse } from './refusal.ts';

/** Fields to store; none when the licence is as wanted already. */
export interface Changes {
  readonly kind: 'change';
  readonly fields: Partial<LicenseRecord>;
}

export type Decision = Changes | Refusal;

export type Edit = Partial<
  Pick<
    LicenseRecord,
    | 'notes'
    | 'features'
    | 'seats'
    | 'limits'
    | 'allowed_hardware'
    | 'allowed_major_versions'
    | 'expires_at'
    | 'expiry_strategy'
  >
> & { readonly policy?: Partial<LicensePolicy> };

const REVOKED = refuse('license_revoked', 'A revoked licence stays revoked. Issue a new one.');

export function changeStatus({ status }: LicenseRecord, wanted: 'active' | 'suspended'): Decision {
  if (status === 'revoked') return REVOKED;
  return change(status === wanted ? {} : { status: wanted });
}

export function revoke({ status }: LicenseRecord, reason: string | null): Decision {
  if (status === 'revoked') return refuse('already_revoked', 'This licence is revoked already.');
  return change({ status: 'revoked', revoked_reason: reason });
}

/** Null is unlimited. Lowered again before it has settled: what began after the first time is not from before. */
export function changeSeats(license: LicenseRecord, seats: number | null, now: number): Changes {
  if (license.seats === seats) return change({});
  const isLower = seats !== null && (license.seats === null || seats < license.seats);
  return change({ seats, ...(isLower && { seats_lowered_at: license.seats_lowered_at ?? now }) });
}

/** A term is never lost: it begins where the last one ends. That of a licence which has ended begins now. */
export function renew(license: LicenseRecord, durationDays: number, now: number): Decision {
  if (license.status === 'revoked') return REVOKED;
  if (license.expires_at === null) return refuse('not_renewable', 'This licence has no end to move.');
  return change({ expires_at: Math.max(now, license.expires_at) + durationDays * DAY_MS });
}

/**
 * The licence is found by the address of its new customer, unless it names a holder. Who holds it stays, unless `holder` is
 * another one.
 */
export function transfer(
  license: LicenseRecord,
  id: string,
  { name, email }: Pick<CustomerRecord, 'name' | 'email'>,
  holder?: NonNullable<LicenseRecord['holder']>,
): Decision {
  if (license.status === 'revoked') return REVOKED;
  const customer = license.customer_id === id ? {} : { customer: { id, name }, customer_id: id };
  if (holder !== undefined) return change({ ...customer, holder, email: holder.email.trim().toLowerCase() });
  if (license.customer_id === id) return change({});
  const address = license.holder === null ? (email?.trim().toLowerCase() ?? null) : license.email;
  return change({ ...customer, email: address });
}

/** Members that are absent stay as they are. */
export function edit(license: LicenseRecord, wanted: Edit, now: number): Decision {
  if (license.status === 'revoked') return REVOKED;
  const { seats, expires_at: end, policy: changes, ...plain } = wanted;
  const policy = { ...license.policy, ...changes };
  const problem = changes && policyProblem(policy);
  if (problem !== undefined) return refuse('invalid_request', problem);
  if (end !== undefined && !fitsEnd(license.license_type, end !== null)) {
    const has = end === null ? 'has an end' : 'has none';
    return refuse('invalid_request', `A ${license.license_type} licence ${has}.`);
  }
  return change({
    ...plain,
    ...(changes !== undefined && { policy }),
    ...(end !== undefined && { expires_at: end }),
    ...(seats !== undefined && changeSeats(license, seats, now).fields),
  });
}

function change(fields: Partial<LicenseRecord>): Changes {
  return { kind: 'change', fields };
}
