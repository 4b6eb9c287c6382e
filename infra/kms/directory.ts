/**
 * The key directory over Google Cloud KMS: public keys are read once, when they are first needed, and kept.
 *
 *   const directory = createKeyDirectory({
 *     client,
 *     keys: [{ name: '…/cryptoKeyVersions/1', algorithm: 'EC_SIGN_ED25519', use: 'license', state: 'active' }],
 *   });
 *   const signer = await directory.signerFor('EC_SIGN_ED25519');
 */

import type { AlgorithmName } from '../../shared/algorithms.ts';
import { CountersignError } from '../../shared/errors.ts';
import type { KeyDirectory, PublicKeyRecord } from '../../shared/ports/key-directory.ts';
import type { Signer } from '../../shared/ports/signer.ts';
import { googlePublicKey, googleSigner } from './google.ts';
import type { KmsClient } from './google-client.ts';
import { jwkFromPem, thumbprint } from './public-key.ts';

export interface SigningKey {
  /** Full resource name of the key version. */
  readonly name: string;
  /** Known beforehand, so that a signer is found without reading every key; checked when the key is read. */
  readonly algorithm: AlgorithmName;
  readonly use: 'license';
  readonly state: 'active';
}

export interface KeyDirectoryOptions {
  readonly client: KmsClient;
  readonly keys: readonly SigningKey[];
  /** Milliseconds for reading a public key, and for a signature; default 3,000. */
  readonly deadlineMs?: number;
}

interface LoadedKey {
  readonly record: PublicKeyRecord;
  readonly signer: Signer;
}

/** @throws Error with a sentence for the operator when the list of keys contradicts itself. */
export function createKeyDirectory({ client, keys, deadlineMs }: KeyDirectoryOptions): KeyDirectory {
  requireOneActivePerAlgorithm(keys);
  const entries = keys.map((key) => ({ ...key, load: remembered(() => load(client, key, deadlineMs)) }));

  return {
    async signerFor(algorithm) {
      const entry = entries.find((key) => key.state === 'active' && key.algorithm === algorithm);
      if (entry === undefined) {
        throw new CountersignError('signing_unavailable', `No active key signs with ${algorithm}.`);
      }
      return (await entry.load()).signer;
    },

    async find(kid) {
      const results = await Promise.allSettled(entries.map(({ load }) => load()));
      for (const result of results) {
        if (result.status === 'fulfilled' && result.value.record.kid === kid) return result.value.record;
      }
      // The key may be one that could not be read, which is not the same as unknown.
      for (const result of results) if (result.status === 'rejected') throw result.reason;
      return undefined;
    },

    async list() {
      return (await Promise.all(entries.map(({ load }) => load()))).map(({ record }) => record);
    },
  };
}

function requireOneActivePerAlgorithm(keys: readonly SigningKey[]): void {
  const active = new Map<AlgorithmName, string>();
  for (const { algorithm, name, state } of keys) {
    const other = active.get(algorithm);
    if (state === 'active' && other !== undefined) {
      throw new Error(`Two keys are active for ${algorithm}, ${other} and ${name}; make one of them active.`);
    }
    active.set(algorithm, name);
  }
}

async function load(client: KmsClient, key: SigningKey, deadlineMs?: number): Promise<LoadedKey> {
  const publicKey = await googlePublicKey(client, key.name, deadlineMs);
  const { algorithm, pem } = publicKey;
  if (algorithm !== key.algorithm) {
    throw new CountersignError(
      'signing_unavailable',
      'A signing key is not what it is configured as; the operator has to look at the log.',
      { cause: new Error(`${key.name} is configured as ${key.algorithm}; its KMS has it as ${algorithm}`) },
    );
  }
  const jwk = jwkFromPem(pem);
  const kid = thumbprint(jwk);
  return {
    record: { kid, algorithm, pem, jwk, state: key.state },
    signer: googleSigner(client, { versionName: key.name, publicKey, kid, deadlineMs }),
  };
}

/** Concurrent callers share one run; a success is kept, a failure is not. */
function remembered<T>(run: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= run().catch((error: unknown) => {
      result = undefined;
      throw error;
    });
    return result;
  };
}
