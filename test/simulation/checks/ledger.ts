/**
 * I5: every seat-second is in the usage ledger exactly once. The commit that ends a session writes its interval, which
 * lies within the time that the session really was in the store, give or take what clocks may be off, and within its
 * lease; and an interval never changes.
 */
import { isDeepStrictEqual } from 'node:util';
import type { SessionRecord } from '../../../shared/records/session.ts';
import type { UsageRecord } from '../../../shared/records/usage.ts';
import type { Change, Commit, SessionLife, Version } from '../history.ts';
import type { Stage } from '../stage.ts';

export interface LedgerChecks {
  committed(commit: Commit): void;
  /** Everything is over: the ledger is complete, month by month. */
  finished(): void;
}

export function createLedgerChecks(stage: Stage): LedgerChecks {
  const { history, judge, names, halfSkewMs } = stage;
  const skewMs = halfSkewMs * 2;
  /** The interval that was last written for each seat, and when its session left the store. */
  const latest = new Map<string, UsageRecord>();

  function checkInterval(commit: Commit, change: Change): void {
    const life = history.sessions.get(change.id.split('_')[2] ?? '');
    if (life === undefined) {
      judge.fail('I5', `an interval was written for ${change.id}, which never was a session`);
      return;
    }
    const wrong = wrongWithWrite(life, change);
    if (wrong !== undefined) fail(life, wrong);
    else if (change.before === undefined) {
      checkTimes(commit, life, change.after as UsageRecord);
      checkSeat(life, change.after as UsageRecord);
    }
  }

  function wrongWithWrite({ removedAt }: SessionLife, { before, after }: Change): string | undefined {
    if (after === undefined) return 'its interval was deleted';
    if (before !== undefined && !isDeepStrictEqual(before, after)) {
      return `its interval was written twice, and differently: ${text(before)}, ${text(after)}`;
    }
    return removedAt === undefined ? 'its interval was written while it lives' : undefined;
  }

  function checkTimes({ at, request }: Commit, life: SessionLife, usage: UsageRecord): void {
    const last = lastRecord(life);
    const leaseEnd = last.lease_expires_at;
    const earliestStart = life.createdBy.arrivedAt - halfSkewMs;
    if (usage.started_at < earliestStart || usage.started_at > life.createdAt + halfSkewMs) {
      fail(life, `its interval starts at ${usage.started_at}; it was in the store from ${life.createdAt}`);
    }
    if (usage.ended_at > leaseEnd)
      fail(life, `its interval ends ${usage.ended_at - leaseEnd} ms after its lease`);
    const earliestEnd = Math.min(leaseEnd, request.arrivedAt - halfSkewMs);
    if (usage.ended_at < earliestEnd || usage.ended_at > Math.max(usage.started_at, at + halfSkewMs)) {
      fail(
        life,
        `its interval ends at ${usage.ended_at}; it was in the store until ${at}, its lease until ${leaseEnd}`,
      );
    }
    if (usage.seat !== last.seat) fail(life, `its interval names seat ${usage.seat}, it held ${last.seat}`);
  }

  /** Intervals of one seat overlap by no more than clocks differ. A session that moved is in one interval as well. */
  function checkSeat(life: SessionLife, usage: UsageRecord): void {
    const hasMoved = life.versions.some(({ record }) => record.seat !== usage.seat);
    if (usage.seat === null || hasMoved) return;
    const key = `${life.license} ${usage.seat}`;
    const before = latest.get(key);
    latest.set(key, usage);
    const onTheWayMs = life.createdAt - life.createdBy.arrivedAt;
    const overlapMs = before === undefined ? 0 : before.ended_at - usage.started_at;
    if (overlapMs > skewMs + onTheWayMs) {
      fail(life, `its interval overlaps the one before it on seat ${usage.seat} by ${overlapMs} ms`);
    }
  }

  /** The ledger as finance reads it, split at the ends of months, against the time that seats really were held. */
  function checkMonths(): void {
    const billed = new Map<string, number>();
    const held = new Map<string, number>();
    const slack = new Map<string, number>();
    for (const [path, fields] of history.documents) {
      const usage = fields as UsageRecord;
      if (path.startsWith('usage/')) addTime(billed, usage.started_at, usage.ended_at);
    }
    for (const life of history.sessions.values()) {
      const end = Math.min(life.removedAt ?? Number.POSITIVE_INFINITY, lastRecord(life).lease_expires_at);
      const slackMs = slackOf(life);
      addTime(held, life.createdAt, end);
      for (const month of monthsOf(life.createdAt - slackMs, end + slackMs)) add(slack, month, slackMs);
    }
    for (const month of new Set([...billed.keys(), ...held.keys()])) {
      const differenceMs = Math.abs((billed.get(month) ?? 0) - (held.get(month) ?? 0));
      if (differenceMs <= (slack.get(month) ?? 0)) continue;
      judge.fail(
        'I5',
        `the ledger of ${month} is off by ${differenceMs} ms from the time that seats were held`,
      );
    }
  }

  /** How far the ends of an interval may be from the truth: clocks, and requests that took their time. */
  function slackOf({ createdAt, createdBy, removedAt, removedBy }: SessionLife): number {
    const endingMs = removedAt === undefined || removedBy === undefined ? 0 : removedAt - removedBy.arrivedAt;
    return skewMs + (createdAt - createdBy.arrivedAt) + endingMs;
  }

  const fail = (life: SessionLife, message: string) =>
    judge.fail('I5', `session ${life.name}: ${message}`, {
      license: names.get(life.license),
      machine: names.get(life.hardware),
    });

  return {
    committed(commit) {
      for (const change of commit.changes) if (change.kind === 'usage') checkInterval(commit, change);
      for (const { kind, before, after } of commit.changes) {
        if (kind !== 'session' || before === undefined || before.generation === after?.generation) continue;
        const life = history.sessions.get(before.generation as string);
        if (life !== undefined && life.usage === undefined) fail(life, 'it ended without an interval');
      }
    },
    finished() {
      for (const life of history.sessions.values()) {
        if (life.removedAt === undefined) fail(life, 'it is still there when everything is over');
      }
      checkMonths();
    },
  };
}

const lastRecord = ({ versions }: SessionLife) => (versions.at(-1) as Version<SessionRecord>).record;

const text = (value: unknown) => JSON.stringify(value);

function add(sums: Map<string, number>, key: string, amount: number): void {
  sums.set(key, (sums.get(key) ?? 0) + amount);
}

const monthOf = (at: number) => new Date(at).toISOString().slice(0, 7);

function nextMonth(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

function* monthsOf(from: number, until: number): Generator<string> {
  for (let at = from; at <= until; at = nextMonth(at)) yield monthOf(at);
}

function addTime(sums: Map<string, number>, from: number, until: number): void {
  for (let at = from; at < until; at = nextMonth(at)) {
    add(sums, monthOf(at), Math.min(until, nextMonth(at)) - at);
  }
}
