import {
  INTERRUPTED_COMMIT_PAUSE_MS,
  MAX_COMMIT_ATTEMPTS,
  MAX_INTERRUPTED_COMMITS,
  MAX_REQUEST_SECONDS,
  RETRY_AFTER_SECONDS,
} from '../constants.ts';
import { CountersignError } from '../errors.ts';
import { CommitInterruptedError, ConflictError } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';

const PAUSE_FACTOR = 3;

/**
 * Runs `attempt` until its commit succeeds or it fails for good. `attempt` reads, decides and commits; it is called
 * again, with its number, after a lost race, and after a pause when the commit was interrupted. It then has to read
 * afresh and decide anew: the commit may have happened, and sending the same one again could make a session live
 * twice.
 * @throws CountersignError `store_unavailable` when it keeps losing (nothing was written) or being interrupted (the last
 * commit may have happened; the client's retry finds out)
 */
export async function retryCommits<T>(
  { clock, random }: Pick<Ports, 'clock' | 'random'>,
  attempt: (number: number) => Promise<T>,
): Promise<T> {
  const until = clock.now() + MAX_REQUEST_SECONDS * 1000;
  let interruptions = 0;
  for (let number = 0; number < MAX_COMMIT_ATTEMPTS; number++) {
    try {
      return await attempt(number);
    } catch (error) {
      const isConflict = error instanceof ConflictError;
      if (!(isConflict || error instanceof CommitInterruptedError)) throw error;
      if (clock.now() >= until) throw unavailable('The store took too long. Try again.', error);
      if (isConflict) continue;
      interruptions += 1;
      if (interruptions > MAX_INTERRUPTED_COMMITS)
        throw unavailable('The store did not confirm the change. Try again.', error);
      await clock.pause(pauseBefore(interruptions, random.bytes(1)[0] ?? 0));
    }
  }
  throw unavailable('Too many requests change this at the same time. Try again.');
}

function pauseBefore(retry: number, jitter: number): number {
  return INTERRUPTED_COMMIT_PAUSE_MS * PAUSE_FACTOR ** (retry - 1) * (1 - jitter / 512);
}

/** Nothing was changed, or nobody knows: the client may try again. */
export function unavailable(detail: string, cause?: unknown): CountersignError {
  return new CountersignError('store_unavailable', detail, { cause, retryAfterSeconds: RETRY_AFTER_SECONDS });
}
