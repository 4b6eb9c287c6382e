/**
 * Keys that wrap a secret on its way into a KMS: RSAES-OAEP with SHA-256, MGF1 with SHA-256 and an empty label
 * (RFC 8017 §7.1), which Google calls `RSA_OAEP_*_SHA256` and AWS `RSAES_OAEP_SHA_256`.
 */

import { constants, createSecretKey, generateKeyPair, type KeyObject, privateDecrypt } from 'node:crypto';
import { promisify } from 'node:util';

const generatePair = promisify(generateKeyPair);

/** A new private key; takes up to seconds. */
export async function generateWrappingKey(modulusLength: number): Promise<KeyObject> {
  return (await generatePair('rsa', { modulusLength })).privateKey;
}

/** The secret, or `undefined` when it was not wrapped with this key. */
export function unwrapSecret(key: KeyObject, wrapped: Uint8Array): KeyObject | undefined {
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  try {
    return createSecretKey(privateDecrypt({ key, ...padding }, wrapped));
  } catch {
    // OpenSSL says the same of a wrong key, a wrong hash and a wrong length.
    return undefined;
  }
}
