/**
 * The end of a session, whatever ends it: one commit deletes the session, frees its seat and writes its usage
 * interval, so that every seat-second is accounted for exactly once.
 */
import type { Write } from '../ports/document-store.ts';
import type { LicenseRecord } from '../records/license.ts';
import { seatPath, sessionPath, usagePath } from '../records/paths.ts';
import type { SessionRecord } from '../records/session.ts';
import type { EndReason, UsageRecord } from '../records/usage.ts';

export interface Ending {
  readonly licenseHash: string;
  readonly hardware: string;
  readonly license: LicenseRecord;
  readonly session: SessionRecord;
  readonly reason: EndReason;
  readonly now: number;
}

/** Ends a session and frees its seat. Demands that the session has not changed since it was read. */
export function endSession(ending: Ending, version: string): Write[] {
  return [deleteSession(ending, version), ...vacate(ending)];
}

/** Frees the seat of a session that another one of its machine replaces in the same commit. */
export function vacate(ending: Ending): Write[] {
  return [usageInterval(ending), ...freeSeat(ending.licenseHash, ending.session)];
}

/** Ends a session whose seat goes to another one in the same commit. */
export function closeSession(ending: Ending, version: string): Write[] {
  return [deleteSession(ending, version), usageInterval(ending)];
}

function deleteSession({ licenseHash, hardware }: Ending, version: string): Write {
  return { op: 'delete', path: sessionPath(licenseHash, hardware), demand: { version } };
}

/** The interval that a session occupied its seat. */
export function usageInterval({ licenseHash, hardware, license, session, reason, now }: Ending): Write {
  const interval: UsageRecord = {
    license_id: license.license_id,
    customer_id: license.customer.id,
    product: license.product,
    seat: session.seat,
    borrowed: session.borrowed,
    started_at: session.started_at,
    ended_at: endedAt(session, now),
    reason,
  };
  return { op: 'set', path: usagePath(licenseHash, hardware, session.generation), fields: interval };
}

/** A seat is used until its session ends, but not beyond the end of its lease, whoever noticed when. */
export function endedAt(session: SessionRecord, now: number): number {
  return Math.max(session.started_at, Math.min(now, session.lease_expires_at));
}

/** Frees the seat of a session, if it has one. */
export function freeSeat(licenseHash: string, { seat }: SessionRecord): Write[] {
  return seat === null ? [] : [{ op: 'delete', path: seatPath(licenseHash, seat), demand: 'present' }];
}
