/** CreateImportJob, GetImportJob and ImportCryptoKeyVersion. */

import type * as grpc from '@grpc/grpc-js';
import { versionMessage } from './administration.ts';
import { answer, type Named, type Parented, PROTECTION_LEVEL, timestamp } from './grpc.ts';
import type { ImportJobs } from './import-jobs.ts';
import type { Keyring } from './keyring.ts';
import { StatusError } from './status.ts';

interface CreateImportJobRequest extends Parented {
  readonly importJobId: string;
  readonly importJob: { readonly importMethod: string; readonly protectionLevel: string } | null;
}

interface ImportVersionRequest extends Parented {
  /** The version to import into again; empty for a new one. */
  readonly cryptoKeyVersion: string;
  readonly algorithm: string;
  readonly importJob: string;
  readonly wrappedKey: Buffer;
  /** The older member for the same; at most one of the two is sent. */
  readonly rsaAesWrappedKey?: Buffer;
}

export function importing(keyring: Keyring, importJobs: ImportJobs): grpc.UntypedServiceImplementation {
  const job = (name: string) => jobMessage(importJobs, name);
  return {
    CreateImportJob: answer(async ({ parent, importJobId, importJob }: CreateImportJobRequest) => {
      const { importMethod = '', protectionLevel = '' } = importJob ?? {};
      return job(await importJobs.create(parent, importJobId, importMethod, protectionLevel));
    }),
    GetImportJob: answer(async ({ name }: Named) => job(name)),
    ImportCryptoKeyVersion: answer(async (request: ImportVersionRequest) =>
      versionMessage(keyring, importVersion(keyring, importJobs, request)),
    ),
  };
}

function importVersion(keyring: Keyring, importJobs: ImportJobs, request: ImportVersionRequest): string {
  const { parent, algorithm, importJob } = request;
  if (request.cryptoKeyVersion !== '') {
    throw new StatusError('UNIMPLEMENTED', 'The local KMS imports new versions only.');
  }
  keyring.key(parent);
  const secret = importJobs.unwrap(importJob, parent, requireWrappedKey(request));
  return keyring.importVersion(parent, { algorithm, importJob, secret });
}

function requireWrappedKey({ wrappedKey, rsaAesWrappedKey = Buffer.alloc(0) }: ImportVersionRequest): Buffer {
  const [wrapped, other] = [wrappedKey, rsaAesWrappedKey].filter(({ length }) => length > 0);
  if (wrapped !== undefined && other === undefined) return wrapped;
  throw new StatusError(
    'INVALID_ARGUMENT',
    'Exactly one of wrapped_key and rsa_aes_wrapped_key holds the key material.',
  );
}

function jobMessage(importJobs: ImportJobs, name: string) {
  const { importMethod, createTime, expireTime, state } = importJobs.job(name);
  const isActive = state === 'ACTIVE';
  return {
    name,
    importMethod,
    protectionLevel: PROTECTION_LEVEL,
    createTime: timestamp(createTime),
    generateTime: timestamp(createTime),
    expireTime: timestamp(expireTime),
    expireEventTime: isActive ? null : timestamp(expireTime),
    state,
    publicKey: isActive ? { pem: importJobs.publicKeyPem(name) } : null,
  };
}
