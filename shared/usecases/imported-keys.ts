/** Keys of the directory as verification takes them, each imported once. */
import { ALGORITHMS } from '../algorithms.ts';
import { type BarredKey, importVerificationKey, type VerificationKey } from '../client/verify.ts';
import type { KeyDirectory, KeyRecord, PublicKeyRecord } from '../ports/key-directory.ts';

export interface ImportedKeys {
  find(kid: string): Promise<VerificationKey | BarredKey | undefined>;
  all(): Promise<readonly (VerificationKey | BarredKey)[]>;
}

const imported = new WeakMap<object, Promise<VerificationKey>>();

export function importedKeys(keys: KeyDirectory): ImportedKeys {
  return {
    find: async (kid) => {
      const record = await keys.find(kid);
      return record === undefined ? undefined : importOnce(record);
    },
    all: async () => Promise.all((await keys.list()).map(importOnce)),
  };
}

async function importOnce(record: KeyRecord): Promise<VerificationKey | BarredKey> {
  if (record.jwk === undefined) return record;
  const known = imported.get(record);
  if (known !== undefined) return known;
  const key = importRecord(record);
  imported.set(record, key);
  return key;
}

async function importRecord({ jwk, kid, algorithm, state, sunsetAt, issuer }: PublicKeyRecord) {
  const { jose: alg } = ALGORITHMS[algorithm];
  return { ...(await importVerificationKey({ ...jwk, kid, alg })), state, sunsetAt, issuer };
}
