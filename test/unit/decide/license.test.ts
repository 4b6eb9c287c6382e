import { describe, expect, test } from 'vitest';
import {
  endReasonOf,
  hardwareRefusal,
  holdsSeat,
  LICENSE_NOT_FOUND,
  licenseRefusal,
} from '../../../shared/decide/license.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import { HARDWARE, licenseRecord, NOW, sessionRecord } from '../../support/records.ts';

type Status = 'active' | 'suspended' | 'revoked';

describe('whether a licence holds', () => {
  const cases: [string, Status, number | null, ErrorCode | undefined][] = [
    ['a perpetual licence holds', 'active', null, undefined],
    ['1 ms before its end it holds', 'active', NOW + 1, undefined],
    ['at its end it has expired', 'active', NOW, 'license_expired'],
    ['1 ms after its end it has expired', 'active', NOW - 1, 'license_expired'],
    ['an end at the epoch is an end', 'active', 0, 'license_expired'],
    ['a suspended perpetual licence', 'suspended', null, 'license_suspended'],
    ['a suspended licence before its end', 'suspended', NOW + 1, 'license_suspended'],
    ['suspended is said before expired', 'suspended', NOW - 1, 'license_suspended'],
    ['a revoked perpetual licence', 'revoked', null, 'license_revoked'],
    ['a revoked licence before its end', 'revoked', NOW + 1, 'license_revoked'],
    ['revoked is said before expired', 'revoked', NOW - 1, 'license_revoked'],
  ];

  test.each(cases)('%s', (_rule, status, expiresAt, code) => {
    expect(licenseRefusal(licenseRecord({ status, expires_at: expiresAt }), NOW)?.code).toBe(code);
  });

  test('a refusal is a refusal, and its sentence says what to do', () => {
    expect(licenseRefusal(licenseRecord({ status: 'revoked' }), NOW)).toEqual({
      kind: 'refuse',
      code: 'license_revoked',
      detail: expect.stringMatching(/vendor/),
    });
  });
});

describe('why the lease of a session ran out', () => {
  test.each([
    ['active', 'license_expired'],
    ['suspended', 'suspended'],
    ['revoked', 'revoked'],
  ] as const)('of status %s: %s', (status, reason) => {
    const session = sessionRecord({ lease_expires_at: NOW });
    expect(endReasonOf(licenseRecord({ status, expires_at: NOW }), session)).toBe(reason);
  });

  test.each([
    ['the licence goes on for 1 ms', NOW + 1, 'expired'],
    ['the licence ended before, and was extended since', NOW - 1, 'license_expired'],
    ['the licence is perpetual', null, 'expired'],
  ] as const)('before its licence: %s', (_rule, expires_at, reason) => {
    const session = sessionRecord({ lease_expires_at: NOW });
    expect(endReasonOf(licenseRecord({ expires_at }), session)).toBe(reason);
  });
});

describe('whether a licence has the seat of a session', () => {
  test.each([
    [10, 9, true],
    [10, 10, false],
    [10, 0, true],
    [1, 0, true],
    [1, 3, false],
    [10, null, false],
    [null, null, true],
    [null, 3, true],
  ])('%s seats, seat %s: %s', (seats, seat, holds) => {
    expect(holdsSeat(licenseRecord({ seats }), sessionRecord({ seat }))).toBe(holds);
  });
});

describe('whether a machine may use a licence', () => {
  const other = 'b'.repeat(32);
  const cases: [string, string[] | null, ErrorCode | undefined][] = [
    ['a licence that is not bound takes any machine', null, undefined],
    ['a machine in the list may', [other, HARDWARE], undefined],
    ['another machine may not', [other], 'hardware_not_allowed'],
    ['an empty list allows none', [], 'hardware_not_allowed'],
    ['a beginning of the hash is not the hash', [HARDWARE.slice(0, 31)], 'hardware_not_allowed'],
    ['upper case is another hash', [HARDWARE.toUpperCase()], 'hardware_not_allowed'],
  ];

  test.each(cases)('%s', (_rule, allowed, code) => {
    expect(hardwareRefusal(licenseRecord({ allowed_hardware: allowed }), HARDWARE)?.code).toBe(code);
  });
});

test('an unknown key is answered with license_not_found and nothing that tells keys apart', () => {
  expect(LICENSE_NOT_FOUND).toEqual({
    kind: 'refuse',
    code: 'license_not_found',
    detail: expect.any(String),
  });
});
