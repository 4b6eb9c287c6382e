/**
 * The simulation as a test: worlds that always run, fresh ones, and that all the trouble it promises really happens.
 * For more, and to replay what fails here: npm run simulate -- --steps N --seed S --world W
 */
import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { FAULT_KINDS } from './configuration.ts';
import { printViolation } from './report.ts';
import { type SimulationResult, simulate } from './simulate.ts';

const FIXED_SEEDS = ['1', '2', '3'];
const STEPS = 7_500;

/** Runs, and prints how to replay what broke. */
async function run(seed: string, steps: number): Promise<SimulationResult> {
  const result = await simulate({ seed, steps });
  if (result.violation !== undefined) printViolation(result, result.violation);
  return result;
}

test.each(FIXED_SEEDS)('no promise is broken in the worlds of seed %s', async (seed) => {
  const { violation, steps } = await run(seed, STEPS);
  expect(violation?.message).toBeUndefined();
  expect(steps).toBeGreaterThanOrEqual(STEPS);
});

test('no promise is broken in worlds that nobody has seen', async () => {
  const seed = String(randomInt(2 ** 31));
  const { violation } = await run(seed, STEPS);
  expect(violation?.message, `seed ${seed}`).toBeUndefined();
});

test('a seed determines everything that happens', async () => {
  const [first, second] = [
    await simulate({ seed: '7', steps: 4000 }),
    await simulate({ seed: '7', steps: 4000 }),
  ];
  expect(second.traceHash).toBe(first.traceHash);
  expect([...second.counters]).toEqual([...first.counters]);
  expect((await simulate({ seed: '8', steps: 4000 })).traceHash).not.toBe(first.traceHash);
});

test('a world does not depend on those before it', async () => {
  const alone = await simulate({ seed: '7', steps: 1, world: 1 });
  const first = await simulate({ seed: '7', steps: 1 });
  const both = await simulate({ seed: '7', steps: first.steps + 1 });
  expect(both.worlds).toBe(2);
  expect(both.steps - first.steps).toBe(alone.steps);
});

/** What has to have happened for the checks to mean anything. */
const EVENTS = [
  'acquire ok',
  'acquire seats_exhausted',
  'acquire borrow_not_allowed',
  'acquire borrow_too_long',
  'acquire hardware_not_allowed',
  'acquire idempotency_conflict',
  'acquire license_expired',
  'acquire license_revoked',
  'acquire license_suspended',
  'acquire signing_unavailable',
  'acquire store_unavailable',
  'heartbeat ok',
  'heartbeat seats_exhausted',
  'heartbeat session_not_found',
  'heartbeat session_superseded',
  'heartbeat license_expired',
  'heartbeat license_revoked',
  'heartbeat license_suspended',
  'release ok',
  'release session_not_found',
  'release session_superseded',
  'suspend ok',
  'reinstate ok',
  'revoke ok',
  'changeSeats ok',
  'changeStrategy ok',
  'acquire after the end: maintain',
  'acquire after the end: allow',
  'heartbeat after the end: maintain',
  'heartbeat after the end: allow',
  'sweep ok',
  'borrowed',
  'replay',
  'conflict with its own success',
  'crash',
  'session released',
  'session revoked',
  'session swept',
  'session taken over',
  'session replaced by its machine',
  'session moved to another seat',
  ...FAULT_KINDS.map((fault) => `fault ${fault}`),
];

test('every fault strikes and every outcome is reached', async () => {
  const { counters } = await run('coverage 4', 60_000);
  expect(EVENTS.filter((event) => !counters.has(event))).toEqual([]);
});
