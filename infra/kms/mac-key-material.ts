/**
 * What to import into a KMS for an HMAC-SHA-256 secret of any length. Google and AWS take exactly 32 bytes, and HMAC has
 * other secrets that come to the same (RFC 2104 §2): a shorter one is filled up with zeros, one longer than a block is
 * replaced by its hash.
 */

import { createHash } from 'node:crypto';

const MATERIAL_BYTES = 32;
const BLOCK_BYTES = 64;

/**
 * The 32 bytes that make the same tags as `secret`.
 *
 * @throws Error when there are none: secrets of 33 to 64 bytes, other than with zeros at their end.
 */
export function macKeyMaterial(secret: Uint8Array): Buffer {
  const key = secret.length > BLOCK_BYTES ? createHash('sha256').update(secret).digest() : secret;
  if (key.subarray(MATERIAL_BYTES).some((byte) => byte !== 0)) {
    throw new Error(
      `The secret has ${secret.length} bytes; a KMS can import HMAC-SHA-256 secrets of up to ${MATERIAL_BYTES} bytes, or of more than ${BLOCK_BYTES}.`,
    );
  }
  return Buffer.concat([key, Buffer.alloc(MATERIAL_BYTES)], MATERIAL_BYTES);
}
