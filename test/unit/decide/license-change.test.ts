/** What operators may change of a licence: the rules, case by case. */
import { describe, expect, test } from 'vitest';
import { endAfter } from '../../../shared/decide/issue.ts';
import * as rules from '../../../shared/decide/license-change.ts';
import { fitsEnd, LICENSE_KINDS, type LicenseType } from '../../../shared/products.ts';
import { DAY, licenseRecord, NOW } from '../../support/records.ts';

const change = (fields: object) => ({ kind: 'change', fields });

describe('an end', () => {
  test('is whole days of 24 hours away, over a leap day too', () => {
    const leapDay = Date.UTC(2028, 1, 29, 12);
    expect(endAfter(leapDay, 365)).toBe(Date.UTC(2029, 1, 28, 12));
    expect(endAfter(leapDay, 366)).toBe(Date.UTC(2029, 2, 1, 12));
    expect(endAfter(leapDay, null)).toBeNull();
  });

  test.each(Object.keys(LICENSE_KINDS) as LicenseType[])('of a %s licence is as its type says', (type) => {
    const expected = {
      perpetual: [false, true],
      subscription: [true, false],
      demo: [true, false],
      trial: [true, false],
      standard: [true, true],
      enterprise: [true, true],
    };
    expect([fitsEnd(type, true), fitsEnd(type, false)]).toEqual(expected[type]);
  });
});

describe('a renewal', () => {
  test.each([
    ['before its end adds to the end', NOW + 3 * DAY, NOW + 13 * DAY],
    ['at its end adds to now', NOW, NOW + 10 * DAY],
    ['after its end adds to now', NOW - 3 * DAY, NOW + 10 * DAY],
  ])('%s', (_, expires_at, expected) => {
    expect(rules.renew(licenseRecord({ expires_at }), 10, NOW)).toEqual(change({ expires_at: expected }));
  });

  test('of a licence without an end is refused', () => {
    expect(rules.renew(licenseRecord(), 10, NOW)).toMatchObject({ code: 'not_renewable' });
  });
});

describe('seats', () => {
  test.each([
    ['more change nothing else', 5, 6, { seats: 6 }],
    ['fewer are noted', 5, 4, { seats: 4, seats_lowered_at: NOW }],
    ['a number for an unlimited one is fewer', null, 4, { seats: 4, seats_lowered_at: NOW }],
    ['no limit is more', 5, null, { seats: null }],
    ['as many change nothing', 5, 5, {}],
  ])('%s', (_, seats, wanted, fields) => {
    expect(rules.changeSeats(licenseRecord({ seats }), wanted, NOW)).toEqual(change(fields));
  });

  test('lowered twice were lowered the first time', () => {
    const license = licenseRecord({ seats: 5, seats_lowered_at: NOW - 1 });
    expect(rules.changeSeats(license, 4, NOW)).toEqual(change({ seats: 4, seats_lowered_at: NOW - 1 }));
  });
});

describe('a transfer', () => {
  const other = { name: 'Other' };

  test('leaves no address behind: it is found by that of its new customer', () => {
    expect(rules.transfer(licenseRecord({ email: 'old@x.example' }), 'other', other)).toMatchObject({
      fields: { customer: { id: 'other', name: 'Other' }, customer_id: 'other', email: null },
    });
  });

  test('leaves the address of a holder', () => {
    const license = licenseRecord({ email: 'h@x.example', holder: { name: 'H', email: 'h@x.example' } });
    expect(rules.transfer(license, 'other', other)).toMatchObject({ fields: { email: 'h@x.example' } });
  });

  test('to another holder takes that one’s address, and leaves the name of a customer who has it', () => {
    const license = licenseRecord({ email: 'h@x.example', holder: { name: 'H', email: 'h@x.example' } });
    const holder = { name: 'New', email: 'New@X.example' };
    const held = { holder, email: 'new@x.example' };
    expect(rules.transfer(license, 'customer-1', other, holder)).toEqual(change(held));
    expect(rules.transfer(license, 'other', other, holder)).toEqual(
      change({ ...held, customer: { id: 'other', name: 'Other' }, customer_id: 'other' }),
    );
  });

  test('to the customer who has it changes nothing', () => {
    expect(rules.transfer(licenseRecord(), 'customer-1', other)).toEqual(change({}));
  });
});

describe('a suspension', () => {
  test('keeps its reason, and the last one that is given', () => {
    const suspended = licenseRecord({ status: 'suspended', revoked_reason: 'unpaid' });
    expect(rules.changeStatus(licenseRecord(), 'suspended', 'unpaid')).toEqual(
      change({ status: 'suspended', revoked_reason: 'unpaid' }),
    );
    expect(rules.changeStatus(suspended, 'suspended', 'court')).toMatchObject({
      fields: { revoked_reason: 'court' },
    });
    expect(rules.changeStatus(suspended, 'suspended')).toEqual(change({}));
  });

  test('takes its reason with it when it ends', () => {
    const suspended = licenseRecord({ status: 'suspended', revoked_reason: 'unpaid' });
    expect(rules.changeStatus(suspended, 'active')).toEqual(
      change({ status: 'active', revoked_reason: null }),
    );
    expect(rules.changeStatus(licenseRecord(), 'active')).toEqual(change({}));
  });
});

test('of a revoked licence nothing is changed', () => {
  const revoked = licenseRecord({ status: 'revoked', expires_at: NOW + DAY });
  const decisions = [
    rules.changeStatus(revoked, 'active'),
    rules.changeStatus(revoked, 'suspended'),
    rules.renew(revoked, 1, NOW),
    rules.transfer(revoked, 'other', { name: 'Other' }),
    rules.edit(revoked, { notes: 'x' }, NOW),
  ];
  expect(decisions.map((decision) => 'code' in decision && decision.code)).toEqual(
    decisions.map(() => 'license_revoked'),
  );
  expect(rules.revoke(revoked, 'again')).toMatchObject({ code: 'already_revoked' });
});
