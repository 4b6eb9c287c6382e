/** How long a lease and a document live. All times are milliseconds since the epoch. */
import type { LicenseRecord } from '../records/license.ts';
import type { SessionRecord } from '../records/session.ts';

const SECOND = 1000;

/** The end of a lease taken at `now` for `seconds`: never after the licence itself. */
export function leaseEnd(license: LicenseRecord, now: number, seconds: number): number {
  return Math.min(now + seconds * SECOND, license.expires_at ?? Number.POSITIVE_INFINITY);
}

/**
 * The end of a document's life: the end of the lease, and the offline grace after it for a floating seat of a
 * licence that is not strict. A borrowed seat is held for its whole term, so it needs no grace. Never after the
 * licence itself, which may have been shortened since the lease was taken.
 */
export function documentEnd(license: LicenseRecord, leaseExpiresAt: number, borrowed: boolean): number {
  const { strict_online: strict, offline_grace_seconds: grace } = license.policy;
  return leaseEnd(license, leaseExpiresAt, strict || borrowed ? 0 : grace);
}

/** `session` with its lease extended from `now`. A lease never moves back, whatever the clocks say. */
export function extendLease(
  license: LicenseRecord,
  session: SessionRecord,
  now: number,
  seconds: number,
): SessionRecord {
  return {
    ...session,
    last_heartbeat_at: Math.max(session.last_heartbeat_at, now),
    lease_expires_at: Math.max(session.lease_expires_at, leaseEnd(license, now, seconds)),
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
