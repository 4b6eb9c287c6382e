/** Many machines on every licence, all at work at once. */
import type { Dice } from './dice.ts';
import { createDice } from './dice.ts';
import { act, createMachine, type Machine } from './machine.ts';
import type { Service } from './service.ts';
import type { CrashLicense } from './site.ts';

/** Each machine has dice of its own, so that what one does depends on no other. */
export function createMachines(licenses: readonly CrashLicense[], dice: Dice): Machine[] {
  return licenses.flatMap((license, row) =>
    Array.from({ length: license.machines }, (_, i) =>
      createMachine(license, `machine-${row}-${i}`, createDice(dice.between(0, 2 ** 32))),
    ),
  );
}

export interface Load {
  /** Resolves when every machine has finished what it was doing. Rejects when one could not. */
  stop(): Promise<void>;
}

/** Runs until it is stopped or the server is killed. */
export function startLoad(machines: readonly Machine[], service: Service): Load {
  let isStopped = false;
  const work = async (machine: Machine) => {
    while (!isStopped && !service.isDown()) await act(machine, service);
  };
  const all = Promise.all(machines.map(work));
  // Heard by whoever stops the load; until then a failure must not end the process.
  all.catch(() => {});
  return {
    async stop() {
      isStopped = true;
      await all;
    },
  };
}
