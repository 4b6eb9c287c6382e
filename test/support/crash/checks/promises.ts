/**
 * What clients were told, held against the store: every session that a client was told of lives, or is in the usage
 * ledger, with the times that the client knows of it.
 */
import type { SessionRecord } from '../../../../shared/records/session.ts';
import type { UsageRecord } from '../../../../shared/records/usage.ts';
import { type Book, type KnownSession, sessionKey } from '../book.ts';
import type { Stored } from '../stored.ts';

export function promiseProblems(stored: Stored, book: Book): string[] {
  const living = livingSessions(stored);
  return [...book.sessions].flatMap(([key, session]) =>
    fateProblems(session, living.get(key), stored.usage.get(key)).map((text) => `${text} (${key})`),
  );
}

/** By `sessionKey`. */
export function livingSessions({ licenses }: Stored): Map<string, SessionRecord> {
  return new Map(
    licenses.flatMap(({ license, sessions }) =>
      [...sessions].map(([hardware, record]) => [
        sessionKey(license.hash, hardware, record.generation),
        record,
      ]),
    ),
  );
}

function fateProblems(
  known: KnownSession,
  record: SessionRecord | undefined,
  interval: UsageRecord | undefined,
): string[] {
  const kept = record ?? interval;
  if (kept === undefined) return ['a session that a client was told of is neither stored nor accounted for'];
  return [
    ...outside('started_at', kept.started_at, known.startedFrom, known.startedTo),
    ...(record === undefined ? [] : livingProblems(known, record)),
    ...(interval === undefined ? [] : endedProblems(known, interval)),
  ];
}

function livingProblems(known: KnownSession, { lease_expires_at }: SessionRecord): string[] {
  const { leaseEndsAt, leaseEndsAtMost, releasedAt } = known;
  if (releasedAt !== undefined) return ['a session lives whose release was acknowledged'];
  return outside('lease_expires_at', lease_expires_at, leaseEndsAt, leaseEndsAtMost);
}

function endedProblems(known: KnownSession, { reason, ended_at }: UsageRecord): string[] {
  const { leaseEndsAt, leaseEndsAtMost, releaseSentAt, releasedAt } = known;
  if (reason === 'expired' && releasedAt === undefined)
    return outside('ended_at of a lease that ran out', ended_at, leaseEndsAt, leaseEndsAtMost);
  if (reason !== 'released' || releaseSentAt === undefined)
    return [`the session ended as ${reason}; release sent ${releaseSentAt}, acknowledged ${releasedAt}`];
  if (releasedAt !== undefined && ended_at !== releasedAt)
    return [`the release was acknowledged at ${releasedAt} and is accounted for at ${ended_at}`];
  return outside('ended_at of a release', ended_at, Math.min(releaseSentAt, leaseEndsAt), leaseEndsAtMost);
}

export function outside(what: string, value: number, low: number, high: number): string[] {
  return value >= low && value <= high ? [] : [`${what} is ${value}, not within ${low} and ${high}`];
}
