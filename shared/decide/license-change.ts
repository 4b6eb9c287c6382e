/** What operators may change of a licence, and what then becomes of it. Rules without I/O or a clock. */
import { LAST_INSTANT_MS } from '../constants.ts';
import { policyProblem } from '../policy.ts';
import { fitsEnd } from '../products.ts';
import type { CustomerRecord } from '../records/customer.ts';
import type { LicensePolicy, LicenseRecord } from '../records/license.ts';
import { DAY_MS } from './issue.ts';
import { type Refusal, refuse, refuseField } from './refusal.ts';

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
    | 'unverified'
  >
> & { readonly policy?: Partial<LicensePolicy> };

const REVOKED = refuse('license_revoked', 'A revoked licence stays revoked. Issue a new one.');

/** A suspension has a reason, as a revocation has, until the licence is reinstated. */
export function changeStatus(
  { status }: LicenseRecord,
  wanted: 'active' | 'suspended',
  reason: string | null = null,
): Decision {
  if (status === 'revoked') return REVOKED;
  if (status === wanted && reason === null) return change({});
  return change({ status: wanted, revoked_reason: reason });
}

export function revoke({ status }: LicenseRecord, reason: string | null): Decision {
  if (status === 'revoked') return refuse('already_revoked', 'This licence is revoked already.');
  return change({ status: 'revoked', revoked_reason: reason });
}

/** Documents of sessions say what the licence says, so none is granted either. */
export const UNVERIFIED =
  'Nothing here could verify the signature that this licence was imported with, so no key of ours signs it. Change it with accept_unverified if you know that it is genuine.';

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
  const end = Math.max(now, license.expires_at) + durationDays * DAY_MS;
  if (end > LAST_INSTANT_MS)
    return refuseField(
      '/duration_days',
      'The licence would end after 9999-12-31T23:59:59Z: renew it for less.',
    );
  return change({ expires_at: end });
}

/** Who holds it stays, unless `holder` is another one. One that names no holder is found by its customer’s address. */
export function transfer(
  license: LicenseRecord,
  id: string,
  { name }: Pick<CustomerRecord, 'name'>,
  holder?: NonNullable<LicenseRecord['holder']>,
): Decision {
  if (license.status === 'revoked') return REVOKED;
  const customer = license.customer_id === id ? {} : { customer: { id, name }, customer_id: id };
  if (holder !== undefined) return change({ ...customer, holder, email: holder.email.trim().toLowerCase() });
  if (license.customer_id === id) return change({});
  return change({ ...customer, email: license.holder === null ? null : license.email });
}

/** Members that are absent stay as they are. */
export function edit(license: LicenseRecord, wanted: Edit, now: number): Decision {
  if (license.status === 'revoked') return REVOKED;
  const { seats, expires_at: end, policy: changes, ...plain } = wanted;
  const { unverified = license.unverified, allowed_hardware: machines } = wanted;
  if (unverified && machines !== undefined && machines?.length !== 0)
    return refuseField('/allowed_hardware', UNVERIFIED);
  const policy = { ...license.policy, ...changes };
  const problem = changes && policyProblem(policy);
  if (problem !== undefined) return refuseField(shortLease(changes), problem);
  if (end !== undefined && !fitsEnd(license.license_type, end !== null)) {
    const has = end === null ? 'has an end' : 'has none';
    return refuseField('/expires_at', `A ${license.license_type} licence ${has}.`);
  }
  return change({
    ...plain,
    ...(changes !== undefined && { policy }),
    ...(end !== undefined && { expires_at: end }),
    ...(seats !== undefined && changeSeats(license, seats, now).fields),
  });
}

/** The member that was sent: a lease that is too short, or else the heartbeat that it is too short for. */
function shortLease(changes: Partial<LicensePolicy> = {}): string {
  return changes.lease_seconds === undefined ? '/policy/heartbeat_seconds' : '/policy/lease_seconds';
}

function change(fields: Partial<LicenseRecord>): Changes {
  return { kind: 'change', fields };
}
