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
import {
  cloudOf,
  isSigningKey,
  type MacKey,
  type RegisteredKey,
  registryProblems,
} from '../../shared/keys/registry.ts';
import { OperatorError } from '../../shared/operator-error.ts';
import type { KeyDirectory, KeyRecord, MacKeyRecord } from '../../shared/ports/key-directory.ts';
import { createLog } from '../log.ts';
import { MessageTooLongError } from './aws.ts';
import { keysOfCloud } from './cloud-keys.ts';
import { type Failover, withFailover } from './failover.ts';
import { kidsOf } from './kids.ts';
import {
  foreignRecord,
  type KmsAccess,
  type KmsKey,
  kmsKey,
  reasonOf,
  unusableReason,
} from './registered-keys.ts';
import { DEFAULT_DEADLINE_MS } from './retries.ts';

export interface KeyDirectoryOptions extends KmsAccess {
  /** Of all uses; root and download keys are for others. */
  readonly keys: readonly RegisteredKey[];
}

export interface CloudKeyDirectory extends KeyDirectory {
  /** Why active keys cannot be used before an operator acts: disabled, destroyed, another key. A sentence each. */
  activeProblems(): Promise<string[]>;
}

/** @throws OperatorError when the list of keys contradicts itself, Error when a public key in it cannot be read */
export function createKeyDirectory(options: KeyDirectoryOptions): CloudKeyDirectory {
  const { keys } = options;
  const problems = registryProblems(keys, kidsOf);
  if (problems.length > 0) throw new OperatorError(`${problems.join('. ')}.`);
  const own = keys.flatMap((key) =>
    isSigningKey(key) && key.use === 'license' ? [kmsKey(key, options)] : [],
  );
  const foreign = keys.flatMap((key) => (key.use === 'verify' ? [foreignRecord(key)] : []));
  const macKeys = keys.flatMap((key): MacKeyRecord[] => (key.use === 'mac' ? [macKey(key, options)] : []));
  const foreignByKid = new Map(foreign.map((record) => [record.kid, record]));
  const pinned = new Map(
    own.flatMap((entry) => (entry.key.fingerprint === undefined ? [] : [[entry.key.fingerprint, entry]])),
  );
  const failovers = new Map(ALGORITHM_NAMES.flatMap((algorithm) => failoverFor(algorithm, own, options)));
  const findUnpinned = finderAmong(own.filter(({ key }) => key.fingerprint === undefined));

  return {
    async sign(algorithm, makeMessage) {
      const failover = failovers.get(algorithm);
      if (failover === undefined)
        throw new CountersignError('signing_unavailable', `No active key signs with ${algorithm}.`);
      return (await failover.sign(makeMessage)).signature;
    },

    find: async (kid) => pinned.get(kid)?.record() ?? foreignByKid.get(kid) ?? findUnpinned(kid),

    async list() {
      const results = await Promise.allSettled(own.map(({ record }) => record()));
      const records = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      const failure = results.find((result) => result.status === 'rejected');
      // An empty key set would make clients drop keys that they have.
      if (failure !== undefined && !records.some(({ jwk }) => jwk !== undefined)) throw failure.reason;
      return [...records, ...foreign];
    },

    macKeys: () => macKeys,

    async activeProblems() {
      const active = own.filter(({ key }) => key.state === 'active');
      const reasons = await Promise.all(
        active.map((entry) => unusableReason(entry, keys.filter((key) => key !== entry.key).flatMap(kidsOf))),
      );
      return reasons.flatMap((reason, i) =>
        reason === undefined ? [] : [`The active key ${active[i]?.key.name} cannot be used: ${reason}`],
      );
    },
  };
}

function macKey({ name, sunsetAt }: MacKey, { deadlineMs, ...clients }: KmsAccess): MacKeyRecord {
  return { sunsetAt, verifier: keysOfCloud(cloudOf(name), clients).macVerifier(name, deadlineMs) };
}

/** The active keys of an algorithm in the order of the list, one in each cloud; none gives nothing. */
function failoverFor(
  algorithm: AlgorithmName,
  entries: readonly KmsKey[],
  { deadlineMs = DEFAULT_DEADLINE_MS, log = createLog('ERROR') }: KmsAccess,
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
    onChange: (name, state, failure) => {
      const why = failure === undefined ? '' : `: ${reasonOf(failure)}`;
      log.write({ severity: 'WARNING', message: `the circuit of the signer ${name} is ${state}${why}` });
    },
  });
  return [[algorithm, failover]];
}

/** Finds keys whose kid is not known before they are read. */
function finderAmong(entries: readonly KmsKey[]) {
  const found = new Map<string, KeyRecord>();

  async function match({ record }: KmsKey, kid: string): Promise<KeyRecord> {
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
