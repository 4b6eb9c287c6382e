/**
 * What the rules promise whatever comes: any licence, any order of calls, any clocks. Each machine's clock may be
 * behind or ahead of the one before, as with several instances of the service.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideAcquire } from '../../shared/decide/acquire.ts';
import { decideHeartbeat } from '../../shared/decide/heartbeat.ts';
import { documentEnd, extendLease, isReapable, leaseEnd, withDocument } from '../../shared/decide/lease.ts';
import { askedByMachine, hardwareRefusal, licenseRefusal } from '../../shared/decide/license.ts';
import { EXPIRY_STRATEGY_NAMES } from '../../shared/expiry-strategies.ts';
import { type LicenseRecord, licenseRecord as licenseSchema } from '../../shared/records/license.ts';
import { type SessionRecord, sessionRecord as sessionSchema } from '../../shared/records/session.ts';
import { DAY, HARDWARE, licenseRecord, NOW, SECOND } from '../support/records.ts';

const RUNS = { numRuns: 2_000 };
/** Fewer cases than this mean nothing. The rarest kind comes some 530 times a run, give or take 20. */
const FEW = 100;
const MINUTE = 60 * SECOND;
const NEVER = Number.POSITIVE_INFINITY;
const asked = fc.constantFrom('grant' as const, 'session' as const);

/** Clocks that differ by milliseconds, by minutes and by months; ties are frequent. */
const clock = fc.oneof(
  fc.integer({ min: -5, max: 5 }).map((offset) => NOW + offset),
  fc.integer({ min: -10, max: 10 }).map((offset) => NOW + offset * MINUTE),
  fc.integer({ min: -60 * DAY, max: 60 * DAY }).map((offset) => NOW + offset),
);

const expiry = fc.option(clock, { nil: null, freq: 3 });
const seconds = fc.oneof(
  fc.integer({ min: 1, max: 3 }),
  fc.constant(360),
  fc.integer({ min: 1, max: 40 * 86_400 }),
);

const anyLicense: fc.Arbitrary<LicenseRecord> = fc
  .record({
    status: fc.oneof(
      { weight: 8, arbitrary: fc.constant('active' as const) },
      fc.constantFrom('suspended' as const, 'revoked' as const),
    ),
    seats: fc.option(fc.integer({ min: 1, max: 3 }), { nil: null }),
    expires_at: expiry,
    expiry_strategy: fc.constantFrom(...EXPIRY_STRATEGY_NAMES),
    allowed_hardware: fc.constantFrom<string[] | null>(null, null, null, null, [HARDWARE], ['b'.repeat(32)]),
    policy: fc.record({
      lease_seconds: seconds,
      offline_grace_seconds: fc.oneof(fc.constant(0), seconds),
      strict_online: fc.boolean(),
      borrow_max_seconds: fc.oneof(fc.constant(0), seconds),
    }),
  })
  .map(licenseRecord);

const anySession: fc.Arbitrary<SessionRecord> = fc.record({
  generation: fc.constantFrom('c'.repeat(32), 'd'.repeat(32)),
  seat: fc.option(fc.nat({ max: 4 }), { nil: null }),
  borrowed: fc.boolean(),
  started_at: clock,
  last_heartbeat_at: clock,
  lease_expires_at: clock,
  shard: fc.nat({ max: 15 }),
  document_signed_at: clock,
  document_expires_at: clock,
});

type Call =
  | { readonly kind: 'acquire'; readonly now: number; readonly borrowSeconds: number | undefined }
  | { readonly kind: 'heartbeat'; readonly now: number; readonly document: 'impossible' | 'if_due' | 'now' };

