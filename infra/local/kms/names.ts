/**
 * Resource names, as `google/cloud/kms/v1/resources.proto` patterns them.
 */

import { StatusError } from './status.ts';

const SEGMENT = '[A-Za-z0-9._:-]+';
/** "It must be unique within a location and match the regular expression `[a-zA-Z0-9_-]{1,63}`". */
const RESOURCE_ID = '[A-Za-z0-9_-]{1,63}';

const LOCATION = `projects/${SEGMENT}/locations/${SEGMENT}`;
const KEY_RING = `${LOCATION}/keyRings/${RESOURCE_ID}`;
const CRYPTO_KEY = `${KEY_RING}/cryptoKeys/${RESOURCE_ID}`;
const CRYPTO_KEY_VERSION = `${CRYPTO_KEY}/cryptoKeyVersions/[1-9][0-9]*`;

const KINDS = {
  location: new RegExp(`^${LOCATION}$`),
  keyRing: new RegExp(`^${KEY_RING}$`),
  cryptoKey: new RegExp(`^${CRYPTO_KEY}$`),
  cryptoKeyVersion: new RegExp(`^${CRYPTO_KEY_VERSION}$`),
  resourceId: new RegExp(`^${RESOURCE_ID}$`),
} as const;

/** @throws StatusError INVALID_ARGUMENT when `name` is no name of this kind. */
export function requireName(kind: keyof typeof KINDS, name: string): string {
  if (!KINDS[kind].test(name)) {
    throw new StatusError('INVALID_ARGUMENT', `"${name}" is not a valid ${kind} name.`);
  }
  return name;
}

/** The name without its last collection and id: a version's crypto key, a crypto key's ring. */
export function parentOf(name: string): string {
  return name.split('/').slice(0, -2).join('/');
}
