/** The checks of the crash tests themselves: a sound state passes, and each thing that must never happen is seen. */
import { describe, expect, it } from 'vitest';
import type { SessionRecord } from '../../shared/records/session.ts';
import type { UsageRecord } from '../../shared/records/usage.ts';
import {
  type Book,
  createBook,
  type KnownSession,
  noteAcquired,
  noteReleaseSent,
  sessionKey,
} from '../support/crash/book.ts';
import { ledgerProblems } from '../support/crash/checks/ledger.ts';
import { oversoldProblems } from '../support/crash/checks/oversold.ts';
import { promiseProblems } from '../support/crash/checks/promises.ts';
import { strangerProblems } from '../support/crash/checks/strangers.ts';
import { structureProblems } from '../support/crash/checks/structure.ts';
import type { CrashLicense } from '../support/crash/site.ts';
import type { Stored } from '../support/crash/stored.ts';
import { sessionRecord } from '../support/records.ts';

const LICENSE: CrashLicense = { key: 'K', hash: 'L'.repeat(32), seats: 2, leaseMs: 1000, machines: 3 };
const ENDED = 'd'.repeat(32);
const LIVING = 'e'.repeat(32);
const STRANGER = 'f'.repeat(32);

interface State {
  readonly book: Book;
  readonly sessions: Map<string, SessionRecord>;
  readonly seats: Map<number, string>;
  readonly usage: Map<string, UsageRecord>;
  readonly ended: KnownSession;
  readonly living: KnownSession;
}

/** On seat 0, machine 1 was told of a session from 100 to 1100 and released it at 500; machine 2 has one from 600. */
function soundState(): State {
  const book = createBook();
  const ended = told(book, 'machine-1', ENDED, 100);
  noteReleaseSent(ended, 490);
  ended.releasedAt = 500;
  const living = told(book, 'machine-2', LIVING, 600);
  return {
    book,
    ended,
    living,
    sessions: new Map([['machine-2', session(LIVING, 600)]]),
    seats: new Map([[0, 'machine-2']]),
    usage: new Map([[sessionKey(LICENSE.hash, 'machine-1', ENDED), interval(100, 500, 'released')]]),
  };
}

function told(book: Book, hardware: string, generation: string, at: number): KnownSession {
  return noteAcquired(book, {
    license: LICENSE,
    hardware,
    generation,
    sessionId: `ses-${generation}`,
    sentAt: at - 5,
    receivedAt: at + 5,
    leaseEndsAt: at + LICENSE.leaseMs,
  });
}

function session(generation: string, startedAt: number): SessionRecord {
  const lease_expires_at = startedAt + LICENSE.leaseMs;
  return sessionRecord({ generation, seat: 0, started_at: startedAt, lease_expires_at });
}

function interval(started_at: number, ended_at: number, reason: UsageRecord['reason']): UsageRecord {
  const whose = { license_id: 'license-1', customer_id: 'customer-1', product: 'demo-app' };
  return { ...whose, seat: 0, borrowed: false, started_at, ended_at, reason };
}

function problems({ book, sessions, seats, usage }: State): string[] {
  const stored: Stored = { licenses: [{ license: LICENSE, sessions, seats }], usage };
  return [
    ...structureProblems(stored),
    ...promiseProblems(stored, book),
    ...strangerProblems(stored, book),
    ...ledgerProblems(stored, book),
    ...oversoldProblems(book, [LICENSE]),
  ];
}

const keyOfEnded = sessionKey(LICENSE.hash, 'machine-1', ENDED);
const keyOfStranger = sessionKey(LICENSE.hash, 'machine-3', STRANGER);

function unanswered(book: Book, from: number, to: number, answeredAt: number): void {
  book.uncertainAcquires.push({
    license: LICENSE,
    hardware: 'machine-3',
    attempts: [{ from, to }],
    answeredAt,
  });
}

describe('a sound state', () => {
  it('has no problem', () => {
    expect(problems(soundState())).toEqual([]);
  });

  it('may hold a session that ended before its request was answered', () => {
    const state = soundState();
    unanswered(state.book, 2000, 2100, 3200);
    state.usage.set(keyOfStranger, { ...interval(2050, 3050, 'expired'), seat: 1 });
    expect(problems(state)).toEqual([]);
  });

  it('may hold a release that was sent and not acknowledged, or not hold it', () => {
    const state = soundState();
    noteReleaseSent(state.living, 700);
    expect(problems(state)).toEqual([]);
    state.sessions.clear();
    state.seats.clear();
    state.usage.set(sessionKey(LICENSE.hash, 'machine-2', LIVING), interval(600, 710, 'released'));
    expect(problems(state)).toEqual([]);
  });
});

