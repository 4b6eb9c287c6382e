/**
 * Decides whether a signer is asked at all: one circuit a signer, in the memory of one instance.
 *
 *   const ticket = circuit.admit(now);
 *   if (ticket === undefined) …ask the next signer…
 *   …circuit.succeeded(ticket), circuit.failed(ticket, now) or circuit.abandoned(ticket)
 *
 * | state     | a call                                 | becomes                                          |
 * |-----------|----------------------------------------|--------------------------------------------------|
 * | closed    | goes ahead                             | open after `FAILURES_TO_OPEN` failures in a row  |
 * | open      | goes elsewhere                         | half-open with the first call after the pause    |
 * | half-open | is the one trial, or goes elsewhere    | closed on its success, open on its failure       |
 *
 * Why failures in a row and not a rate: a signer that fails now and then costs a request only the time until the next
 * signer is asked, which failover limits, so a circuit has to notice only a signer that is down. A count needs no
 * window, and no step of a clock confuses it.
 *
 * A verdict counts only in the period of its admission: each change of state begins another. So an answer that
 * comes late neither closes nor opens a circuit that has moved on.
 */

/** The adapter has asked up to three times before it reports one failure: this is nine calls in a row that failed. */
const FAILURES_TO_OPEN = 3;

/**
 * The pause before the first trial, and the longest one; each failed trial doubles it. A trial costs one request some
 * time, so even the longest is short enough for operators who wait for signing to return. Jitter takes up to
 * half off, so that instances that failed together do not ask again together.
 */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;
const PAUSE_FACTOR = 2;

/** After this many successes a signer is healthy and its next pause is the first one again: flapping keeps it long. */
const SUCCESSES_TO_TRUST = 20;

export type CircuitState = 'closed' | 'open' | 'half-open';

/** Stands for one period of a circuit; all calls admitted in it share it, so that a call allocates nothing. */
export type Ticket = symbol;

export interface CircuitOptions {
  /** From 0 to below 1; default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Called after each change of state. */
  readonly onChange?: ((state: CircuitState) => void) | undefined;
}

/** `now` is milliseconds by any clock. A step of it delays a trial by one more pause at most. */
export interface Circuit {
  /** Undefined: ask another signer. Each ticket is given back with one verdict; a trial blocks others until then. */
  admit(now: number): Ticket | undefined;
  /** For a call that has nowhere else to go. When the circuit would not admit it, only its success counts. */
  insist(now: number): Ticket;
  succeeded(ticket: Ticket): void;
  failed(ticket: Ticket, now: number): void;
  /** The call says nothing about the signer. */
  abandoned(ticket: Ticket): void;
  /** Until a trial may begin; 0 when the circuit is not open. */
  msUntilTrial(now: number): number;
}

export function createCircuit({ random = Math.random, onChange }: CircuitOptions = {}): Circuit {
  let state: CircuitState = 'closed';
  let admission: Ticket = Symbol('admission');
  let insistence: Ticket = Symbol('insistence');
  let failuresInARow = 0;
  let successes = 0;
  let nextPauseMs = FIRST_PAUSE_MS;
  let pauseMs = 0;
  let pausedSince = 0;

  function enter(next: CircuitState): void {
    state = next;
    admission = Symbol('admission');
    insistence = Symbol('insistence');
    failuresInARow = 0;
    successes = 0;
    onChange?.(next);
  }

  function open(now: number): void {
    pauseMs = nextPauseMs * (1 - random() / 2);
    pausedSince = now;
    nextPauseMs = Math.min(nextPauseMs * PAUSE_FACTOR, MAX_PAUSE_MS);
    enter('open');
  }

  function msUntilTrial(now: number): number {
    if (state !== 'open') return 0;
    // The clock was set back: the pause begins again, however far back that was.
    if (now < pausedSince) pausedSince = now;
    return Math.max(0, pausedSince + pauseMs - now);
  }

  function admit(now: number): Ticket | undefined {
    if (state === 'closed') return admission;
    if (state === 'half-open' || msUntilTrial(now) > 0) return undefined;
    enter('half-open');
    return admission;
  }

  return {
    admit,
    msUntilTrial,
    insist: (now) => admit(now) ?? insistence,

    succeeded(ticket) {
      if (ticket !== admission && ticket !== insistence) return;
      if (state !== 'closed') return enter('closed');
      failuresInARow = 0;
      successes += 1;
      if (successes === SUCCESSES_TO_TRUST) nextPauseMs = FIRST_PAUSE_MS;
    },

    failed(ticket, now) {
      if (ticket !== admission) return;
      failuresInARow += 1;
      if (state === 'half-open' || failuresInARow >= FAILURES_TO_OPEN) open(now);
    },

    abandoned(ticket) {
      // The pause is over already: the next call is the trial.
      if (ticket === admission && state === 'half-open') enter('open');
    },
  };
}
