/** Acquire and borrow: refuse, renew the machine's own session, or grant a new one. */
import type { LicenseRecord } from '../records/license.ts';
import type { SessionRecord } from '../records/session.ts';
import type { Versioned } from '../records/versioned.ts';
import { extendLease, leaseEnd, withDocument } from './lease.ts';
import { hardwareRefusal, licenseRefusal } from './license.ts';
import { type Refusal, refuse } from './refusal.ts';

export interface AcquireState {
  readonly license: LicenseRecord;
  /** The session of this machine, if it has one. */
  readonly session: Versioned<SessionRecord> | undefined;
}

export interface AcquireCommand {
  /** Hash of the hardware id. */
  readonly hardware: string;
  /** The term of a borrowed seat; undefined for a floating one. */
  readonly borrowSeconds: number | undefined;
  /** The generation that a new session gets. */
  readonly generation: string;
}

export type AcquireDecision =
  | Refusal
  /** The machine's session lives: it is extended and answered again. */
  | { readonly kind: 'renew'; readonly session: SessionRecord; readonly version: string }
  /** The lease of the machine's session has ended: a new session takes over its seat, the old one is ended. */
  | { readonly kind: 'replace'; readonly session: SessionRecord; readonly ended: Versioned<SessionRecord> }
  /** The machine needs a seat (`needsSeat`), or the licence is unlimited. `session.seat` is filled in later. */
  | { readonly kind: 'grant'; readonly session: SessionRecord; readonly needsSeat: boolean };

export function decideAcquire(
  { license, session }: AcquireState,
  command: AcquireCommand,
  now: number,
): AcquireDecision {
  const refusal =
    licenseRefusal(license, now) ??
    hardwareRefusal(license, command.hardware) ??
    borrowRefusal(license, command.borrowSeconds);
  if (refusal !== undefined) return refusal;

  if (session === undefined) {
    return { kind: 'grant', session: newSession(license, command, now), needsSeat: license.seats !== null };
  }
  const { record, version } = session;
  if (now < record.lease_expires_at) {
    return { kind: 'renew', session: renewed(license, record, command, now), version };
  }
  return {
    kind: 'replace',
    session: { ...newSession(license, command, now), seat: record.seat },
    ended: session,
  };
}

function borrowRefusal(license: LicenseRecord, borrowSeconds: number | undefined): Refusal | undefined {
  const longest = license.policy.borrow_max_seconds;
  if (borrowSeconds === undefined || borrowSeconds <= longest) return undefined;
  if (longest === 0) return refuse('borrow_not_allowed', 'This licence does not allow borrowing a seat.');
  return refuse('borrow_too_long', `A seat of this licence may be borrowed for ${longest} seconds at most.`, {
    borrow_max_seconds: longest,
  });
}

function newSession(license: LicenseRecord, command: AcquireCommand, now: number): SessionRecord {
  const session: SessionRecord = {
    generation: command.generation,
    seat: null,
    borrowed: command.borrowSeconds !== undefined,
    started_at: now,
    last_heartbeat_at: now,
    lease_expires_at: leaseEnd(license, now, command.borrowSeconds ?? license.policy.lease_seconds),
    document_signed_at: now,
    document_expires_at: now,
  };
  return withDocument(license, session, now);
}

function renewed(
  license: LicenseRecord,
  session: SessionRecord,
  { borrowSeconds }: AcquireCommand,
  now: number,
): SessionRecord {
  const seconds = borrowSeconds ?? license.policy.lease_seconds;
  const extended = extendLease(license, session, now, seconds);
  return withDocument(
    license,
    { ...extended, borrowed: session.borrowed || borrowSeconds !== undefined },
    now,
  );
}