const anyCall: fc.Arbitrary<Call> = fc.oneof(
  fc.record({
    kind: fc.constant('acquire' as const),
    now: clock,
    borrowSeconds: fc.option(seconds, { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant('heartbeat' as const),
    now: clock,
    document: fc.constantFrom('impossible', 'if_due', 'now'),
  }),
);

interface Step {
  readonly before: SessionRecord | undefined;
  readonly after: SessionRecord;
  readonly call: Call;
  readonly license: LicenseRecord;
  /** Whether the session that came out is the one that went in. */
  readonly continued: boolean;
  /** Whether a document was signed. */
  readonly signed: boolean;
}

/** Plays calls of one machine and answers those that changed its session. The licence may change on the way. */
function play(moves: readonly { readonly license: LicenseRecord; readonly call: Call }[]): Step[] {
  const steps: Step[] = [];
  let session: SessionRecord | undefined;
  for (const [number, { license, call }] of moves.entries()) {
    const result =
      call.kind === 'acquire' ? acquire(license, session, call, number) : heartbeat(license, session, call);
    if (result === undefined) continue;
    steps.push({ before: session, call, license, ...result });
    session = result.after;
  }
  return steps;
}

function acquire(
  license: LicenseRecord,
  session: SessionRecord | undefined,
  { now, borrowSeconds }: Extract<Call, { kind: 'acquire' }>,
  number: number,
) {
  const generation = number.toString(16).padStart(32, '0');
  const state = { license, session: session && { record: session, version: 'v' } };
  const decision = decideAcquire(
    state,
    { hardware: HARDWARE, borrowSeconds, generation, clockSkewSeconds: 0 },
    now,
  );
  if (decision.kind === 'refuse') return undefined;
  return { after: decision.session, continued: decision.kind === 'renew', signed: true };
}

function heartbeat(
  license: LicenseRecord,
  session: SessionRecord | undefined,
  { now, document }: Extract<Call, { kind: 'heartbeat' }>,
) {
  const command = { hardware: HARDWARE, generation: session?.generation ?? '', document };
  const decision = decideHeartbeat({ license, session }, command, now);
  if (decision.kind !== 'extend') return undefined;
  const { documented } = decision;
  return { after: documented ?? decision.session, continued: true, signed: documented !== undefined };
}

const oneLicense = fc
  .record({ license: anyLicense, calls: fc.array(anyCall, { minLength: 4, maxLength: 12 }) })
  .map(({ license, calls }) => play(calls.map((call) => ({ license, call }))));

/** An operator changes the licence between any two calls. */
const changingLicense = fc
  .array(fc.record({ license: anyLicense, call: anyCall }), { minLength: 4, maxLength: 12 })
  .map(play);

/** When the end of a licence is the end of a floating lease: where sessions go on, it is not. */
function latestLease({ expires_at, expiry_strategy }: LicenseRecord): number {
  return expiry_strategy === 'restrict' ? (expires_at ?? NEVER) : NEVER;
}

/** A loan is over with the licence, unless its end is a date and no more. */
function latestLoan({ expires_at, expiry_strategy }: LicenseRecord): number {
  return expiry_strategy === 'allow' ? NEVER : (expires_at ?? NEVER);
}

/** A document outlives its licence where its lease does, and with its grace where the end is a date and no more. */
function latestDocument(license: LicenseRecord, leaseExpiresAt: number): number {
  const { expires_at, expiry_strategy } = license;
  const end = expires_at ?? NEVER;
  return { restrict: end, maintain: Math.max(end, leaseExpiresAt), allow: NEVER }[expiry_strategy];
}

/** Checks every step of every play, and that enough steps were played to mean something. */
function everyStep(plays: fc.Arbitrary<Step[]>, check: (step: Step) => void): void {
  let checked = 0;
  fc.assert(
    fc.property(plays, (steps) => {
      for (const step of steps) check(step);
      checked += steps.length;
    }),
    RUNS,
  );
  expect(checked).toBeGreaterThan(FEW);
}

describe('a lease', () => {
  test('never moves back, in any sequence of calls, with any clocks, though the licence changes', () => {
    let continued = 0;
    everyStep(changingLicense, ({ before, after, continued: isSame }) => {
      if (before === undefined || !isSame) return;
      continued += 1;
      expect(after.lease_expires_at).toBeGreaterThanOrEqual(before.lease_expires_at);
      expect(after.last_heartbeat_at).toBeGreaterThanOrEqual(before.last_heartbeat_at);
    });
    expect(continued).toBeGreaterThan(FEW);
  });

  test('of one machine never moves back, not even from one session to the next', () => {
    everyStep(changingLicense, ({ before, after }) => {
      expect(after.lease_expires_at).toBeGreaterThanOrEqual(before?.lease_expires_at ?? 0);
    });
  });

  test('is extended to the term, or to the end of a licence that binds it, and no further', () => {
    fc.assert(
      fc.property(anyLicense, anySession, clock, seconds, fc.boolean(), (...given) => {
        const [license, session, now, term, isBorrow] = given;
        const { lease_expires_at: end, ...others } = extendLease(license, session, now, term, isBorrow);
        const bound = isBorrow ? latestLoan(license) : latestLease(license);
        expect(end).toBe(Math.max(session.lease_expires_at, Math.min(now + term * SECOND, bound)));
        expect({ ...others, lease_expires_at: 0 }).toEqual({
          ...session,
          last_heartbeat_at: Math.max(session.last_heartbeat_at, now),
          lease_expires_at: 0,
        });
      }),
      RUNS,
    );
  });

  test('of a licence that does not change ends no later than the licence, if that binds it', () => {
    everyStep(oneLicense, ({ after, license }) => {
      expect(after.lease_expires_at).toBeLessThanOrEqual(latestLease(license));
    });
  });

  test('that begins or is borrowed after the end of its licence is one that goes on without an end', () => {
    let late = 0;
    everyStep(changingLicense, ({ before, call, license, continued }) => {
      if (license.expires_at === null || call.now < license.expires_at) return;
      late += 1;
      const isLoan = call.kind === 'acquire' && call.borrowSeconds !== undefined;
      const began = before?.started_at ?? NEVER;
      const wasLive = continued && began < license.expires_at && (before?.lease_expires_at ?? 0) > call.now;
      const may = { restrict: [], maintain: wasLive && !isLoan ? ['maintain'] : [], allow: ['allow'] };
      expect(may[license.expiry_strategy]).toEqual([license.expiry_strategy]);
    });
    expect(late).toBeGreaterThan(FEW);
  });

  test('is alive when it is given', () => {
    everyStep(changingLicense, ({ after, call, continued }) => {
      if (!continued) expect(after.lease_expires_at).toBeGreaterThan(call.now);
    });
  });
});

describe('a document', () => {
  test('never outlives what the licence that it was signed for allows, though that was changed before', () => {
    everyStep(changingLicense, ({ after, license, signed }) => {
      if (!signed) return;
      const latest = latestDocument(license, after.lease_expires_at);
      expect(after.document_expires_at).toBeLessThanOrEqual(latest);
    });
  });

  test('never outlives what a licence allows that does not change', () => {
    everyStep(oneLicense, ({ after, license }) => {
      const latest = latestDocument(license, after.lease_expires_at);
      expect(after.document_expires_at).toBeLessThanOrEqual(latest);
    });
  });

  test('of a live lease lasts at least as long as the lease, where sessions go on', () => {
    everyStep(changingLicense, ({ after, license, signed }) => {
      if (!signed || license.expiry_strategy === 'restrict') return;
      expect(after.document_expires_at).toBeGreaterThanOrEqual(after.lease_expires_at);
    });
  });

  test('of a strict licence or a borrowed seat never outlives the lease', () => {
    let checked = 0;
    everyStep(changingLicense, ({ after, license, signed }) => {
      if (!signed || !(license.policy.strict_online || after.borrowed)) return;
      checked += 1;
      expect(after.document_expires_at).toBeLessThanOrEqual(after.lease_expires_at);
    });
    expect(checked).toBeGreaterThan(FEW);
  });

  test('of a floating seat outlives the lease by the grace at most', () => {
    everyStep(changingLicense, ({ after, license, signed }) => {
      const grace = license.policy.offline_grace_seconds * SECOND;
      if (signed) expect(after.document_expires_at).toBeLessThanOrEqual(after.lease_expires_at + grace);
    });
  });

  test('says when it was signed, and one that was not signed again says nothing new', () => {
    everyStep(changingLicense, ({ before, after, call, signed }) => {
      if (signed) expect(after.document_signed_at).toBe(call.now);
      else {
        expect(after.document_signed_at).toBe(before?.document_signed_at);
        expect(after.document_expires_at).toBe(before?.document_expires_at);
      }
    });
  });

  test('changes nothing else of a session', () => {
    fc.assert(
      fc.property(anyLicense, anySession, clock, (license, session, now) => {
        expect(withDocument(license, session, now)).toEqual({
          ...session,
          document_signed_at: now,
          document_expires_at: documentEnd(license, session.lease_expires_at, session.borrowed),
        });
      }),
    );
  });
});

describe('decideAcquire', () => {
  const given = fc.record({
    license: anyLicense,
    session: fc.option(anySession, { nil: undefined }),
    borrowSeconds: fc.option(seconds, { nil: undefined }),
    now: clock,
  });

  test('never grants for a licence that does not hold, and refuses with its code', () => {
    let refused = 0;
    fc.assert(
      fc.property(given, ({ license, session, borrowSeconds, now }) => {
        const asked = borrowSeconds === undefined ? askedByMachine(license, session, now) : 'grant';
        const refusal = licenseRefusal(license, now, asked) ?? hardwareRefusal(license, HARDWARE);
        fc.pre(refusal !== undefined);
        refused += 1;
        const state = { license, session: session && { record: session, version: 'v' } };
        const command = {
          hardware: HARDWARE,
          borrowSeconds,
          generation: 'e'.repeat(32),
          clockSkewSeconds: 0,
        };
        expect(decideAcquire(state, command, now)).toEqual(refusal);
      }),
      RUNS,
    );
    expect(refused).toBe(RUNS.numRuns);
  });

  test('decides by the plain words of its rules', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(given, ({ license, session, borrowSeconds, now }) => {
        const { status, expires_at, allowed_hardware, policy } = license;
        const alive = session !== undefined && session.lease_expires_at > now;
        const goesOn = {
          restrict: false,
          maintain: alive && borrowSeconds === undefined && session.started_at < (expires_at ?? NEVER),
          allow: true,
        }[license.expiry_strategy];
        const holds =
          status === 'active' &&
          (expires_at === null || now < expires_at || goesOn) &&
          (allowed_hardware?.includes(HARDWARE) ?? true) &&
          (borrowSeconds === undefined || borrowSeconds <= policy.borrow_max_seconds);
        const hasSeat = license.seats === null || (session?.seat ?? 99) < license.seats;
        const fresh = session !== undefined && hasSeat ? 'replace' : 'grant';
        const expected = !holds ? 'refuse' : alive ? 'renew' : fresh;
        const state = { license, session: session && { record: session, version: 'v' } };
        const decision = decideAcquire(
          state,
          { hardware: HARDWARE, borrowSeconds, generation: 'e', clockSkewSeconds: 0 },
          now,
        );
        seen.add(expected);
        expect(decision.kind).toBe(expected);
        if (decision.kind === 'grant') {
          expect(decision.needsSeat).toBe(license.seats !== null);
          expect(decision.ended).toEqual(state.session);
        }
        if (decision.kind === 'renew') expect(decision.session.generation).toBe(session?.generation);
        if (decision.kind === 'replace') expect(decision.session.generation).toBe('e');
      }),
      RUNS,
    );
    expect([...seen].sort()).toEqual(['grant', 'refuse', 'renew', 'replace']);
  });

  test('and decideHeartbeat make records that the store takes back', () => {
    everyStep(changingLicense, ({ after, license }) => {
      expect(sessionSchema.parse(after)).toEqual(after);
      expect(licenseSchema.parse(license)).toEqual(license);
    });
  });
});

