import { expect, test } from 'vitest';
import { daysLeft } from '../../shared/days-left.ts';
import { DAY, NOW } from '../support/records.ts';

test.each([
  ['a millisecond', 1, 1],
  ['a day', DAY, 1],
  ['a day and a millisecond', DAY + 1, 2],
  ['a year', 365 * DAY, 365],
  ['nothing', 0, 0],
  ['an end that has passed', -DAY, 0],
])('of %s, so many days are left', (_, milliseconds, days) => {
  expect(daysLeft(NOW + milliseconds, NOW)).toBe(days);
});
