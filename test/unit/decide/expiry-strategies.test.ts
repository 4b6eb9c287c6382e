/** What the end of a licence means for each strategy and operation, at the end and a millisecond before and after it. */
import { describe, expect, test } from 'vitest';
import { LAST_INSTANT_MS } from '../../../shared/constants.ts';
import { decideAcquire } from '../../../shared/decide/acquire.ts';
import { decideHeartbeat } from '../../../shared/decide/heartbeat.ts';
import { endProblem } from '../../../shared/decide/issue.ts';
import { documentEnd, extendLease, leaseEnd } from '../../../shared/decide/lease.ts';
import { askedByMachine, endOf, endReasonOf, licenseRefusal } from '../../../shared/decide/license.ts';
import { edit } from '../../../shared/decide/license-change.ts';
import {
  EXPIRY_STRATEGIES,
  EXPIRY_STRATEGY_NAMES,
  type ExpiryStrategy,
} from '../../../shared/expiry-strategies.ts';
import { licenseRecord as licenseSchema } from '../../../shared/records/license.ts';
import {
  DAY,
  GENERATION,
  GRACE_SECONDS,
  HARDWARE,
  LEASE_SECONDS,
  licenseRecord,
  NOW,
  SECOND,
  sessionRecord,
} from '../../support/records.ts';

const END = NOW;
const LEASE = LEASE_SECONDS * SECOND;
const GRACE = GRACE_SECONDS * SECOND;
const AROUND = [END - 1, END, END + 1] as const;

const ending = (strategy: ExpiryStrategy, overrides: Parameters<typeof licenseRecord>[0] = {}) =>
  licenseRecord({ expires_at: END, expiry_strategy: strategy, ...overrides });
const live = (now: number) => sessionRecord({ lease_expires_at: now + 1 });
/** Granted when the licence was another one, or by an instance that did not know that it had ended. */
const late = (now: number) => sessionRecord({ started_at: END, lease_expires_at: now + 1 });
const over = (now: number) => sessionRecord({ lease_expires_at: now });

type Session = ReturnType<typeof sessionRecord> | undefined;
type Operation = (license: ReturnType<typeof licenseRecord>, now: number) => string;

const acquires =
  (sessionAt: (now: number) => Session, borrowSeconds?: number, clockSkewSeconds = 0): Operation =>
  (license, now) => {
    const record = sessionAt(now);
    const command = { hardware: HARDWARE, generation: 'd'.repeat(32), borrowSeconds, clockSkewSeconds };
    const decision = decideAcquire({ license, session: record && { record, version: 'v' } }, command, now);
    return decision.kind === 'refuse' ? decision.code : decision.kind;
  };

const beats =
  (sessionAt: (now: number) => Session): Operation =>
  (license, now) => {
    const command = { hardware: HARDWARE, generation: GENERATION, document: 'now' } as const;
    const decision = decideHeartbeat({ license, session: sessionAt(now) }, command, now);
    return decision.kind === 'refuse' ? decision.code : decision.kind;
  };

/** `validate` and a repeated request ask this before they look at the session itself. */
const holds =
  (sessionAt: (now: number) => Session): Operation =>
  (license, now) =>
    licenseRefusal(license, now, askedByMachine(license, sessionAt(now), now))?.code ?? 'holds';

const none = () => undefined;
const EXPIRED = 'license_expired';

