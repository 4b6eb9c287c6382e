import { MAX_COMMIT_ATTEMPTS, RETRY_AFTER_SECONDS } from '../constants.ts';
import { CountersignError } from '../errors.ts';
import { ConflictError } from '../ports/document-store.ts';

/**
 * Runs `attempt` until it does not lose a race. `attempt` reads, decides and commits; after a conflict it is
 * called again, with its number, and reads afresh.
 * @throws CountersignError `store_unavailable` when it keeps losing: nothing was written.
 */
export async function retryConflicts<T>(attempt: (number: number) => Promise<T>): Promise<T> {
  for (let number = 0; number < MAX_COMMIT_ATTEMPTS; number++) {
    try {
      return await attempt(number);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }
  throw new CountersignError('store_unavailable', 'Too many requests compete for this licence. Try again.', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}
