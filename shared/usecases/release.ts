/**
 * Release: end a session and free its seat at once. Releasing again, after a lost answer, gives the same answer,
 * because the usage interval of the session says when it was released.
 */
import type { JsonObject } from '../canonical/strict-json.ts';
import { SESSION_NOT_FOUND, staleRefusal } from '../decide/heartbeat.ts';
import type { Ports } from '../ports/ports.ts';
import { usagePath } from '../records/paths.ts';
import { usageRecord } from '../records/usage.ts';
import { formatInstant } from '../wire/document.ts';
import { endedAt, endSession } from './end-session.ts';
import { locateSession, readSession, type SessionClaim } from './find-session.ts';
import { memoryOf } from './idempotency.ts';
import { readRecord } from './read.ts';
import { refused } from './refused.ts';
import { retryConflicts } from './retry.ts';

export interface ReleaseCommand extends SessionClaim {
  readonly idempotencyKey: string | undefined;
  /** The request's body, for the comparison of idempotent requests. */
  readonly body: JsonObject;
}

export interface ReleaseAnswer {
  readonly session_id: string;
  /** When the seat became free; the end of the lease if that came first. */
  readonly released_at: string;
}

/**
 * @throws CountersignError `session_not_found`, `session_superseded`, `hardware_mismatch`,
 * `idempotency_conflict`, `store_unavailable`
 */
export function release(ports: Ports, command: ReleaseCommand): Promise<ReleaseAnswer> {
  return retryConflicts(() => releaseOnce(ports, command));
}

async function releaseOnce(ports: Ports, command: ReleaseCommand): Promise<ReleaseAnswer> {
  const { store, clock, hasher } = ports;
  const address = locateSession(ports, command);
  const { license: licenseHash, hardware, generation } = address;
  const memory = memoryOf(hasher, { ...command, licenseHash, operation: 'release' });

  const others = [usagePath(licenseHash, hardware, generation), ...(memory ? [memory.path] : [])];
  const { license, session, others: found } = await readSession(ports, address, others);
  const [usageDocument, memoryDocument] = found;
  const now = clock.now();
  // A remembered key is compared first: the same key with another session is a conflict, not a second release.
  memory?.recall(memoryDocument, now);
  const usage = readRecord(usageRecord, usageDocument)?.record;
  if (usage?.reason === 'released') return answer(command, usage.ended_at);

  const stale = staleRefusal(session?.record, generation);
  if (stale !== undefined) throw refused(stale);
  if (license === undefined || session === undefined) throw refused(SESSION_NOT_FOUND);

  const ending = {
    licenseHash,
    hardware,
    license,
    session: session.record,
    reason: 'released',
    now,
  } as const;
  const remember = memory?.remember({}, memoryDocument, now);
  const writes = endSession(ending, session.version);
  await store.commit(remember === undefined ? writes : [...writes, remember]);
  return answer(command, endedAt(session.record, now));
}

function answer({ sessionId }: ReleaseCommand, releasedAt: number): ReleaseAnswer {
  return { session_id: sessionId, released_at: formatInstant(releasedAt) };
}
