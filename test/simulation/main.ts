/**
 * The simulation: npm run simulate -- --steps N [--seed S] [--world W] [--only I1,I8]
 *
 * Runs world after world until N steps are done; with --world from that one on, and with --only looking past all but
 * these invariants. When a promise is broken it ends with exit code 1 and the command that replays it.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { printReport, printViolation } from './report.ts';
import { simulate } from './simulate.ts';
import { INVARIANTS, type Invariant } from './violation.ts';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '100000' },
    seed: { type: 'string' },
    world: { type: 'string', default: '0' },
    only: { type: 'string' },
  },
});

const seed = values.seed ?? String(randomInt(2 ** 31));
const startedAt = performance.now();
const result = await simulate({
  seed,
  steps: numberOf('steps', values.steps),
  world: numberOf('world', values.world),
  only: values.only?.split(',').map(invariantOf),
});
printReport(result, (performance.now() - startedAt) / 1000);
if (result.violation !== undefined) {
  printViolation(result, result.violation);
  process.exitCode = 1;
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0)
    throw new Error(`--${name} takes a whole number, not "${text}"`);
  return number;
}

function invariantOf(text: string): Invariant {
  const invariant = INVARIANTS.find((name) => name === text);
  if (invariant === undefined) throw new Error(`--only takes ${INVARIANTS.join(', ')}, not "${text}"`);
  return invariant;
}