describe('isReapable', () => {
  const skew = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 600 }));

  test('is false before the lease and the margin are over, and true from then on', () => {
    const around = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -DAY, max: DAY }));
    fc.assert(
      fc.property(anySession, skew, around, (session, skewSeconds, offset) => {
        const end = session.lease_expires_at + skewSeconds * SECOND;
        expect(isReapable(session, end + offset, skewSeconds)).toBe(offset >= 0);
      }),
      RUNS,
    );
  });

  test('is false whenever an instance whose clock is behind by the margin still renews the session', () => {
    fc.assert(
      fc.property(
        anyLicense,
        anySession,
        clock,
        skew,
        fc.nat({ max: 600 }),
        (license, session, now, margin, behind) => {
          fc.pre(behind <= margin);
          const state = { license, session: { record: session, version: 'v' } };
          const command = {
            hardware: HARDWARE,
            borrowSeconds: undefined,
            generation: 'e',
            clockSkewSeconds: 0,
          };
          const there = decideAcquire(state, command, now - behind * SECOND);
          if (there.kind !== 'renew') return;
          // A renewal there and a reaper here agree that the lease it read was alive within the margin.
          expect(isReapable(session, now, margin)).toBe(false);
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

test('leaseEnd: a longer term never ends earlier, and a later start never ends earlier', () => {
  fc.assert(
    fc.property(anyLicense, clock, clock, seconds, seconds, asked, (license, a, b, term, other, what) => {
      const [start, later] = [Math.min(a, b), Math.max(a, b)];
      const [short, long] = [Math.min(term, other), Math.max(term, other)];
      const base = leaseEnd(license, start, short, what);
      expect(leaseEnd(license, start, long, what)).toBeGreaterThanOrEqual(base);
      expect(leaseEnd(license, later, short, what)).toBeGreaterThanOrEqual(base);
    }),
  );
});
