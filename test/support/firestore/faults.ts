/** Faults that a test switches on, so that callers can be shown to survive them. */

import { StatusError, type StatusName } from './status.ts';

interface FaultChoice {
  /** Strikes each call with this probability, drawn from `seed`. */
  readonly probability?: number;
  readonly seed?: number;
  /** Strikes the `every`-th call, and so on. */
  readonly every?: number;
}

export type Fault = FaultChoice &
  (
    | { readonly kind: 'aborted' | 'resource_exhausted' | 'permission_denied' }
    /** `_after`: what was asked for has happened. */
    | { readonly kind: 'unavailable_before' | 'unavailable_after' }
    /** Answered when the caller's deadline passes, or after `delayMs` if that is earlier. */
    | { readonly kind: 'deadline_exceeded_before' | 'deadline_exceeded_after'; readonly delayMs?: number }
    /** Done twice; the second outcome is answered, so that a commit can fail on its own success. */
    | { readonly kind: 'duplicate' }
  );

export interface FaultOptions {
  /** Strike only this many calls. Without it the fault stays until it is replaced. */
  readonly times?: number;
  /** Strike this method only. Without it any; a fault of the method's own comes first. */
  readonly method?: string;
}

const REFUSALS: Readonly<Record<string, readonly [StatusName, string]>> = {
  aborted: ['ABORTED', 'Too much contention on these documents. Please try again.'],
  resource_exhausted: ['RESOURCE_EXHAUSTED', 'Quota exceeded.'],
  permission_denied: ['PERMISSION_DENIED', 'Missing or insufficient permissions.'],
  unavailable_before: ['UNAVAILABLE', 'The service is temporarily unavailable.'],
  unavailable_after: ['UNAVAILABLE', 'The service is temporarily unavailable.'],
  deadline_exceeded_before: ['DEADLINE_EXCEEDED', 'Deadline exceeded.'],
  deadline_exceeded_after: ['DEADLINE_EXCEEDED', 'Deadline exceeded.'],
};

const ANY_METHOD = '*';

interface ActiveFault {
  readonly fault: Fault;
  readonly random: () => number;
  left: number;
  calls: number;
}

export function createFaults() {
  const active = new Map<string, ActiveFault>();

  return {
    /** `null` ends every fault. */
    set(fault: Fault | null, { times = Number.POSITIVE_INFINITY, method = ANY_METHOD }: FaultOptions = {}) {
      if (fault === null) active.clear();
      else active.set(method, { fault, left: times, calls: 0, random: randomFrom(fault.seed ?? 0) });
    },

    /** The fault that strikes this call, counted as used. */
    take(method: string): Fault | undefined {
      const key = active.has(method) ? method : ANY_METHOD;
      const entry = active.get(key);
      if (entry === undefined || !strikes(entry)) return undefined;
      entry.left -= 1;
      if (entry.left <= 0) active.delete(key);
      return entry.fault;
    },
  };
}

function strikes(entry: ActiveFault): boolean {
  const { every, probability } = entry.fault;
  entry.calls += 1;
  if (every !== undefined && entry.calls % every !== 0) return false;
  return probability === undefined || entry.random() < probability;
}

/** What the fault makes of a call: `serve` does what was asked for, `untilDeadline` waits for the caller to give up. */
export async function withFault<T>(
  fault: Fault | undefined,
  serve: () => T,
  untilDeadline: (delayMs: number | undefined) => Promise<void>,
): Promise<T> {
  if (fault === undefined) return serve();
  if (fault.kind === 'duplicate') return serveTwice(serve);
  if (fault.kind.endsWith('_after')) serve();
  if ('delayMs' in fault || fault.kind.startsWith('deadline')) {
    await untilDeadline((fault as { delayMs?: number }).delayMs);
  }
  const [status, details] = REFUSALS[fault.kind] as readonly [StatusName, string];
  throw new StatusError(status, details);
}

function serveTwice<T>(serve: () => T): T {
  try {
    serve();
  } catch (error) {
    // The caller hears of the second delivery only.
    if (!(error instanceof StatusError)) throw error;
  }
  return serve();
}

/** Numbers in [0, 1): mulberry32, a 32-bit counter with a mixing step. */
function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
