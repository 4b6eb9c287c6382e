/** Whether documents can hold a licence, told to whoever asked for them. The sentences name members and no values. */
import { endProblem } from '../decide/issue.ts';
import { CountersignError } from '../errors.ts';
import { OperatorError } from '../operator-error.ts';
import type { LicenseRecord } from '../records/license.ts';

/**
 * `member` is the one of the request that it hangs on.
 * @throws CountersignError `invalid_request`
 */
export function requireSignedEnd(license: LicenseRecord, member: string): void {
  const problem = endProblem(license);
  if (problem !== undefined) throw unholdable(problem, member);
}

/** @throws CountersignError `invalid_request` where `render` finds that the format cannot hold it */
export function holding<T>(render: () => T): T {
  try {
    return render();
  } catch (error) {
    if (error instanceof OperatorError || error instanceof TypeError)
      throw unholdable(error.message, '', error);
    throw error;
  }
}

export function unholdable(detail: string, member: string, cause?: unknown): CountersignError {
  const pointer = member === '' ? '' : `/${member}`;
  return new CountersignError('invalid_request', detail, { cause, errors: [{ pointer, detail }] });
}
