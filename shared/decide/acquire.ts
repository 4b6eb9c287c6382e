/** Acquire and borrow: refuse, renew the machine's own session, or grant a new one. */
import type { LicenseRecord } from '../records/license.ts';
import { type SessionRecord, shardOf } from '../records/session.ts';
import type { Versioned } from '../records/versioned.ts';
import { extendLease, isReapable, leaseEnd, withDocument } from './lease.ts';
import { askedByLease, askedByMachine, hardwareRefusal, holdsSeat, licenseRefusal } from './license.ts';
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
  /** How far the clocks of two instances may differ. */
  readonly clockSkewSeconds: number;
}

export type AcquireDecision =
  | Refusal
  /** The machine's session lives: it is extended and answered again, and `moves` if its seat is none any more. */
  | {
      readonly kind: 'renew';
      readonly session: SessionRecord;
      readonly version: string;
      readonly moves: boolean;
    }
  /** The lease of the machine's session has ended by everybody's clock: a new session takes over its seat, the old one is ended. */
  | { readonly kind: 'replace'; readonly session: SessionRecord; readonly ended: Versioned<SessionRecord> }
  /**
   * The machine needs a seat (`needsSeat`), or the licence is unlimited. `session.seat` is filled in later. `ended`
   * is the machine's own session whose lease has ended, when its seat is none of the licence's any more.
   */
  | {
      readonly kind: 'grant';
      readonly session: SessionRecord;
      readonly needsSeat: boolean;
      readonly ended: Versioned<SessionRecord> | undefined;
    };

export function decideAcquire(
  { license, session }: AcquireState,
  command: AcquireCommand,
  now: number,
): AcquireDecision {
  const isBorrow = command.borrowSeconds !== undefined;
  const asked = isBorrow ? 'grant' : askedByMachine(license, session?.record, now);
  const refusal =
    licenseRefusal(license, now, asked) ??
    hardwareRefusal(license, command.hardware) ??
    borrowRefusal(license, command.borrowSeconds);
  if (refusal !== undefined) return refusal;

  // Another instance, whose clock is behind, may be telling the machine right now that its lease goes on.
  if (session !== undefined && !isReapable(session.record, now, command.clockSkewSeconds)) {
    const { record, version } = session;
    const extended = renewed(license, record, command, now);
    return { kind: 'renew', session: extended, version, moves: !holdsSeat(license, record) };
  }
  const fresh = newSession(license, command, now);
  if (session !== undefined && holdsSeat(license, session.record)) {
    return { kind: 'replace', session: { ...fresh, seat: session.record.seat }, ended: session };
  }
  return { kind: 'grant', session: fresh, needsSeat: license.seats !== null, ended: session };
}

function borrowRefusal(license: LicenseRecord, borrowSeconds: number | undefined): Refusal | undefined {
  const longest = license.policy.borrow_max_seconds;
  if (borrowSeconds === undefined) return undefined;
  if (longest === 0) return refuse('borrow_not_allowed', 'This licence does not allow borrowing a seat.');
  if (borrowSeconds <= longest) return undefined;
  return refuse('borrow_too_long', `A seat of this licence may be borrowed for ${longest} seconds at most.`, {
    borrow_max_seconds: longest,
  });
}

function newSession(license: LicenseRecord, command: AcquireCommand, now: number): SessionRecord {
  const borrowed = command.borrowSeconds !== undefined;
  const seconds = command.borrowSeconds ?? license.policy.lease_seconds;
  const session: SessionRecord = {
    generation: command.generation,
    seat: null,
    borrowed,
    started_at: now,
    last_heartbeat_at: now,
    lease_expires_at: leaseEnd(license, now, seconds, askedByLease(borrowed)),
    shard: shardOf(command.hardware),
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
  const isBorrow = borrowSeconds !== undefined;
  const extended = extendLease(license, session, now, seconds, isBorrow);
  return withDocument(license, { ...extended, borrowed: session.borrowed || isBorrow }, now);
}
