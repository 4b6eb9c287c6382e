/** I5: every seat-second is in the usage ledger exactly once. */
import type { UsageRecord } from '../../../../shared/records/usage.ts';
import { type Book, type KnownSession, sessionKey, type UncertainAcquire } from '../book.ts';
import type { CrashLicense } from '../site.ts';
import type { Stored } from '../stored.ts';
import { longestLease } from './strangers.ts';

export function ledgerProblems(stored: Stored, book: Book): string[] {
  return stored.licenses.flatMap(({ license, sessions }) => {
    const intervals = intervalsOf(stored, license);
    const living = [...sessions.values()].map(({ seat, started_at }) => ({
      seat,
      started_at,
      ended_at: Number.POSITIVE_INFINITY,
    }));
    return [
      ...overlaps([...intervals, ...living]),
      ...lengthProblems(intervals),
      ...totalProblems(stored, book, license),
    ];
  });
}

export function intervalsOf({ usage }: Stored, license: CrashLicense): UsageRecord[] {
  return [...usage].filter(([key]) => key.startsWith(`${license.hash}_`)).map(([, interval]) => interval);
}

type Occupied = Pick<UsageRecord, 'seat' | 'started_at' | 'ended_at'>;

/** Two sessions on one seat at once would count its seconds twice. */
function overlaps(occupied: readonly Occupied[]): string[] {
  const bySeat = Map.groupBy(occupied, ({ seat }) => seat);
  bySeat.delete(null);
  return [...bySeat].flatMap(([seat, spans]) => {
    const ordered = spans.sort((a, b) => a.started_at - b.started_at || a.ended_at - b.ended_at);
    return ordered.flatMap((span, index) => {
      const before = ordered[index - 1];
      return before !== undefined && before.ended_at > span.started_at
        ? [`seat ${seat} is used until ${before.ended_at} and again from ${span.started_at}`]
        : [];
    });
  });
}

function lengthProblems(intervals: readonly UsageRecord[]): string[] {
  return intervals.flatMap(({ started_at, ended_at, reason }) =>
    ended_at >= started_at ? [] : [`an interval, ${reason}, of ${ended_at - started_at} ms`],
  );
}

/** What a licence owes, added up from the ledger, lies between what its clients know at least and at most. */
function totalProblems(stored: Stored, book: Book, license: CrashLicense): string[] {
  const { ledgerMs, atLeastMs, atMostMs } = totalOf(stored, book, license);
  return ledgerMs >= atLeastMs && ledgerMs <= atMostMs
    ? []
    : [`the ledger of ${license.seats} seats has ${ledgerMs} ms, not ${atLeastMs} to ${atMostMs}`];
}

export interface Total {
  readonly ledgerMs: number;
  readonly atLeastMs: number;
  readonly atMostMs: number;
}

/** Seat-milliseconds of sessions that are over. */
export function totalOf(stored: Stored, book: Book, license: CrashLicense): Total {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const intervals = intervalsOf(stored, license);
  const over = [...book.sessions.values()].filter(
    (session) => session.license === license && stored.usage.has(keyOf(session)),
  );
  const strangers = book.uncertainAcquires.filter(
    (request) => request.license === license && mayBeOver(request),
  );
  return {
    ledgerMs: sum(intervals.map(({ started_at, ended_at }) => ended_at - started_at)),
    atLeastMs: sum(over.map((session) => Math.max(0, earliestEnd(session) - session.startedTo))),
    atMostMs:
      sum(over.map((session) => latestEnd(session) - session.startedFrom)) +
      sum(strangers.map((request) => request.attempts.length * longestLease(request))),
  };
}

/** Whether a session that nobody was told of may have ended before its request was answered. */
function mayBeOver({ attempts, answeredAt, license }: UncertainAcquire): boolean {
  return attempts.some(({ from }) => from + license.leaseMs <= answeredAt);
}

function keyOf({ license, hardware, generation }: KnownSession): string {
  return sessionKey(license.hash, hardware, generation);
}

function earliestEnd({ releasedAt, releaseSentAt, leaseEndsAt }: KnownSession): number {
  return releasedAt ?? Math.min(releaseSentAt ?? leaseEndsAt, leaseEndsAt);
}

function latestEnd({ releasedAt, leaseEndsAtMost }: KnownSession): number {
  return releasedAt ?? leaseEndsAtMost;
}
