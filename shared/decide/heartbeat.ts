/** Heartbeat: extend the lease of a session, or say why it is over. */

import { constantTimeEqual } from '../canonical/constant-time.ts';
import type { LicenseRecord } from '../records/license.ts';
import type { SessionRecord } from '../records/session.ts';
import { extendLease, isDocumentDue, withDocument } from './lease.ts';
import { askedByMachine, hardwareRefusal, holdsSeat, licenseRefusal } from './license.ts';
import { type Refusal, refuse } from './refusal.ts';

export interface SessionState {
  readonly license: LicenseRecord | undefined;
  /** The session that this machine has now. */
  readonly session: SessionRecord | undefined;
}

export interface HeartbeatCommand {
  readonly hardware: string;
  readonly generation: string;
  /** What the caller wants of a document: none can be made, one if it is due, or one now. */
  readonly document: 'impossible' | 'if_due' | 'now';
}

export type HeartbeatDecision =
  | Refusal
  /**
   * The lease moves on. `documented` is the session with a fresh document, when one is to be signed; `moves` says
   * that its seat is none of the licence's any more, so that it needs another one.
   */
  | {
      readonly kind: 'extend';
      readonly session: SessionRecord;
      readonly documented: SessionRecord | undefined;
      readonly moves: boolean;
    };

export const SESSION_NOT_FOUND = refuse(
  'session_not_found',
  'This session is over or never existed. Acquire the licence again.',
);

/**
 * A heartbeat that comes after the end of its lease still extends the session while nobody has taken its seat:
 * the commit demands the version that was read, so of a late heartbeat and a reaper exactly one wins. After the end of
 * a licence that only lets sessions go on it is too late: a lease that has ended is none to go on with.
 *
 * A refusal does not end the session. It may never reach the client, which may rely on its lease to the end, and
 * its seat must not be another's before that.
 */
export function decideHeartbeat(
  { license, session }: SessionState,
  command: HeartbeatCommand,
  now: number,
): HeartbeatDecision {
  if (license === undefined) return staleRefusal(session, command.generation) ?? SESSION_NOT_FOUND;
  // A revocation has deleted the session: saying why is of more use than that it is gone.
  if (session === undefined) return licenseRefusal(license, now) ?? SESSION_NOT_FOUND;
  const refusal =
    staleRefusal(session, command.generation) ??
    licenseRefusal(license, now, askedByMachine(license, session, now)) ??
    hardwareRefusal(license, command.hardware);
  if (refusal !== undefined) return refusal;

  const extended = extendLease(license, session, now, license.policy.lease_seconds);
  const isWanted =
    command.document === 'now' || (command.document === 'if_due' && isDocumentDue(session, now));
  return {
    kind: 'extend',
    session: extended,
    documented: isWanted ? withDocument(license, extended, now) : undefined,
    moves: !holdsSeat(license, session),
  };
}

/** Whether `session` is another one than the caller's. */
export function staleRefusal(session: SessionRecord | undefined, generation: string): Refusal | undefined {
  if (session === undefined) return SESSION_NOT_FOUND;
  if (constantTimeEqual(session.generation, generation)) return undefined;
  return refuse(
    'session_superseded',
    'This machine has acquired the licence again since, and that session is the live one.',
  );
}
