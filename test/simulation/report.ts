/** What a run prints. */
import type { SimulationResult } from './simulate.ts';

const DAY_MS = 86_400_000;

export function printReport(result: SimulationResult, seconds: number): void {
  const { seed, steps, worlds, virtualMs, counters, traceHash } = result;
  const rate = Math.round(steps / seconds);
  console.log(`seed ${seed}`);
  console.log(`${steps} steps in ${worlds} worlds, ${seconds.toFixed(1)} s, ${rate} steps/s`);
  console.log(`${(virtualMs / DAY_MS).toFixed(1)} days of virtual time, trace ${traceHash}`);
  const granted = counters.get('acquire ok') ?? 0;
  const acquires = [...counters].filter(([kind]) => kind.startsWith('acquire '));
  const answered = acquires.reduce((sum, [, times]) => sum + times, 0);
  console.log(`acquires: ${granted} granted, ${answered - granted} refused`);
  for (const [kind, times] of [...counters].sort(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(`${String(times).padStart(9)}  ${kind}`);
  }
}

export function printViolation(
  { seed }: SimulationResult,
  violation: NonNullable<SimulationResult['violation']>,
): void {
  const { invariant, message, at, history, world, worldSteps } = violation;
  console.log(`\nVIOLATION of ${invariant} at ${new Date(at).toISOString()}: ${message}\n`);
  for (const line of history) console.log(`  ${line}`);
  console.log(`\nReplay: npm run simulate -- --seed ${seed} --world ${world} --steps ${worldSteps}`);
}
