/** How the Firestore test server says that it does not do what it was asked. */
import { StatusError } from '../../../infra/local/kms/status.ts';

export { STATUS, StatusError, type StatusName } from '../../../infra/local/kms/status.ts';

export function invalid(details: string): StatusError {
  return new StatusError('INVALID_ARGUMENT', details);
}
