import { describe, expect, test } from 'vitest';
import { type AcquireCommand, type AcquireDecision, decideAcquire } from '../../../shared/decide/acquire.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import type { LicenseRecord } from '../../../shared/records/license.ts';
import { type SessionRecord, shardOf } from '../../../shared/records/session.ts';
import {
  BORROW_MAX_SECONDS,
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

const NEW_GENERATION = 'd'.repeat(32);
const LEASE = LEASE_SECONDS * SECOND;
const GRACE = GRACE_SECONDS * SECOND;

function decide(
  license: LicenseRecord,
  session: SessionRecord | undefined,
  command: Partial<AcquireCommand> = {},
  now = NOW,
): AcquireDecision {
  return decideAcquire(
    { license, session: session && { record: session, version: 'version-1' } },
    {
      hardware: HARDWARE,
      borrowSeconds: undefined,
      generation: NEW_GENERATION,
      clockSkewSeconds: 0,
      ...command,
    },
    now,
  );
}

/** A session as it is when it has just been granted. */
function granted(overrides: Partial<SessionRecord> = {}): SessionRecord {
  return {
    generation: NEW_GENERATION,
    seat: null,
    borrowed: false,
    started_at: NOW,
    last_heartbeat_at: NOW,
    lease_expires_at: NOW + LEASE,
    shard: shardOf(HARDWARE),
    document_signed_at: NOW,
    document_expires_at: NOW + LEASE + GRACE,
    ...overrides,
  };
}

describe('refuses', () => {
  const others = ['b'.repeat(32)];
  const cases: [string, Parameters<typeof licenseRecord>[0], number | undefined, ErrorCode][] = [
    ['a revoked licence', { status: 'revoked' }, undefined, 'license_revoked'],
    ['a suspended licence', { status: 'suspended' }, undefined, 'license_suspended'],
    ['a licence at its end', { expires_at: NOW }, undefined, 'license_expired'],
    ['another machine of a bound licence', { allowed_hardware: others }, undefined, 'hardware_not_allowed'],
    ['a loan where none is allowed', { policy: { borrow_max_seconds: 0 } }, 1, 'borrow_not_allowed'],
    ['a loan a second too long', {}, BORROW_MAX_SECONDS + 1, 'borrow_too_long'],
    [
      'first for the licence, then for the machine',
      { status: 'revoked', allowed_hardware: others },
      undefined,
      'license_revoked',
    ],
    [
      'first for the machine, then for the loan',
      { allowed_hardware: others, policy: { borrow_max_seconds: 0 } },
      1,
      'hardware_not_allowed',
    ],
  ];

  describe.each([
    ['without a session', undefined],
    ['with a live session', sessionRecord()],
    ['with an ended session', sessionRecord({ lease_expires_at: NOW })],
  ])('%s', (_state, session) => {
    test.each(cases)('%s', (_rule, overrides, borrowSeconds, code) => {
      expect(decide(licenseRecord(overrides), session, { borrowSeconds })).toMatchObject({
        kind: 'refuse',
        code,
      });
    });
  });

  test('a loan that is too long, and says how long it may be', () => {
    const decision = decide(licenseRecord(), undefined, { borrowSeconds: BORROW_MAX_SECONDS + 1 });
    expect(decision).toMatchObject({ members: { borrow_max_seconds: BORROW_MAX_SECONDS } });
  });
});

describe('grants to a machine without a session', () => {
  test('a floating seat, to be found', () => {
    expect(decide(licenseRecord(), undefined)).toEqual({
      kind: 'grant',
      needsSeat: true,
      session: granted(),
    });
  });

  test('no seat of an unlimited licence', () => {
    const decision = decide(licenseRecord({ seats: null }), undefined);
    expect(decision).toEqual({ kind: 'grant', needsSeat: false, session: granted() });
  });

  test('1 ms before the licence ends, for that millisecond', () => {
    const decision = decide(licenseRecord({ expires_at: NOW + 1 }), undefined);
    const session = granted({ lease_expires_at: NOW + 1, document_expires_at: NOW + 1 });
    expect(decision).toEqual({ kind: 'grant', needsSeat: true, session });
  });

  test('a document that ends with the lease when the licence is strict', () => {
    const decision = decide(licenseRecord({ policy: { strict_online: true } }), undefined);
    expect(decision).toMatchObject({ session: granted({ document_expires_at: NOW + LEASE }) });
  });

  test.each([
    ['for a second', 1],
    ['for a day', 86_400],
    ['for the longest term', BORROW_MAX_SECONDS],
  ])('a borrowed seat %s, without grace', (_term, borrowSeconds) => {
    const end = NOW + borrowSeconds * SECOND;
    const session = granted({ borrowed: true, lease_expires_at: end, document_expires_at: end });
    expect(decide(licenseRecord(), undefined, { borrowSeconds })).toEqual({
      kind: 'grant',
      needsSeat: true,
      session,
    });
  });

  test('a loan that is cut by the end of the licence', () => {
    const decision = decide(licenseRecord({ expires_at: NOW + DAY }), undefined, {
      borrowSeconds: 2 * 86_400,
    });
    const session = granted({ borrowed: true, lease_expires_at: NOW + DAY, document_expires_at: NOW + DAY });
    expect(decision).toMatchObject({ kind: 'grant', session });
  });
});

describe('the lease of the machine decides between renewing and replacing', () => {
  test.each([
    ['1 ms before its end: renew', NOW + 1, 'renew'],
    ['at its end: replace', NOW, 'replace'],
    ['1 ms after its end: replace', NOW - 1, 'replace'],
    ['long after its end: replace', NOW - DAY, 'replace'],
  ] as const)('%s', (_rule, leaseExpiresAt, kind) => {
    expect(decide(licenseRecord(), sessionRecord({ lease_expires_at: leaseExpiresAt })).kind).toBe(kind);
  });

  test.each([
    ['1 ms before the skew margin is over: renew', NOW - 29_999, 'renew'],
    ['when it is over: replace', NOW - 30_000, 'replace'],
  ] as const)('%s, since another instance may be extending it', (_rule, leaseExpiresAt, kind) => {
    const session = sessionRecord({ lease_expires_at: leaseExpiresAt });
    expect(decide(licenseRecord(), session, { clockSkewSeconds: 30 }).kind).toBe(kind);
  });
});

describe('renews', () => {
  test('the same session on the same seat, demanding the version that was read', () => {
    const before = sessionRecord();
    expect(decide(licenseRecord(), before)).toEqual({
      kind: 'renew',
      version: 'version-1',
      moves: false,
      session: {
        ...before,
        generation: GENERATION,
        last_heartbeat_at: NOW,
        lease_expires_at: NOW + LEASE,
        document_signed_at: NOW,
        document_expires_at: NOW + LEASE + GRACE,
      },
    });
  });

  const floating = { borrowed: false, lease_expires_at: NOW + 1000 };
  const borrowed = { borrowed: true, lease_expires_at: NOW + DAY };
  const cases: [string, Partial<SessionRecord>, number | undefined, Partial<SessionRecord>][] = [
    [
      'a floating seat that is now borrowed',
      floating,
      86_400,
      { borrowed: true, lease_expires_at: NOW + DAY, document_expires_at: NOW + DAY },
    ],
    [
      'a borrowed seat for longer',
      borrowed,
      2 * 86_400,
      { borrowed: true, lease_expires_at: NOW + 2 * DAY, document_expires_at: NOW + 2 * DAY },
    ],
    [
      'a borrowed seat for shorter, which keeps its term',
      borrowed,
      1,
      { borrowed: true, lease_expires_at: NOW + DAY, document_expires_at: NOW + DAY },
    ],
    [
      'a borrowed seat by a plain acquire, which keeps it borrowed',
      borrowed,
      undefined,
      { borrowed: true, lease_expires_at: NOW + DAY, document_expires_at: NOW + DAY },
    ],
  ];

  test.each(cases)('%s', (_rule, before, borrowSeconds, after) => {
    const decision = decide(licenseRecord(), sessionRecord(before), { borrowSeconds });
    expect(decision).toMatchObject({
      kind: 'renew',
      session: { seat: 3, document_signed_at: NOW, ...after },
    });
  });

  test.each([
    ['a seat beyond the number', 3, 3, true],
    ['the last seat', 4, 3, false],
    ['no seat of a licence that has become limited', 4, null, true],
    ['a seat of a licence that has become unlimited', null, 3, false],
  ])('a session that holds %s, and says whether it moves', (_rule, seats, seat, moves) => {
    const decision = decide(licenseRecord({ seats }), sessionRecord({ seat }));
    expect(decision).toMatchObject({ kind: 'renew', moves, session: { seat } });
  });

  test('with a clock behind the one before: the lease stays where it was', () => {
    const before = sessionRecord({ lease_expires_at: NOW + LEASE, last_heartbeat_at: NOW });
    expect(decide(licenseRecord(), before, {}, NOW - 5000)).toMatchObject({
      session: { lease_expires_at: NOW + LEASE, last_heartbeat_at: NOW, document_signed_at: NOW - 5000 },
    });
  });

  test('an unlimited licence without a seat', () => {
    const decision = decide(licenseRecord({ seats: null }), sessionRecord({ seat: null }));
    expect(decision).toMatchObject({ kind: 'renew', session: { seat: null } });
  });
});

describe('replaces', () => {
  const ended = sessionRecord({ lease_expires_at: NOW - 5000, borrowed: true });

  test('with a new session on the same seat, and ends the old one', () => {
    expect(decide(licenseRecord(), ended)).toEqual({
      kind: 'replace',
      session: granted({ seat: 3 }),
      ended: { record: ended, version: 'version-1' },
    });
  });

  test('with a borrowed one when asked', () => {
    const end = NOW + DAY;
    expect(decide(licenseRecord(), ended, { borrowSeconds: 86_400 })).toMatchObject({
      kind: 'replace',
      session: granted({ seat: 3, borrowed: true, lease_expires_at: end, document_expires_at: end }),
    });
  });

  test.each([0, 4])('on any seat that the licence has: %d of 5', (seat) => {
    const decision = decide(licenseRecord({ seats: 5 }), sessionRecord({ seat, lease_expires_at: NOW }));
    expect(decision).toMatchObject({ kind: 'replace', session: { seat } });
  });

  test('on the seat that it has of a licence that has become unlimited', () => {
    const old = sessionRecord({ seat: 3, lease_expires_at: NOW });
    expect(decide(licenseRecord({ seats: null }), old)).toMatchObject({
      kind: 'replace',
      session: { seat: 3 },
    });
  });

  test('on no seat of an unlimited licence', () => {
    const old = sessionRecord({ seat: null, lease_expires_at: NOW });
    expect(decide(licenseRecord({ seats: null }), old)).toMatchObject({
      kind: 'replace',
      session: { seat: null },
    });
  });
});

describe('grants instead of replacing when the seats of the licence have changed: the old session is ended', () => {
  const cases: [string, number | null][] = [
    ['the seat is the first that it no longer has', 3],
    ['the seat is far beyond', 4000],
    ['the old session has no seat of a licence that was unlimited', null],
  ];

  test.each(cases)('%s', (_rule, seat) => {
    const record = sessionRecord({ seat, lease_expires_at: NOW });
    expect(decide(licenseRecord({ seats: 3 }), record)).toEqual({
      kind: 'grant',
      needsSeat: true,
      session: granted({ seat: null }),
      ended: { record, version: 'version-1' },
    });
  });
});
