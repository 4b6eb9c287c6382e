/** Virtual time: a queue of events, the earliest first, and of equal times the one that was scheduled first. */

export interface Scheduler {
  /** Milliseconds since the epoch: the true time, which no instance knows exactly. */
  now(): number;
  /** Runs `event` after `delayMs`. */
  after(delayMs: number, event: () => void): void;
  /** Runs the next event; false when there is none. Each event is one step of the simulation. */
  runNext(): boolean;
}

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly event: () => void;
}

export function createScheduler(startAt: number): Scheduler {
  const heap: Entry[] = [];
  let now = startAt;
  let scheduled = 0;
  return {
    now: () => now,
    after(delayMs, event) {
      scheduled += 1;
      push(heap, { at: now + Math.max(0, Math.round(delayMs)), order: scheduled, event });
    },
    runNext() {
      const next = pop(heap);
      if (next === undefined) return false;
      now = next.at;
      next.event();
      return true;
    },
  };
}

const isBefore = (a: Entry, b: Entry) => a.at < b.at || (a.at === b.at && a.order < b.order);

function push(heap: Entry[], entry: Entry): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(entry, heap[parent] as Entry)) break;
    heap[at] = heap[parent] as Entry;
    at = parent;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): Entry | undefined {
  const [first] = heap;
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = at * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
    if (!isBefore(heap[child] as Entry, last)) break;
    heap[at] = heap[child] as Entry;
    at = child;
  }
  heap[at] = last;
  return first;
}
