/**
 * Random choices from one seed. Where the processes are when they are killed is up to the machine, so a seed repeats
 * the choices of a run and not the run.
 */

export interface Dice {
  chance(probability: number): boolean;
  /** A number from `low` to below `high`. */
  between(low: number, high: number): number;
  pick<T>(choices: readonly [T, ...T[]]): T;
}

/** The seed of this run: CRASH_SEED, or a new one every time. */
export function chooseSeed(): number {
  return process.env.CRASH_SEED === undefined
    ? Math.floor(Math.random() * 2 ** 32)
    : Number(process.env.CRASH_SEED);
}

/** Mulberry32: small, and even enough for tests. */
export function createDice(seed: number): Dice {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    chance: (probability) => next() < probability,
    between: (low, high) => low + next() * (high - low),
    pick: (choices) => choices[Math.floor(next() * choices.length)] ?? choices[0],
  };
}
