/** A broken promise. The first one ends the run. */
import type { Parties, Trace } from './trace.ts';

export const INVARIANTS = [
  'I1',
  'I2',
  'I3',
  'I4',
  'I5',
  'I6',
  'I7',
  'I8',
  'I9',
  'structure',
  'truth',
  'crash',
] as const;

export type Invariant = (typeof INVARIANTS)[number];

export interface Violation {
  readonly invariant: Invariant;
  readonly message: string;
  /** True time, milliseconds since the epoch. */
  readonly at: number;
  /** The last events that the parties took part in. */
  readonly history: readonly string[];
}

export interface Judge {
  fail(invariant: Invariant, message: string, parties?: Parties): void;
  violation(): Violation | undefined;
}

const HISTORY_LINES = 40;

/** A judge that minds only some invariants, to see what lies behind a violation of another, minds `only` those. */
export function createJudge(now: () => number, trace: Trace, only: readonly Invariant[] = INVARIANTS): Judge {
  let first: Violation | undefined;
  return {
    fail(invariant, message, parties = {}) {
      if (!only.includes(invariant)) return;
      first ??= { invariant, message, at: now(), history: trace.about(parties, HISTORY_LINES) };
    },
    violation: () => first,
  };
}
