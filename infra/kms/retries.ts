/**
 * Asking a KMS again: a bounded number of attempts inside one deadline, and what the caller is told when
 * they are used up.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { CountersignError } from '../../shared/errors.ts';
import { policyFor } from './policies.ts';

/** For all attempts together. A signature takes a KMS some tens of milliseconds, an HSM's up to hundreds. */
export const DEFAULT_DEADLINE_MS = 3_000;
const DEFAULT_MAX_ATTEMPTS = 3;

/** The pauses between attempts are about 100 and 300 ms; jitter takes up to half off. */
const FIRST_PAUSE_MS = 100;
const PAUSE_FACTOR = 3;

export interface RetryLimits {
  /** Milliseconds for all attempts together, default 3,000. */
  readonly deadlineMs?: number | undefined;
  /** Default 3. */
  readonly maxAttempts?: number | undefined;
}

/**
 * Runs `attempt` until it succeeds, fails for good, or the limits are reached.
 *
 * @throws CountersignError `signing_unavailable`; its cause is the failure, or an AggregateError of all of them.
 */
export async function withRetries<T>(
  limits: RetryLimits,
  attempt: (deadlineAt: number) => Promise<T>,
): Promise<T> {
  const deadlineAt = Date.now() + (limits.deadlineMs ?? DEFAULT_DEADLINE_MS);
  const maxAttempts = limits.maxAttempts ?? DEFAULT_MAX_ATTEMPTS;
  const failures: unknown[] = [];
  for (;;) {
    try {
      return await attempt(deadlineAt);
    } catch (error) {
      failures.push(error);
      const pauseMs = pauseBefore(failures.length);
      const mayAsk = failures.length < maxAttempts && Date.now() + pauseMs < deadlineAt;
      if (!policyFor(error).again || !mayAsk) throw signingUnavailable(failures);
      await pause(pauseMs);
    }
  }
}

function pauseBefore(retry: number): number {
  return FIRST_PAUSE_MS * PAUSE_FACTOR ** (retry - 1) * (0.5 + Math.random() / 2);
}

function signingUnavailable(failures: readonly unknown[]): CountersignError {
  const last = failures.at(-1);
  const { detail, retryAfterSeconds } = policyFor(last);
  const messages = failures.map((error) => (error instanceof Error ? error.message : String(error)));
  const cause = failures.length === 1 ? last : new AggregateError(failures, messages.join('; then '));
  return new CountersignError('signing_unavailable', detail, { cause, retryAfterSeconds });
}
