/**
 * The key directory over Google Cloud KMS and AWS KMS: public keys are read once, when they are first needed, and kept.
 *
 *   const directory = createKeyDirectory({
 *     client,
 *     keys: [{ name: '…/cryptoKeyVersions/1', algorithm: 'EC_SIGN_ED25519', use: 'license', state: 'active' }],
 *   });
 *   const signature = await directory.sign('EC_SIGN_ED25519', ({ kid }) => bytesFor(kid));
 *
 * A key with a fingerprint is known by it: what another kid is asked for never waits for its KMS, and once it is retired
 * or compromised its KMS is not needed at all.
 */

import { ALGORITHM_NAMES, type AlgorithmName } from '../../shared/algorithms.ts';
import { CountersignError } from '../../shared/errors.ts';
import { cloudOf, type RegisteredKey, registryProblems } from '../../shared/keys/registry.ts';
import { isBarred } from '../../shared/keys/states.ts';
import type { KeyDirectory, KeyRecord, PublicJwk } from '../../shared/ports/key-directory.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Signer } from '../../shared/ports/signer.ts';
import { createLog } from '../log.ts';
import { type AwsKmsClient, MessageTooLongError } from './aws.ts';
import { type CloudKeys, type CloudPublicKey, keysOfCloud } from './cloud-keys.ts';
import { type Failover, withFailover } from './failover.ts';
import type { KmsClient } from './google-client.ts';
import { jwkFromPem, thumbprint } from './public-key.ts';
import { DEFAULT_DEADLINE_MS } from './retries.ts';

/** `algorithm` is known beforehand, so that a signer is found without reading every key; checked when the key is read. */
export interface SigningKey extends RegisteredKey {
  readonly use: 'license';
}

export interface KeyDirectoryOptions {
  /** For the keys in Google Cloud. */
  readonly client: KmsClient;
  /** For those in AWS; needed if there are any. */
  readonly awsClient?: AwsKmsClient | undefined;
  readonly keys: readonly SigningKey[];
  /** Milliseconds for reading a public key, and for a signature of one signer; default 3,000. */
  readonly deadlineMs?: number;
  /** Where it says which key cannot be used and why; standard output when left out. */
  readonly log?: Log;
}

interface Entry {
  readonly key: SigningKey;
  readonly record: () => Promise<KeyRecord>;
  readonly signer: () => Promise<Signer>;
}

interface ReadKey {
  readonly publicKey: CloudPublicKey;
  readonly kid: string;
  readonly jwk: PublicJwk;
}

/** @throws Error with a sentence for the operator when the list of keys contradicts itself. */
export function createKeyDirectory(options: KeyDirectoryOptions): KeyDirectory {
  const { keys } = options;
  const problems = registryProblems(keys);
  if (problems.length > 0) throw new Error(`${problems.join('. ')}.`);
  const entries = keys.map((key) => entryOf(key, options));
  const pinned = new Map(
    entries.flatMap((entry) => (entry.key.fingerprint === undefined ? [] : [[entry.key.fingerprint, entry]])),
  );
  const failovers = new Map(ALGORITHM_NAMES.flatMap((algorithm) => failoverFor(algorithm, entries, options)));
  const findUnpinned = finderAmong(entries.filter(({ key }) => key.fingerprint === undefined));

  return {
    async sign(algorithm, makeMessage) {
      const failover = failovers.get(algorithm);
      if (failover === undefined)
        throw new CountersignError('signing_unavailable', `No active key signs with ${algorithm}.`);
      return (await failover.sign(makeMessage)).signature;
    },

    find: async (kid) => pinned.get(kid)?.record() ?? findUnpinned(kid),

    async list() {
      const results = await Promise.allSettled(entries.map(({ record }) => record()));
      const records = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      const failure = results.find((result) => result.status === 'rejected');
      // An empty key set would make clients drop keys that they have.
      if (failure !== undefined && !records.some(({ jwk }) => jwk !== undefined)) throw failure.reason;
      return records;
    },
  };
}

