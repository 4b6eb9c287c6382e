/** By what the keys of a list are known before any KMS is asked. */
import { isSigningKey, type RegisteredKey } from '../../shared/keys/registry.ts';
import { jwkFromPem, thumbprint } from './public-key.ts';

/**
 * The kid that the list gives a key, and that of its public key: another name does not make it another key.
 *
 * @throws Error as `jwkFromPem`
 */
export function kidsOf(key: RegisteredKey): string[] {
  if (key.use === 'mac') return [];
  const given = isSigningKey(key) ? key.fingerprint : key.kid;
  const kids = [given, key.pem === undefined ? undefined : thumbprint(jwkFromPem(key.pem))];
  return kids.filter((kid) => kid !== undefined);
}
