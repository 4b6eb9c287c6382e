/** World after world from one seed. */
import { createCounters } from './counters.ts';
import { hexHash } from './random.ts';
import type { Invariant, Violation } from './violation.ts';
import { runWorld } from './world.ts';

export interface SimulationOptions {
  readonly seed: string;
  /** No world is started after this many. */
  readonly steps: number;
  /** Number of the first world. */
  readonly world?: number;
  /** The invariants that end the run; all unless told. */
  readonly only?: readonly Invariant[] | undefined;
}

export interface SimulationResult {
  readonly seed: string;
  readonly steps: number;
  readonly worlds: number;
  readonly virtualMs: number;
  readonly counters: ReadonlyMap<string, number>;
  readonly traceHash: string;
  readonly violation: (Violation & { readonly world: number; readonly worldSteps: number }) | undefined;
}

export async function simulate({
  seed,
  steps: wanted,
  world: first = 0,
  only,
}: SimulationOptions): Promise<SimulationResult> {
  const counters = createCounters();
  let [steps, virtualMs, world, traceHash] = [0, 0, first, ''];
  let violation: SimulationResult['violation'];
  while (steps < wanted && violation === undefined) {
    const result = await runWorld(`${seed}/world ${world}`, only);
    steps += result.steps;
    virtualMs += result.virtualMs;
    counters.add(result.counters);
    traceHash = hexHash(traceHash + result.traceHash);
    if (result.violation !== undefined) violation = { ...result.violation, world, worldSteps: result.steps };
    world += 1;
  }
  return { seed, steps, worlds: world - first, virtualMs, counters: counters.all, traceHash, violation };
}
