/**
 * Key material on its way into a key of origin EXTERNAL: the wrapping keys, and what may be imported. It knows no
 * HTTP.
 *
 * What differs from AWS KMS: imported material never expires, and cannot be deleted without its key.
 */

import { createPublicKey, type KeyObject, randomUUID } from 'node:crypto';
import type { AwsImportMetadata, AwsKeyMetadata, Storage } from '../storage.ts';
import { generateWrappingKey, unwrapSecret } from '../wrapping.ts';
import { AwsError } from './errors.ts';
import { AWS_KEY_SPECS } from './key-specs.ts';
import type { AwsKeys } from './keys.ts';

const WRAPPING_KEY_BITS: Readonly<Record<string, number>> = {
  RSA_2048: 2048,
  RSA_3072: 3072,
  RSA_4096: 4096,
};
const WRAPPING_ALGORITHM = 'RSAES_OAEP_SHA_256';

/** "Each wrapping public key and import token set is valid for 24 hours" (developer guide, importing keys, step 2). */
const VALID_MS = 24 * 60 * 60 * 1000;

export type AwsImports = ReturnType<typeof createAwsImports>;

export function createAwsImports(storage: Storage, keys: AwsKeys, now: () => number = Date.now) {
  const { awsImports } = storage.metadata;

  function importOf(token: string, keyArn: string): AwsImportMetadata {
    const found = Object.hasOwn(awsImports, token) ? awsImports[token] : undefined;
    if (found?.keyArn !== keyArn) {
      throw new AwsError('InvalidImportTokenException', `The import token is none of ${keyArn}.`);
    }
    if (now() < found.validTo) return found;
    throw new AwsError('ExpiredImportTokenException', 'The import token has expired.');
  }

  return {
    /** What the operator wraps with, and the token that goes with it. */
    async parameters(keyId: string, algorithm: string, keySpec: string) {
      const { arn } = external(keys, keyId);
      const bits = Object.hasOwn(WRAPPING_KEY_BITS, keySpec) ? WRAPPING_KEY_BITS[keySpec] : undefined;
      if (bits === undefined || algorithm !== WRAPPING_ALGORITHM) {
        throw new AwsError('UnsupportedOperationException', `The local KMS unwraps ${WRAPPING_ALGORITHM}.`);
      }
      const key = await generateWrappingKey(bits);
      const token = randomUUID();
      const validTo = now() + VALID_MS;
      awsImports[token] = { keyArn: arn, validTo, privateKeyFile: storage.writeKey(key) };
      storage.saveMetadata();
      const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
      return { arn, token, validTo, spki };
    },

    /** A key takes one secret in its life; importing that one again is no error. */
    importMaterial(keyId: string, token: string, wrapped: Uint8Array): string {
      const { arn, key } = external(keys, keyId);
      const { privateKeyFile } = importOf(token, arn);
      const secret = unwrapSecret(storage.readKey(privateKeyFile), wrapped);
      if (secret === undefined) {
        throw new AwsError('InvalidCiphertextException', 'The key material was not wrapped for this token.');
      }
      requireFitting(key, secret);
      keys.importSecret(arn, secret);
      return arn;
    },
  };
}

/** "Specify the key ID or key ARN of the KMS key": no alias. */
function external(keys: AwsKeys, keyId: string): { arn: string; key: AwsKeyMetadata } {
  if (/^(arn:.*:)?alias\//.test(keyId)) throw new AwsError('NotFoundException', `Invalid keyId ${keyId}`);
  const { arn, key } = keys.findNotDeleted(keyId);
  if (key.origin === 'EXTERNAL') return { arn, key };
  throw new AwsError(
    'UnsupportedOperationException',
    `${arn} origin is AWS_KMS, which is not valid for this.`,
  );
}

function requireFitting({ keySpec }: AwsKeyMetadata, secret: KeyObject): void {
  const { usage, algorithm } = AWS_KEY_SPECS[keySpec];
  if (usage === 'GENERATE_VERIFY_MAC' && secret.symmetricKeySize === algorithm.keyBytes) return;
  throw new AwsError('IncorrectKeyMaterialException', `The key material does not fit a key of ${keySpec}.`);
}