/** The active keys of an algorithm in the order of the list, one in each cloud; none gives nothing. */
function failoverFor(
  algorithm: AlgorithmName,
  entries: readonly Entry[],
  { deadlineMs = DEFAULT_DEADLINE_MS, log = createLog('ERROR') }: KeyDirectoryOptions,
): [AlgorithmName, Failover][] {
  const active = entries.filter(({ key }) => key.state === 'active' && key.algorithm === algorithm);
  if (active.length === 0) return [];
  const sources = active.map(({ key, signer }) => ({ name: key.name, signer }));
  const failover = withFailover(sources, {
    clock: { now: Date.now },
    shareMs: deadlineMs,
    // The first call of a signer may have to read its public key as well.
    deadlineMs: deadlineMs * (active.length + 1),
    isMessagesFault: ({ cause }) => cause instanceof MessageTooLongError,
    onChange: (name, state) =>
      log.write({ severity: 'WARNING', message: `the circuit of the signer ${name} is ${state}` }),
  });
  return [[algorithm, failover]];
}

/** Finds keys whose kid is not known before they are read. */
function finderAmong(entries: readonly Entry[]) {
  const found = new Map<string, KeyRecord>();

  async function match({ record }: Entry, kid: string): Promise<KeyRecord> {
    const candidate = await record();
    found.set(candidate.kid, candidate);
    if (candidate.kid !== kid) throw new OtherKey();
    return candidate;
  }

  return async (kid: string): Promise<KeyRecord | undefined> => {
    // What was found before does not ask the KMS again for a key that could not be read.
    const known = found.get(kid);
    if (known !== undefined) return known;
    try {
      return await Promise.any(entries.map((entry) => match(entry, kid)));
    } catch (error) {
      const failures: unknown[] = (error as AggregateError).errors;
      // The key may be one that could not be read, which is not the same as unknown.
      const failure = failures.find((reason) => !(reason instanceof OtherKey));
      if (failure !== undefined) throw failure;
      return undefined;
    }
  };
}

/** The key that was read is not the one that is looked for. */
class OtherKey extends Error {}

function entryOf(key: SigningKey, options: KeyDirectoryOptions): Entry {
  const { deadlineMs, log = createLog('ERROR') } = options;
  const cloud = keysOfCloud(cloudOf(key.name), options);
  const read = remembered(() =>
    readKey(cloud, key, deadlineMs).catch((error: unknown) => {
      log.write({ severity: 'ERROR', message: `the key ${key.name} is not used: ${reasonOf(error)}` });
      throw error;
    }),
  );
  return {
    key,
    record: remembered(() => recordOf(key, read)),
    signer: remembered(async () => {
      const { publicKey, kid } = await read();
      return cloud.signer(key.name, publicKey, { kid, deadlineMs });
    }),
  };
}

async function recordOf(key: SigningKey, read: () => Promise<ReadKey>): Promise<KeyRecord> {
  const { algorithm, state, sunsetAt, fingerprint } = key;
  if (isBarred(state)) return { kid: fingerprint ?? (await read()).kid, algorithm, state };
  const { kid, jwk, publicKey } = await read();
  return { kid, algorithm, pem: publicKey.pem, jwk, state, sunsetAt };
}

async function readKey(cloud: CloudKeys, key: SigningKey, deadlineMs?: number): Promise<ReadKey> {
  const publicKey = await cloud.publicKey(key.name, deadlineMs);
  requireSame('algorithm', key.algorithm, publicKey.algorithm);
  const jwk = jwkFromPem(publicKey.pem);
  const kid = thumbprint(jwk);
  requireSame('fingerprint', key.fingerprint ?? kid, kid);
  return { publicKey, kid, jwk };
}

function requireSame(what: string, configured: string, found: string): void {
  if (found === configured) return;
  throw new CountersignError(
    'signing_unavailable',
    'A signing key is not what it is configured as; the operator has to look at the log.',
    { cause: new Error(`its ${what} is configured as ${configured}; its KMS has ${found}`) },
  );
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message : message;
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
