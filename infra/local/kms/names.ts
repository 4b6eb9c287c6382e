/**
 * Resource names, as `google/cloud/kms/v1/resources.proto` patterns them, and finding what they name.
 */

import { StatusError } from './status.ts';

const SEGMENT = '[A-Za-z0-9._:-]+';
/** "It must be unique within a location and match the regular expression `[a-zA-Z0-9_-]{1,63}`". */
const RESOURCE_ID = '[A-Za-z0-9_-]{1,63}';

const LOCATION = `projects/${SEGMENT}/locations/${SEGMENT}`;
const KEY_RING = `${LOCATION}/keyRings/${RESOURCE_ID}`;
const CRYPTO_KEY = `${KEY_RING}/cryptoKeys/${RESOURCE_ID}`;
const CRYPTO_KEY_VERSION = `${CRYPTO_KEY}/cryptoKeyVersions/[1-9][0-9]*`;
const IMPORT_JOB = `${KEY_RING}/importJobs/${RESOURCE_ID}`;

const KINDS = {
  location: new RegExp(`^${LOCATION}$`),
  keyRing: new RegExp(`^${KEY_RING}$`),
  cryptoKey: new RegExp(`^${CRYPTO_KEY}$`),
  cryptoKeyVersion: new RegExp(`^${CRYPTO_KEY_VERSION}$`),
  importJob: new RegExp(`^${IMPORT_JOB}$`),
  resourceId: new RegExp(`^${RESOURCE_ID}$`),
} as const;

type Kind = keyof typeof KINDS;

/** @throws StatusError INVALID_ARGUMENT when `name` is no name of this kind. */
export function requireName(kind: Kind, name: string): string {
  if (!KINDS[kind].test(name)) {
    throw new StatusError('INVALID_ARGUMENT', `"${name}" is not a valid ${kind} name.`);
  }
  return name;
}

/** @throws StatusError INVALID_ARGUMENT when `name` is no name of this kind, NOT_FOUND when nothing has it. */
export function findEntry<T>(entries: Record<string, T>, kind: Kind, name: string): T {
  const entry = Object.hasOwn(entries, requireName(kind, name)) ? entries[name] : undefined;
  if (entry === undefined) throw new StatusError('NOT_FOUND', `${name} not found.`);
  return entry;
}

/** The name without its last collection and id: a version's crypto key, a crypto key's ring. */
export function parentOf(name: string): string {
  return name.split('/').slice(0, -2).join('/');
}

/** Names directly under `parent`, versions in the order of their numbers. */
export function childrenOf(entries: Record<string, unknown>, parent: string): string[] {
  return Object.keys(entries)
    .filter((name) => parentOf(name) === parent)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** Names that are taken, or about to be: creating what a name stands for may take seconds. */
export function createReservations() {
  const reserved = new Set<string>();
  return {
    /**
     * Runs `create` while nobody else may take the name.
     *
     * @throws StatusError ALREADY_EXISTS
     */
    async hold<T>(entries: Record<string, unknown>, name: string, create: () => Promise<T>): Promise<T> {
      if (Object.hasOwn(entries, name) || reserved.has(name)) {
        throw new StatusError('ALREADY_EXISTS', `${name} already exists.`);
      }
      reserved.add(name);
      try {
        return await create();
      } finally {
        reserved.delete(name);
      }
    },
  };
}
