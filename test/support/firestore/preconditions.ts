/** What a write may demand of the stored document (common.proto, Precondition). */

import type { StoredDocument } from './documents.ts';
import { invalid, StatusError } from './status.ts';
import { microsOf } from './time.ts';
import type { Precondition } from './wire.ts';

/** @throws StatusError ALREADY_EXISTS, NOT_FOUND or FAILED_PRECONDITION when the demand does not hold. */
export function checkPrecondition(
  name: string,
  current: StoredDocument | undefined,
  precondition: Precondition | null,
): void {
  if (precondition?.conditionType === 'exists') checkExistence(name, current, precondition.exists === true);
  if (precondition?.conditionType === 'updateTime') checkVersion(current, precondition);
}

function checkExistence(name: string, current: StoredDocument | undefined, exists: boolean): void {
  if (exists && current === undefined) {
    throw new StatusError('NOT_FOUND', `No document to update: ${name}`);
  }
  if (!exists && current !== undefined) {
    throw new StatusError('ALREADY_EXISTS', `Document already exists: ${name}`);
  }
}

/** A missing document has version 0. */
function checkVersion(current: StoredDocument | undefined, { updateTime }: Precondition): void {
  const required = updateTime && microsOf(updateTime);
  if (required === undefined) throw invalid('The update_time of a precondition is not a whole microsecond.');
  const stored = current?.updateMicros ?? 0;
  if (stored !== required) {
    throw new StatusError(
      'FAILED_PRECONDITION',
      `the stored version (${stored}) does not match the required base version (${required})`,
    );
  }
}
