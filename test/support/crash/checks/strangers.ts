/**
 * Sessions and intervals that no client was told of: at most one for each attempt to acquire without an answer, started
 * in the time of that attempt.
 */
import { SAME_BEGINNING_MS } from '../../../../shared/constants.ts';
import { type Book, sessionKey, type UncertainAcquire } from '../book.ts';
import type { Stored } from '../stored.ts';
import { livingSessions, outside } from './promises.ts';

type Attempt = UncertainAcquire['attempts'][number];

interface Stranger {
  /** A `sessionKey`. */
  readonly key: string;
  readonly startedAt: number;
  /** Undefined while it lives. */
  readonly endedAt: number | undefined;
}

const GENERATION_LENGTH = 32;

export function strangerProblems(stored: Stored, book: Book): string[] {
  const unused = new Set(book.uncertainAcquires.flatMap(({ attempts }) => attempts));
  return strangersOf(stored, book).flatMap((stranger) => {
    const request = book.uncertainAcquires.find((candidate) => isCause(candidate, stranger));
    const attempt = request?.attempts.find(
      (candidate) => isWithin(candidate, stranger) && unused.has(candidate),
    );
    if (request === undefined || attempt === undefined)
      return [`a session of ${stranger.startedAt} that no client asked for (${stranger.key})`];
    unused.delete(attempt);
    return endProblems(request, stranger).map((text) => `${text} (${stranger.key})`);
  });
}

function strangersOf(stored: Stored, { sessions }: Book): Stranger[] {
  const ended = [...stored.usage].map(([key, interval]) => ({
    key,
    startedAt: interval.started_at,
    endedAt: interval.ended_at,
  }));
  const living = [...livingSessions(stored)].map(([key, { started_at: startedAt }]) => ({
    key,
    startedAt,
    endedAt: undefined,
  }));
  return [...ended, ...living].filter(({ key }) => !sessions.has(key));
}

function isCause({ license, hardware, attempts }: UncertainAcquire, stranger: Stranger): boolean {
  const { key } = stranger;
  const isSameMachine = key === sessionKey(license.hash, hardware, key.slice(-GENERATION_LENGTH));
  return isSameMachine && attempts.some((attempt) => isWithin(attempt, stranger));
}

function isWithin({ from, to }: Attempt, { startedAt }: Stranger): boolean {
  return from <= startedAt && startedAt <= to;
}

/** The attempt that was answered at last has not found it, so its lease had run out by then. */
function endProblems(request: UncertainAcquire, { startedAt, endedAt }: Stranger): string[] {
  if (endedAt === undefined) return [];
  // Later attempts of a request keep the lease of its first.
  const soonest = startedAt + request.license.leaseMs - SAME_BEGINNING_MS;
  return [
    ...outside('the end of a lease that nobody was told of', endedAt, soonest, request.answeredAt),
    ...outside('its length', endedAt - startedAt, 0, longestLease(request)),
  ];
}

/** A session may have been started by the first attempt and extended by the last. */
export function longestLease({ attempts, license }: UncertainAcquire): number {
  const from = Math.min(...attempts.map((attempt) => attempt.from));
  return Math.max(...attempts.map((attempt) => attempt.to)) - from + license.leaseMs;
}
