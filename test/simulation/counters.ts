/** How often each thing happened, by kind: what a run prints at its end, and what a test wants to have seen. */

export interface Counters {
  count(kind: string): void;
  add(others: ReadonlyMap<string, number>): void;
  readonly all: ReadonlyMap<string, number>;
}

export function createCounters(): Counters {
  const all = new Map<string, number>();
  const increase = (kind: string, by: number) => all.set(kind, (all.get(kind) ?? 0) + by);
  return {
    all,
    count: (kind) => void increase(kind, 1),
    add: (others) => {
      for (const [kind, times] of others) increase(kind, times);
    },
  };
}