const BROKEN: readonly (readonly [string, RegExp, (state: State) => unknown])[] = [
  ['a session is lost', /neither stored nor accounted for/, ({ sessions }) => sessions.clear()],
  ['a session has no seat', /a session on seat 0/, ({ seats }) => seats.clear()],
  ['a seat has no session', /has no session on it/, ({ seats }) => seats.set(1, 'machine-1')],
  [
    'a session has a seat that the licence has not',
    /seat 2 of a licence of 2/,
    ({ sessions }) => sessions.set('machine-2', { ...session(LIVING, 600), seat: 2 }),
  ],
  [
    'a session lives and has ended',
    /lives and has a usage interval/,
    ({ usage }) => usage.set(sessionKey(LICENSE.hash, 'machine-2', LIVING), interval(600, 700, 'expired')),
  ],
  [
    'a lease is shorter than was told',
    /lease_expires_at is 1599/,
    ({ sessions }) => sessions.set('machine-2', { ...session(LIVING, 600), lease_expires_at: 1599 }),
  ],
  [
    'a released session lives',
    /whose release was acknowledged/,
    ({ living }) => {
      living.releasedAt = 700;
    },
  ],
  ['an interval is missing', /neither stored nor accounted for/, ({ usage }) => usage.delete(keyOfEnded)],
  [
    'an interval ends elsewhere than the release',
    /acknowledged at 500 and is accounted for at 501/,
    ({ usage }) => usage.set(keyOfEnded, interval(100, 501, 'released')),
  ],
  [
    'an interval starts elsewhere than the session',
    /started_at is 106/,
    ({ usage }) => usage.set(keyOfEnded, interval(106, 500, 'released')),
  ],
  [
    'a live lease was reaped',
    /ended_at of a lease that ran out is 650/,
    ({ sessions, seats, usage }) => {
      sessions.clear();
      seats.clear();
      usage.set(sessionKey(LICENSE.hash, 'machine-2', LIVING), interval(600, 650, 'expired'));
    },
  ],
  [
    'an interval outlasts its lease',
    /ended_at of a lease that ran out is 1601/,
    ({ sessions, seats, usage }) => {
      sessions.clear();
      seats.clear();
      usage.set(sessionKey(LICENSE.hash, 'machine-2', LIVING), interval(600, 1601, 'expired'));
    },
  ],
  [
    'two intervals share a seat',
    /is used until 601/,
    ({ usage, ended }) => {
      ended.releasedAt = 601;
      usage.set(keyOfEnded, interval(100, 601, 'released'));
    },
  ],
  [
    'more is owed than its clients know of',
    /the ledger of 2 seats has 410 ms, not 395 to 405/,
    ({ usage }) => usage.set(keyOfEnded, interval(100, 510, 'released')),
  ],
  [
    'an interval is negative',
    /of -1 ms/,
    ({ usage }) => usage.set(keyOfEnded, interval(100, 99, 'released')),
  ],
  [
    'nobody asked for a session',
    /no client asked for/,
    ({ usage }) => usage.set(keyOfStranger, interval(2050, 3050, 'expired')),
  ],
  [
    'one attempt has started two sessions',
    /no client asked for/,
    ({ book, usage }) => {
      unanswered(book, 2000, 2100, 9000);
      usage.set(keyOfStranger, interval(2050, 3050, 'expired'));
      usage.set(keyOfStranger.replaceAll('f', '9'), interval(2060, 3060, 'expired'));
    },
  ],
  [
    'a session that lived was not found by the second attempt',
    /nobody was told of is 3050/,
    ({ book, usage }) => {
      unanswered(book, 2000, 2100, 3049);
      usage.set(keyOfStranger, interval(2050, 3050, 'expired'));
    },
  ],
  [
    'three machines were told of two seats',
    /3 live leases at once on 2 seats/,
    ({ book }) => {
      for (const generation of ['1', '2']) told(book, `machine-${generation}`, generation.repeat(32), 1000);
    },
  ],
];

it.each(BROKEN)('is seen when %s', (_, expected, breakIt) => {
  const state = soundState();
  breakIt(state);
  expect(problems(state).join('\n')).toMatch(expected);
});
