/**
 * Release: end a session and free its seat at once. Releasing again, after a lost answer, gives the same answer,
 * because the usage interval of the session says when it was released.
 *
 * An instance that remembers the session commits without reading; the version that it demands says that the session
 * is still what it was. A release needs no licence to be confirmed: it is good whatever became of that.
 */
import type { JsonObject } from '../canonical/strict-json.ts';
import { SESSION_NOT_FOUND, staleRefusal } from '../decide/heartbeat.ts';
import type { Write } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import type { LicenseRecord } from '../records/license.ts';
import { sessionPath, usagePath } from '../records/paths.ts';
import type { SessionRecord } from '../records/session.ts';
import { usageRecord } from '../records/usage.ts';
import type { Versioned } from '../records/versioned.ts';
import type { SessionAddress } from '../session-id.ts';
import { formatInstant } from '../wire/document.ts';
import { endedAt, endSession } from './end-session.ts';
import { locateSession, readSession, recallSession, type SessionClaim } from './find-session.ts';
import { memoryOf } from './idempotency.ts';
import { readRecord } from './read.ts';
import { refused } from './refused.ts';
import { retryCommits } from './retry.ts';

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
  return retryCommits(ports, (attempt) => releaseOnce(ports, command, attempt));
}

async function releaseOnce(ports: Ports, command: ReleaseCommand, attempt: number): Promise<ReleaseAnswer> {
  const { clock, hasher } = ports;
  const address = locateSession(ports, command);
  const { license: licenseHash, hardware, generation } = address;
  const memory = memoryOf(hasher, { ...command, owner: licenseHash, operation: 'release' });

  const known = attempt === 0 ? recallSession(ports, address) : undefined;
  if (known !== undefined) {
    const now = clock.now();
    return end(ports, command, { ...known, address, now }, memory?.remember({}, undefined, now));
  }

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

  const place = { license, session, address, now };
  return end(ports, command, place, memory?.remember({}, memoryDocument, now));
}

interface Place {
  readonly license: Versioned<LicenseRecord>;
  readonly session: Versioned<SessionRecord>;
  readonly address: SessionAddress;
  readonly now: number;
}

async function end(
  { store, memory }: Ports,
  command: ReleaseCommand,
  { license, session, address, now }: Place,
  remember: Write | undefined,
): Promise<ReleaseAnswer> {
  const { license: licenseHash, hardware } = address;
  const ending = { licenseHash, hardware, license: license.record, session: session.record, now };
  const writes = endSession({ ...ending, reason: 'released' }, session.version);
  // Whether it succeeds or not, what was remembered is of no more use.
  memory.sessions.delete(sessionPath(licenseHash, hardware));
  await store.commit(remember === undefined ? writes : [...writes, remember]);
  return answer(command, endedAt(session.record, now));
}

function answer({ sessionId }: ReleaseCommand, releasedAt: number): ReleaseAnswer {
  return { session_id: sessionId, released_at: formatInstant(releasedAt) };
}
