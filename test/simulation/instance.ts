/**
 * One instance of the service: a clock of its own, a memory of its own, and a process that can be killed. What a
 * killed process was waiting for never comes: its promises stay pending for ever.
 */
import { createInstanceMemory } from '../../infra/memory.ts';
import type { InstanceMemory } from '../../shared/ports/memory.ts';
import type { Stage } from './stage.ts';

export interface Instance {
  readonly name: string;
  isUp(): boolean;
  memory(): InstanceMemory;
  /** What this instance takes for the present. */
  now(): number;
  /** Wraps `action` so that it does nothing once the process that asked for it is dead. */
  whileAlive<A extends unknown[]>(action: (...args: A) => void): (...args: A) => void;
  /** `kill -9`, and a restart a while later. */
  crash(): void;
}

export function createInstance(stage: Stage, name: string): Instance {
  const { configuration, scheduler, trace, counters, halfSkewMs } = stage;
  const random = stage.random.split(name);
  let life = 1;
  let up = true;
  let memory = createInstanceMemory();
  let offsetMs = drawOffset();

  /** Often at the very end of what is allowed, where mistakes show. */
  function drawOffset(): number {
    const share =
      random.weighted({ most: 2, any: 1 }) === 'most' ? random.pick([-1, 1]) : random.fraction() * 2 - 1;
    return Math.round(share * halfSkewMs);
  }

  function jump(): void {
    offsetMs = drawOffset();
    trace.note(`${name} clock is now off by ${offsetMs} ms`);
  }

  return {
    name,
    isUp: () => up,
    memory: () => memory,
    now: () => {
      if (configuration.clocksJump && stage.calmSince() === undefined && random.chance(0.01)) jump();
      return scheduler.now() + offsetMs;
    },
    whileAlive: (action) => {
      const started = life;
      return (...args) => {
        if (started === life) action(...args);
      };
    },
    crash() {
      if (!up) return;
      up = false;
      life += 1;
      trace.note(`${name} is killed`);
      counters.count('crash');
      scheduler.after(random.between(10, 5000), () => {
        up = true;
        memory = createInstanceMemory();
        if (configuration.clocksJump) jump();
        trace.note(`${name} is up again`);
      });
    },
  };
}
