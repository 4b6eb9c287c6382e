import { describe, expect, test } from 'vitest';
import { LAST_INSTANT_MS } from '../../../shared/constants.ts';
import {
  documentEnd,
  extendLease,
  isDocumentDue,
  isReapable,
  leaseEnd,
  withDocument,
} from '../../../shared/decide/lease.ts';
import { DAY, GRACE_SECONDS, licenseRecord, NOW, SECOND, sessionRecord } from '../../support/records.ts';

describe('leaseEnd: now plus the term, never after the licence', () => {
  const cases: [string, number | null, number, number][] = [
    ['perpetual', null, 360, NOW + 360_000],
    ['the licence ends 1 ms after the term', NOW + 360_001, 360, NOW + 360_000],
    ['the licence ends with the term', NOW + 360_000, 360, NOW + 360_000],
    ['the licence ends 1 ms before the term', NOW + 359_999, 360, NOW + 359_999],
    ['the licence has ended', NOW - 1, 360, NOW - 1],
    ['a term of one second', null, 1, NOW + 1000],
    ['no term', null, 0, NOW],
  ];

  test.each(cases)('%s', (_rule, expiresAt, seconds, end) => {
    expect(leaseEnd(licenseRecord({ expires_at: expiresAt }), NOW, seconds, 'session')).toBe(end);
  });
});

test('nothing of a licence without an end is over later than the last instant that can be written', () => {
  const license = licenseRecord({ expires_at: null });
  const now = LAST_INSTANT_MS - 1000;
  expect(leaseEnd(license, now, 360, 'session')).toBe(LAST_INSTANT_MS);
  expect(documentEnd(license, LAST_INSTANT_MS, false)).toBe(LAST_INSTANT_MS);
  expect(documentEnd(license, LAST_INSTANT_MS, true)).toBe(LAST_INSTANT_MS);
});

describe('documentEnd', () => {
  const lease = NOW + 360_000;
  const graceEnd = lease + GRACE_SECONDS * SECOND;
  const cases: [
    string,
    { strict?: boolean; borrowed?: boolean; expiresAt?: number; grace?: number },
    number,
  ][] = [
    ['a floating seat has grace after its lease', {}, graceEnd],
    ['no grace, no life after the lease', { grace: 0 }, lease],
    ['one second of grace', { grace: 1 }, lease + 1000],
    ['a strict licence has no grace', { strict: true }, lease],
    ['a borrowed seat has no grace', { borrowed: true }, lease],
    ['a borrowed seat of a strict licence neither', { borrowed: true, strict: true }, lease],
    ['grace that ends 1 ms before the licence', { expiresAt: graceEnd + 1 }, graceEnd],
    ['grace that ends with the licence', { expiresAt: graceEnd }, graceEnd],
    ['grace is cut by the end of the licence', { expiresAt: graceEnd - 1 }, graceEnd - 1],
    ['a licence that ends with the lease leaves no grace', { expiresAt: lease }, lease],
    ['a licence shortened after the lease was given ends its documents', { expiresAt: lease - 1 }, lease - 1],
    ['also when strict', { expiresAt: lease - 1, strict: true }, lease - 1],
    ['also when borrowed', { expiresAt: lease - 1, borrowed: true }, lease - 1],
  ];

  test.each(cases)('%s', (_rule, given, end) => {
    const { strict = false, borrowed = false, expiresAt = null, grace = GRACE_SECONDS } = given;
    const license = licenseRecord({
      expires_at: expiresAt,
      policy: { strict_online: strict, offline_grace_seconds: grace },
    });
    expect(documentEnd(license, lease, borrowed)).toBe(end);
  });
});

