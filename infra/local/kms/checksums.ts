/** The checksums of requests: https://cloud.google.com/kms/docs/data-integrity-guidelines */

import { crc32c } from '../../kms/crc32c.ts';
import { StatusError } from './status.ts';

/** As it arrives over gRPC. */
export type Int64Value = { readonly value: string } | null;

/** True when a checksum was sent and is right, false when none was sent. */
export function verifyChecksum(field: string, bytes: Buffer | undefined, checksum: Int64Value): boolean {
  if (checksum === null) return false;
  if (Number(checksum.value) !== crc32c(bytes ?? Buffer.alloc(0))) {
    throw new StatusError(
      'INVALID_ARGUMENT',
      `The checksum in field ${field}_crc32c did not match the data in field ${field}.`,
    );
  }
  return true;
}