describe.each([
  ['an acquire of a new machine', acquires(none), 'grant', [EXPIRED, EXPIRED, 'grant']],
  ['an acquire of a machine that holds a session', acquires(live), 'renew', [EXPIRED, 'renew', 'renew']],
  [
    'an acquire of a machine whose session began when the licence was over',
    acquires(late),
    'renew',
    [EXPIRED, EXPIRED, 'renew'],
  ],
  ['an acquire after its lease has ended', acquires(over), 'replace', [EXPIRED, EXPIRED, 'replace']],
  [
    'an acquire after its lease has ended, when another clock may not know yet',
    acquires(over, undefined, 30),
    'renew',
    [EXPIRED, EXPIRED, 'renew'],
  ],
  ['a loan to a new machine', acquires(none, 60), 'grant', [EXPIRED, EXPIRED, 'grant']],
  ['a loan to a machine that holds a session', acquires(live, 60), 'renew', [EXPIRED, EXPIRED, 'renew']],
  ['a heartbeat of a live session', beats(live), 'extend', [EXPIRED, 'extend', 'extend']],
  ['a heartbeat of one that began at the end', beats(late), 'extend', [EXPIRED, EXPIRED, 'extend']],
  ['a heartbeat after the end of its lease', beats(over), 'extend', [EXPIRED, EXPIRED, 'extend']],
  [
    'a heartbeat of a session that is gone',
    beats(none),
    'session_not_found',
    [EXPIRED, EXPIRED, 'session_not_found'],
  ],
  ['a document or a repeated request of a live session', holds(live), 'holds', [EXPIRED, 'holds', 'holds']],
  ['one of a session whose lease has ended', holds(over), 'holds', [EXPIRED, EXPIRED, 'holds']],
  ['one of a session that is gone, or no session at all', holds(none), 'holds', [EXPIRED, EXPIRED, 'holds']],
] as const)('%s', (_operation, run, before, after) => {
  test.each(EXPIRY_STRATEGY_NAMES.map((name, place) => [name, after[place] as string] as const))(
    'of strategy %s: as ever before the end, then %s',
    (strategy, from) => {
      expect(AROUND.map((now) => run(ending(strategy), now))).toEqual([before, from, from]);
    },
  );

  test.each(EXPIRY_STRATEGY_NAMES)('of strategy %s: as ever without an end', (strategy) => {
    const perpetual = ending(strategy, { expires_at: null });
    expect(AROUND.map((now) => run(perpetual, now))).toEqual([before, before, before]);
  });

  test.each(EXPIRY_STRATEGY_NAMES)('of strategy %s: a suspension and a revocation go before', (strategy) => {
    for (const status of ['suspended', 'revoked'] as const)
      expect(AROUND.map((now) => run(ending(strategy, { status }), now))).toEqual(
        AROUND.map(() => `license_${status}`),
      );
  });
});

describe('the end of a lease', () => {
  const cases = [
    ['restrict', 'session', [END, END, END]],
    ['restrict', 'grant', [END, END, END]],
    ['maintain', 'session', AROUND.map((now) => now + LEASE)],
    ['maintain', 'grant', [END, END, END]],
    ['allow', 'session', AROUND.map((now) => now + LEASE)],
    ['allow', 'grant', AROUND.map((now) => now + LEASE)],
  ] as const;

  test.each(cases)('of strategy %s, asked for as a %s', (strategy, asked, ends) => {
    expect(AROUND.map((now) => leaseEnd(ending(strategy), now, LEASE_SECONDS, asked))).toEqual(ends);
  });

  test.each([
    ['restrict', END, END],
    ['maintain', END - 1 + LEASE, END],
    ['allow', END - 1 + LEASE, END - 1 + LEASE],
  ] as const)(
    'of strategy %s, given 1 ms before the end: floating and borrowed',
    (strategy, floating, loan) => {
      const given = (borrowSeconds: number | undefined) => {
        const command = { hardware: HARDWARE, generation: 'd', borrowSeconds, clockSkewSeconds: 0 };
        const decision = decideAcquire({ license: ending(strategy), session: undefined }, command, END - 1);
        return decision.kind === 'grant' ? decision.session.lease_expires_at : decision.kind;
      };
      expect([given(undefined), given(LEASE_SECONDS)]).toEqual([floating, loan]);
    },
  );

  test.each(EXPIRY_STRATEGY_NAMES)(
    'of strategy %s never moves back, whatever was given before',
    (strategy) => {
      const session = sessionRecord({ lease_expires_at: END + DAY });
      for (const isBorrow of [false, true]) {
        const extended = extendLease(ending(strategy), session, END - 1, LEASE_SECONDS, isBorrow);
        expect(extended.lease_expires_at).toBe(END + DAY);
      }
    },
  );

  test.each([
    ['restrict', END],
    ['maintain', END - 1 + LEASE],
    ['allow', END - 1 + LEASE],
  ] as const)('of strategy %s, when the machine with a borrowed seat heartbeats', (strategy, end) => {
    const session = sessionRecord({ borrowed: true, lease_expires_at: END });
    const command = { hardware: HARDWARE, generation: GENERATION, document: 'impossible' } as const;
    const decision = decideHeartbeat({ license: ending(strategy), session }, command, END - 1);
    expect(decision).toMatchObject({ kind: 'extend', session: { lease_expires_at: end } });
  });
});

