/**
 * Asks which code an action fails with, so that a test compares codes, which are API, and not sentences.
 *
 * ```ts
 * expect(codeOf(() => parseStrictJson(''))).toBe('invalid_json');
 * ```
 */

import { CountersignError, type ErrorCode } from '../../shared/errors.ts';

/** The code of the `CountersignError` that `action` throws. Any other outcome fails the test. */
export function codeOf(action: () => unknown): ErrorCode {
  try {
    action();
  } catch (error) {
    return codeFrom(error);
  }
  throw new Error('Expected a CountersignError, but nothing was thrown.');
}

function codeFrom(error: unknown): ErrorCode {
  if (error instanceof CountersignError) return error.code;
  throw new Error(`Expected a CountersignError, but got ${String(error)}.`, { cause: error });
}