describe('extendLease', () => {
  const cases: [
    string,
    { lease: number; heartbeat: number },
    number,
    { lease: number; heartbeat: number },
  ][] = [
    ['a later end moves it forward', { lease: NOW + 1, heartbeat: NOW - 1 }, NOW, at(NOW + 60_000, NOW)],
    ['an end 1 ms later', { lease: NOW + 59_999, heartbeat: NOW - 1 }, NOW, at(NOW + 60_000, NOW)],
    ['the same end', { lease: NOW + 60_000, heartbeat: NOW - 1 }, NOW, at(NOW + 60_000, NOW)],
    [
      'an end 1 ms earlier does not move it',
      { lease: NOW + 60_001, heartbeat: NOW },
      NOW,
      at(NOW + 60_001, NOW),
    ],
    ['a clock that went back moves nothing', at(NOW + 60_000, NOW), NOW - 1, at(NOW + 60_000, NOW)],
    ['a clock a year behind moves nothing', at(NOW + 1, NOW), NOW - 365 * DAY, at(NOW + 1, NOW)],
    ['an ended lease is taken up again', at(NOW - DAY, NOW - DAY), NOW, at(NOW + 60_000, NOW)],
  ];

  test.each(cases)('%s', (_rule, before, now, after) => {
    const session = sessionRecord({ lease_expires_at: before.lease, last_heartbeat_at: before.heartbeat });
    expect(extendLease(licenseRecord(), session, now, 60)).toEqual({
      ...session,
      lease_expires_at: after.lease,
      last_heartbeat_at: after.heartbeat,
    });
  });

  test('is cut by the end of the licence', () => {
    const session = sessionRecord({ lease_expires_at: NOW });
    const extended = extendLease(licenseRecord({ expires_at: NOW + 7 }), session, NOW, 60);
    expect(extended.lease_expires_at).toBe(NOW + 7);
  });

  test('keeps a lease that was given before the licence was shortened', () => {
    const session = sessionRecord({ lease_expires_at: NOW + 100 });
    const extended = extendLease(licenseRecord({ expires_at: NOW + 7 }), session, NOW, 60);
    expect(extended.lease_expires_at).toBe(NOW + 100);
  });

  function at(lease: number, heartbeat: number) {
    return { lease, heartbeat };
  }
});

test('withDocument signs now, for the lease of the session, and changes nothing else', () => {
  const session = sessionRecord({ lease_expires_at: NOW + 5000 });
  expect(withDocument(licenseRecord(), session, NOW)).toEqual({
    ...session,
    document_signed_at: NOW,
    document_expires_at: NOW + 5000 + GRACE_SECONDS * SECOND,
  });
});

test.each([
  [true, NOW + 5000],
  [false, NOW + 5000 + GRACE_SECONDS * SECOND],
])('withDocument reads the session: borrowed %s', (borrowed, end) => {
  const session = sessionRecord({ lease_expires_at: NOW + 5000, borrowed });
  expect(withDocument(licenseRecord(), session, NOW).document_expires_at).toBe(end);
});

describe('isReapable: only after the lease and the margin for clocks', () => {
  const cases: [string, number, number, boolean][] = [
    ['a living lease', 1, 0, false],
    ['the end of the lease, no margin', 0, 0, true],
    ['1 ms before the end, no margin', 1, 0, false],
    ['the end of the lease, with a margin', 0, 30, false],
    ['1 ms before the end of the margin', -29_999, 30, false],
    ['the end of the margin', -30_000, 30, true],
    ['1 ms after the margin', -30_001, 30, true],
  ];

  test.each(cases)('%s', (_rule, leaseFromNow, skewSeconds, reapable) => {
    const session = sessionRecord({ lease_expires_at: NOW + leaseFromNow });
    expect(isReapable(session, NOW, skewSeconds)).toBe(reapable);
  });

  test('a borrowed session is reaped by the same rule', () => {
    const session = sessionRecord({ borrowed: true, lease_expires_at: NOW - 30_000 });
    expect([isReapable(session, NOW - 1, 30), isReapable(session, NOW, 30)]).toEqual([false, true]);
  });
});

describe('isDocumentDue: past half of its life', () => {
  const cases: [string, number, number, boolean][] = [
    ['just signed', 0, 1000, false],
    ['1 ms before half', -499, 501, false],
    ['at half', -500, 500, false],
    ['1 ms past half', -501, 499, true],
    ['half of an odd life lies between two milliseconds: before', -500, 501, false],
    ['and after', -501, 500, true],
    ['expired', -1000, -1, true],
    ['signed in the future by a clock that went back', 1, 1000, false],
    ['a life of nothing, at once', 0, 0, false],
    ['a life of nothing, 1 ms later', -1, -1, true],
  ];

  test.each(cases)('%s', (_rule, signedFromNow, expiresFromNow, due) => {
    const session = sessionRecord({
      document_signed_at: NOW + signedFromNow,
      document_expires_at: NOW + expiresFromNow,
    });
    expect(isDocumentDue(session, NOW)).toBe(due);
  });
});
