/** What everything in one world shares: time, chance, the record of what happened, and the judge. */
import type { Fault, WorldConfiguration } from './configuration.ts';
import { type Counters, createCounters } from './counters.ts';
import { createHistory, type History } from './history.ts';
import { hexHash, type Prng, prng } from './random.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';
import { createTrace, type Trace } from './trace.ts';
import { createJudge, type Invariant, type Judge } from './violation.ts';

export interface Stage {
  readonly configuration: WorldConfiguration;
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly trace: Trace;
  readonly counters: Counters;
  readonly judge: Judge;
  readonly history: History;
  /** True when this fault is to happen now. */
  strikes(fault: Fault): boolean;
  /** No fault happens any more. */
  calm(): void;
  /** When the faults stopped; undefined while they go on. */
  calmSince(): number | undefined;
  /** The usual time that a message takes. */
  latencyMs(): number;
  /** Half of the clock skew in milliseconds: how far a clock may be from the true time. */
  readonly halfSkewMs: number;
  readonly hash: (domain: string, text: string) => string;
  /** Short names of hashes, for people. */
  readonly names: Map<string, string>;
}

export function createStage(
  configuration: WorldConfiguration,
  seed: string,
  only?: readonly Invariant[],
): Stage {
  const scheduler = createScheduler(configuration.startAt);
  const trace = createTrace(scheduler.now);
  const counters = createCounters();
  const network = prng(`${seed}/network`);
  const faults = prng(`${seed}/faults`);
  const hashes = new Map<string, string>();
  let calmSince: number | undefined;
  return {
    configuration,
    scheduler,
    random: prng(seed),
    trace,
    counters,
    judge: createJudge(scheduler.now, trace, only),
    history: createHistory(scheduler.now),
    strikes(fault) {
      const struck = calmSince === undefined && faults.chance(configuration.faults[fault]);
      if (struck) counters.count(`fault ${fault}`);
      return struck;
    },
    calm: () => {
      calmSince = scheduler.now();
    },
    calmSince: () => calmSince,
    latencyMs: () => network.between(1, configuration.latencyMs),
    halfSkewMs: configuration.clockSkewSeconds * 500,
    hash: (domain, text) => {
      const key = `${domain} ${text}`;
      // Peppered by the world, so that a machine's seats and shards are others in every world.
      const known = hashes.get(key) ?? hexHash(`${seed} ${key}`);
      hashes.set(key, known);
      return known;
    },
    names: new Map(),
  };
}
