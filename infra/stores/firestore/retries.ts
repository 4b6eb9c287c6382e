/** Reading again: a bounded number of attempts inside one deadline. Commits are never sent again. */

import { setTimeout as pause } from 'node:timers/promises';
import { CountersignError } from '../../../shared/errors.ts';
import { meaningOf, storeUnavailable } from './failures.ts';

const MAX_ATTEMPTS = 3;

/** One attempt gets this share of the whole, so that a call which was lost leaves time to ask again. */
const ATTEMPT_SHARE = 0.4;

/** The pauses between attempts are about 50 and 150 ms; jitter takes up to half off. */
const FIRST_PAUSE_MS = 50;
const PAUSE_FACTOR = 3;

/**
 * Runs `attempt` until it succeeds, fails for good, or the limits are reached.
 *
 * @throws CountersignError `store_unavailable`; its cause is the failure, or an AggregateError of all of them
 */
export async function withRetries<T>(
  deadlineMs: number,
  attempt: (deadlineAt: number) => Promise<T>,
): Promise<T> {
  const deadlineAt = Date.now() + deadlineMs;
  const failures: unknown[] = [];
  for (;;) {
    try {
      return await attempt(Math.min(deadlineAt, Date.now() + deadlineMs * ATTEMPT_SHARE));
    } catch (error) {
      failures.push(error);
      const pauseMs = pauseBefore(failures.length);
      const mayAsk = failures.length < MAX_ATTEMPTS && Date.now() + pauseMs < deadlineAt;
      if (error instanceof CountersignError || !meaningOf(error).passes || !mayAsk) {
        throw storeUnavailable(failures);
      }
      await pause(pauseMs);
    }
  }
}

function pauseBefore(retry: number): number {
  return FIRST_PAUSE_MS * PAUSE_FACTOR ** (retry - 1) * (0.5 + Math.random() / 2);
}
