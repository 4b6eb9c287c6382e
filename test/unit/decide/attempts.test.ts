import { describe, expect, test } from 'vitest';
import { rememberAttempts } from '../../../shared/access/attempts.ts';
import { ATTEMPT_WINDOW_SECONDS, REMEMBERED_ATTEMPTS } from '../../../shared/constants.ts';
import { afterFailure, type Failures, networkOf, secondsToWait } from '../../../shared/decide/attempts.ts';

const NOW = 1_800_000_000_000;
const WINDOW_MS = ATTEMPT_WINDOW_SECONDS * 1000;

describe('an attempt', () => {
  const failed = (count: number, agoMs: number): Failures => ({ count, since: NOW - agoMs });

  test.each<[what: string, failures: (Failures | undefined)[], wait: number | undefined]>([
    ['is looked at where nothing is counted', [], undefined],
    ['is looked at without failures', [undefined, undefined], undefined],
    ['is looked at below the limit', [failed(2, 0)], undefined],
    ['waits for the end of the window at the limit', [failed(3, 0)], ATTEMPT_WINDOW_SECONDS],
    ['waits beyond the limit', [failed(9, 0)], ATTEMPT_WINDOW_SECONDS],
    ['waits a second in the last millisecond of the window', [failed(3, WINDOW_MS - 1)], 1],
    ['is looked at when the window is over', [failed(3, WINDOW_MS)], undefined],
    ['waits for the later of two windows', [failed(3, 30_000), failed(3, 10_000)], 50],
    ['waits for one window where the other is over', [failed(3, WINDOW_MS), failed(3, 10_000)], 50],
  ])('%s', (_, failures, wait) => {
    expect(
      secondsToWait(
        failures.map((each) => ({ failures: each, limit: 3 })),
        NOW,
      ),
    ).toBe(wait);
  });

  test.each<[what: string, before: Failures | undefined, after: Failures]>([
    ['the first failure opens a window', undefined, { count: 1, since: NOW }],
    ['another one is counted in it', failed(1, 5000), { count: 2, since: NOW - 5000 }],
    ['one after its end opens the next', failed(9, WINDOW_MS), { count: 1, since: NOW }],
  ])('%s', (_, before, after) => {
    expect(afterFailure(before, NOW)).toEqual(after);
  });
});

test.each([
  ['192.0.2.7', '192.0.2.0/24'],
  ['192.0.2.255', '192.0.2.0/24'],
  ['192.0.3.7', '192.0.3.0/24'],
  ['::ffff:192.0.2.7', '192.0.2.0/24'],
  ['::FFFF:192.0.2.7', '192.0.2.0/24'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
  ['2001:0DB8:0001::9', '2001:db8:1::/48'],
  ['2001:db8::1', '2001:db8:0::/48'],
  ['2001:db8:2::1', '2001:db8:2::/48'],
  ['::1', '0:0:0::/48'],
  ['::', '0:0:0::/48'],
  ['1::', '1:0:0::/48'],
  ['64:ff9b::192.0.2.33', '64:ff9b:0::/48'],
  ['fe80::1%eth0', 'fe80:0:0::/48'],
  [null, 'unknown'],
])('%s is of the network %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test('the memory is bounded: the name that failed longest ago is forgotten', () => {
  const attempts = rememberAttempts();
  attempts.fail({ first: 1 }, NOW);
  for (let i = 1; i < REMEMBERED_ATTEMPTS; i++) attempts.fail({ [`name ${i}`]: 1 }, NOW);
  expect(attempts.secondsToWait({ first: 1 }, NOW)).toBe(ATTEMPT_WINDOW_SECONDS);
  attempts.fail({ another: 1 }, NOW);
  expect(attempts.secondsToWait({ first: 1 }, NOW)).toBeUndefined();
  expect(attempts.secondsToWait({ 'name 1': 1 }, NOW)).toBe(ATTEMPT_WINDOW_SECONDS);
});
