/**
 * Import jobs: a wrapping key each, under which a secret travels into the key ring. It knows no gRPC.
 *
 * What differs from Google Cloud KMS: a new job is answered ACTIVE once its key is generated (the real one answers
 * PENDING_GENERATION), and a job that expired is kept for ever.
 */

import { createPublicKey, type KeyObject } from 'node:crypto';
import { createReservations, findEntry, parentOf, requireName } from './names.ts';
import { StatusError } from './status.ts';
import type { ImportJobMetadata, Storage } from './storage.ts';
import { generateWrappingKey, unwrapSecret } from './wrapping.ts';

/** Those that wrap with RSA alone; the key's bits. */
const IMPORT_METHODS = { RSA_OAEP_3072_SHA256: 3072, RSA_OAEP_4096_SHA256: 4096 } as const;

export type ImportMethodName = keyof typeof IMPORT_METHODS;

/** https://cloud.google.com/kms/docs/key-import: a job ends three days after it was made. */
const LIFETIME_MS = 3 * 24 * 60 * 60 * 1000;

export interface ImportJob extends ImportJobMetadata {
  /** Milliseconds since the epoch. */
  readonly expireTime: number;
  readonly state: 'ACTIVE' | 'EXPIRED';
}

export type ImportJobs = ReturnType<typeof createImportJobs>;

export function createImportJobs(storage: Storage, now: () => number = Date.now) {
  const { importJobs, keyRings } = storage.metadata;
  const reservations = createReservations();

  function job(name: string): ImportJob {
    const entry = findEntry(importJobs, 'importJob', name);
    const expireTime = entry.createTime + LIFETIME_MS;
    return { ...entry, expireTime, state: now() < expireTime ? 'ACTIVE' : 'EXPIRED' };
  }

  function wrappingKey(name: string): KeyObject {
    const { state, privateKeyFile } = job(name);
    if (state !== 'ACTIVE') throw new StatusError('FAILED_PRECONDITION', `${name} is ${state}.`);
    return storage.readKey(privateKeyFile);
  }

  return {
    job,

    async create(parent: string, id: string, method: string, protectionLevel: string): Promise<string> {
      const name = `${requireName('keyRing', parent)}/importJobs/${requireName('resourceId', id)}`;
      const importMethod = requireMethod(method);
      if (protectionLevel !== 'SOFTWARE') {
        throw new StatusError('INVALID_ARGUMENT', `The local KMS has SOFTWARE keys, not ${protectionLevel}.`);
      }
      findEntry(keyRings, 'keyRing', parent);
      return reservations.hold(importJobs, name, async () => {
        const key = await generateWrappingKey(IMPORT_METHODS[importMethod]);
        importJobs[name] = { importMethod, createTime: now(), privateKeyFile: storage.writeKey(key) };
        storage.saveMetadata();
        return name;
      });
    },

    /** SubjectPublicKeyInfo in PEM. */
    publicKeyPem: (name: string): string =>
      createPublicKey(wrappingKey(name)).export({ type: 'spki', format: 'pem' }).toString(),

    /** The secret that was wrapped under the job's public key, for a key of the job's own ring. */
    unwrap(name: string, keyName: string, wrapped: Uint8Array): KeyObject {
      const key = wrappingKey(name);
      if (parentOf(name) !== parentOf(keyName)) {
        throw new StatusError('INVALID_ARGUMENT', `${name} is of another key ring than ${keyName}.`);
      }
      const secret = unwrapSecret(key, wrapped);
      if (secret === undefined) {
        throw new StatusError('INVALID_ARGUMENT', `The key material was not wrapped under ${name}.`);
      }
      return secret;
    },
  };
}

function requireMethod(method: string): ImportMethodName {
  if (Object.hasOwn(IMPORT_METHODS, method)) return method as ImportMethodName;
  const known = Object.keys(IMPORT_METHODS).join(', ');
  throw new StatusError('INVALID_ARGUMENT', `The local KMS has ${known}, not ${method}.`);
}
