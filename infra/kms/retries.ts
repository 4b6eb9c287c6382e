/**
 * Asking a KMS again: a bounded number of attempts inside one deadline, and what the caller is told when
 * they are used up.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { CountersignError } from '../../shared/errors.ts';
import { KmsCallError, type KmsStatus } from './google-client.ts';

/** For all attempts together. A signature takes Google some tens of milliseconds, an HSM's up to hundreds. */
const DEFAULT_DEADLINE_MS = 3_000;
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

/** The KMS answered, but the answer is not what was asked for: corrupted on the way, or forged. */
export class IntegrityError extends Error {
  constructor(message: string) {
    super(`integrity: ${message}`);
    this.name = 'IntegrityError';
  }
}

interface Policy {
  readonly again: boolean;
  /** What the service's client is told; no resource names. */
  readonly detail: string;
  readonly retryAfterSeconds: number;
}

const UNREACHABLE = 'The signing service did not answer in time; try again shortly.';
const REFUSED = 'The signing service refused; the operator has to look at the log.';
const UNTRUSTED = 'The signing service gave an answer that cannot be trusted; try again shortly.';

const BROKEN_ANSWER: Policy = { again: true, detail: UNTRUSTED, retryAfterSeconds: 5 };
const REFUSAL: Policy = { again: false, detail: REFUSED, retryAfterSeconds: 60 };

/** By gRPC status; one that is not here is a refusal. Signing twice does no harm, so a retry is safe. */
const POLICIES: Partial<Record<KmsStatus, Policy>> = {
  UNAVAILABLE: { again: true, detail: UNREACHABLE, retryAfterSeconds: 2 },
  // A connection that broke under the call.
  INTERNAL: { again: true, detail: UNREACHABLE, retryAfterSeconds: 2 },
  ABORTED: { again: true, detail: UNREACHABLE, retryAfterSeconds: 2 },
  // No time is left to ask again.
  DEADLINE_EXCEEDED: { again: false, detail: UNREACHABLE, retryAfterSeconds: 2 },
  // The request's checksum did not match: "perform a limited number of retries" (AsymmetricSignRequest).
  INVALID_ARGUMENT: { ...REFUSAL, again: true },
  // The quota is per minute; more calls only use more of it.
  RESOURCE_EXHAUSTED: {
    again: false,
    detail: 'The signing service is at its limit; try again in 20 seconds.',
    retryAfterSeconds: 20,
  },
};

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

function policyFor(error: unknown): Policy {
  if (error instanceof IntegrityError) return BROKEN_ANSWER;
  return (error instanceof KmsCallError && POLICIES[error.status]) || REFUSAL;
}

function signingUnavailable(failures: readonly unknown[]): CountersignError {
  const last = failures.at(-1);
  const { detail, retryAfterSeconds } = policyFor(last);
  const messages = failures.map((error) => (error instanceof Error ? error.message : String(error)));
  const cause = failures.length === 1 ? last : new AggregateError(failures, messages.join('; then '));
  return new CountersignError('signing_unavailable', detail, { cause, retryAfterSeconds });
}
