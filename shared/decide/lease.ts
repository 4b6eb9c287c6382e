/** How long a lease and a document live. All times are milliseconds since the epoch. */
import type { LicenseRecord } from '../records/license.ts';
import type { SessionRecord } from '../records/session.ts';
import { type Asked, askedByLease, endOf } from './license.ts';

const SECOND = 1000;

/** The end of a lease taken at `now` for `seconds`: never after the end that the licence has for such a lease. */
export function leaseEnd(license: LicenseRecord, now: number, seconds: number, asked: Asked): number {
  return Math.min(now + seconds * SECOND, endOf(license, asked));
}

/**
 * The end of a document's life: the end of the lease, and the offline grace after it for a floating seat of a
 * licence that is not strict. A borrowed seat is held for its whole term, so it needs no grace. Never after the
 * licence itself, which may have been shortened since the lease was taken. Where sessions outlive it their leases do, and
 * the grace does not: a machine that does not come back lets go of its session.
 */
export function documentEnd(license: LicenseRecord, leaseExpiresAt: number, borrowed: boolean): number {
  const { strict_online: strict, offline_grace_seconds: grace } = license.policy;
  const end = leaseExpiresAt + (strict || borrowed ? 0 : grace) * SECOND;
  const lease = Math.min(leaseExpiresAt, endOf(license, 'session'));
  return Math.min(end, Math.max(lease, endOf(license, 'grant')));
}

/**
 * `session` with its lease extended from `now`, for a term that it borrows its seat for if `isBorrow`. A lease never moves
 * back, whatever the clocks say.
 */
export function extendLease(
  license: LicenseRecord,
  session: SessionRecord,
  now: number,
  seconds: number,
  isBorrow = false,
): SessionRecord {
  const end = leaseEnd(license, now, seconds, askedByLease(isBorrow));
  return {
    ...session,
    last_heartbeat_at: Math.max(session.last_heartbeat_at, now),
    lease_expires_at: Math.max(session.lease_expires_at, end),
  };
}

/** `session` with a document signed at `now`. */
export function withDocument(license: LicenseRecord, session: SessionRecord, now: number): SessionRecord {
  return {
    ...session,
    document_signed_at: now,
    document_expires_at: documentEnd(license, session.lease_expires_at, session.borrowed),
  };
}

/** True once the lease has ended and so has the margin for clocks that differ: its seat may be taken. */
export function isReapable(session: SessionRecord, now: number, clockSkewSeconds: number): boolean {
  return now >= session.lease_expires_at + clockSkewSeconds * SECOND;
}

/** True when a document has lived more than half its life at `now`, so that the next heartbeat renews it. */
export function isDocumentDue(session: SessionRecord, now: number): boolean {
  const { document_signed_at: signed, document_expires_at: expires } = session;
  return now - signed > (expires - signed) / 2;
}
