/** The ARN in an answer of AWS KMS, checked against the key that was asked for. */
import { requireIntegrity } from './integrity.ts';

const KEY_ARN = /^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/;

/**
 * That of an alias may be any key's; what names a key must be answered with that key.
 * @throws IntegrityError
 */
export function requireArnOf(keyId: string, arn = 'nothing'): string {
  const isAlias = /^(arn:.*:)?alias\//.test(keyId);
  const isThatKey = isAlias || arn === keyId || arn.endsWith(`:key/${keyId}`);
  requireIntegrity(KEY_ARN.test(arn) && isThatKey, `the answer names ${arn}, not ${keyId}`);
  return arn;
}
