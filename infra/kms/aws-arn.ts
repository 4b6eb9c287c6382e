/** ARNs of AWS KMS: the region that one names, and the one in an answer, checked against the key that was asked for. */
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

/** Where the key is; undefined for a key id or an alias by itself, which may be anywhere. */
export function regionOf(keyId: string): string | undefined {
  return /^arn:[\w-]+:kms:([\w-]+):/.exec(keyId)?.[1];
}