describe('the end of a document', () => {
  const lease = END + LEASE;
  const short = END - 2 * GRACE;
  const cases: [string, ExpiryStrategy, number, number][] = [
    ['whose lease was given for longer', 'restrict', lease, END],
    ['whose lease was given for longer: the lease, without grace', 'maintain', lease, lease],
    ['whose lease was given for longer: with grace', 'allow', lease, lease + GRACE],
    ['whose lease ends with the licence', 'restrict', END, END],
    ['whose lease ends with the licence', 'maintain', END, END],
    ['whose lease ends with the licence', 'allow', END, END + GRACE],
    ['whose grace reaches beyond the end', 'restrict', END - 1, END],
    ['whose grace reaches beyond the end', 'maintain', END - 1, END],
    ['whose grace reaches beyond the end', 'allow', END - 1, END - 1 + GRACE],
    ['whose grace ends before the licence', 'restrict', short, short + GRACE],
    ['whose grace ends before the licence', 'maintain', short, short + GRACE],
    ['whose grace ends before the licence', 'allow', short, short + GRACE],
  ];

  test.each(cases)('%s, of strategy %s', (_rule, strategy, leaseExpiresAt, end) => {
    expect(documentEnd(ending(strategy), leaseExpiresAt, false)).toBe(end);
  });

  test.each([
    ['restrict', END],
    ['maintain', lease],
    ['allow', lease],
  ] as const)('of strategy %s: of a borrowed seat or a strict licence, no grace', (strategy, end) => {
    const strict = ending(strategy, { policy: { strict_online: true } });
    expect([
      documentEnd(ending(strategy), lease, true),
      documentEnd(strict, lease, false),
      documentEnd(strict, lease, true),
    ]).toEqual([end, end, end]);
  });
});

describe('why a lease has run out', () => {
  const cases: [string, ExpiryStrategy, boolean, number, string][] = [
    ['a floating one', 'restrict', false, END, 'license_expired'],
    ['a floating one, which might have gone on', 'maintain', false, END, 'expired'],
    ['a floating one, which might have gone on', 'allow', false, END, 'expired'],
    ['a borrowed one', 'restrict', true, END, 'license_expired'],
    ['a borrowed one', 'maintain', true, END, 'license_expired'],
    ['a borrowed one, which might have been borrowed again', 'allow', true, END, 'expired'],
    ['a borrowed one that ended before', 'maintain', true, END - 1, 'expired'],
  ];

  test.each(cases)('%s, of strategy %s', (_rule, strategy, borrowed, leaseExpiresAt, reason) => {
    const session = sessionRecord({ borrowed, lease_expires_at: leaseExpiresAt });
    expect(endReasonOf(ending(strategy), session)).toBe(reason);
  });
});

test.each(EXPIRY_STRATEGY_NAMES)('a date is a date: strategy %s changes nothing in lists', (strategy) => {
  expect(endOf(ending(strategy), 'date')).toBe(END);
  expect(endOf(ending(strategy, { expires_at: null }), 'date')).toBe(LAST_INSTANT_MS);
});

test('a strategy that grants after the end lets sessions go on as well', () => {
  for (const { grants, continues } of Object.values(EXPIRY_STRATEGIES))
    expect(continues || !grants).toBe(true);
});

test('a record of before there was a choice restricts', () => {
  const { expiry_strategy: _, ...old } = ending('allow');
  expect(licenseSchema.parse(old).expiry_strategy).toBe('restrict');
  expect(licenseSchema.parse(ending('allow')).expiry_strategy).toBe('allow');
  expect(licenseSchema.safeParse({ ...old, expiry_strategy: 'extend' }).success).toBe(false);
});

test.each(EXPIRY_STRATEGY_NAMES)('an operator changes it to %s, and nothing else with it', (strategy) => {
  expect(edit(licenseRecord(), { expiry_strategy: strategy }, NOW)).toEqual({
    kind: 'change',
    fields: { expiry_strategy: strategy },
  });
});

test.each([
  ['restrict', END, false],
  ['maintain', END, true],
  ['allow', END, true],
  ['restrict', null, false],
  ['maintain', null, false],
  ['allow', null, false],
] as const)('issued as text, strategy %s and end %s: refused %s', (strategy, expires_at, isRefused) => {
  const problem = endProblem(ending(strategy, { expires_at }));
  expect(problem === undefined).toBe(!isRefused);
  if (isRefused) expect(problem).toContain(strategy);
});
