/**
 * The local KMS's state and rules: key rings, keys and versions. It knows no gRPC.
 *
 * What differs from Google Cloud KMS: a new version is answered ENABLED once it is generated (the real one
 * answers PENDING_GENERATION), and a version stays in DESTROY_SCHEDULED for ever.
 */

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import {
  isLocalAlgorithmName,
  LOCAL_ALGORITHMS,
  type LocalAlgorithm,
  type LocalAlgorithmName,
} from './algorithms.ts';
import { parentOf, requireName } from './names.ts';
import { StatusError } from './status.ts';
import type { KeyMetadata, Storage, VersionMetadata, VersionState } from './storage.ts';

/** Google's default: "If not specified at creation time, the default duration is 30 days." */
const DEFAULT_DESTROY_SECONDS = 30 * 24 * 60 * 60;

export interface NewKey {
  readonly purpose: string;
  readonly algorithm: string;
  readonly protectionLevel: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly destroyScheduledSeconds?: number | undefined;
  readonly skipInitialVersion: boolean;
}

export type Keyring = ReturnType<typeof createKeyring>;

export function createKeyring(storage: Storage, now: () => number = Date.now) {
  const state = storage.metadata;
  const privateKeys = new Map<string, KeyObject>();
  const keysBeingCreated = new Set<string>();

  const save = storage.saveMetadata;

  function find<T>(entries: Record<string, T>, name: string): T {
    const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
    if (entry === undefined) throw new StatusError('NOT_FOUND', `${name} not found.`);
    return entry;
  }

  function refuseDuplicate(entries: Record<string, unknown>, name: string): void {
    if (Object.hasOwn(entries, name) || keysBeingCreated.has(name)) {
      throw new StatusError('ALREADY_EXISTS', `${name} already exists.`);
    }
  }

  function privateKeyOf(name: string, version: VersionMetadata): KeyObject {
    let key = privateKeys.get(name);
    if (key === undefined) {
      key = createPrivateKey(storage.readPrivateKey(version.privateKeyFile));
      privateKeys.set(name, key);
    }
    return key;
  }

  /** Generates first and numbers afterwards, so that concurrent callers get numbers without holes. */
  async function addVersion(keyName: string, key: KeyMetadata): Promise<string> {
    const privateKey = await LOCAL_ALGORITHMS[key.algorithm].generate();
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const number = childrenOf(state.cryptoKeyVersions, keyName).length + 1;
    const name = `${keyName}/cryptoKeyVersions/${number}`;
    state.cryptoKeyVersions[name] = {
      algorithm: key.algorithm,
      state: 'ENABLED',
      createTime: now(),
      privateKeyFile: storage.writePrivateKey(pem),
    };
    privateKeys.set(name, privateKey);
    return name;
  }

  /** The version, for use: only an ENABLED one signs or shows its public key. */
  function enabledVersion(name: string): VersionMetadata {
    const version = find(state.cryptoKeyVersions, requireName('cryptoKeyVersion', name));
    if (version.state !== 'ENABLED') {
      throw new StatusError(
        'FAILED_PRECONDITION',
        `${name} is not enabled, current state is: ${version.state}.`,
      );
    }
    return version;
  }

  function moveVersion(name: string, from: readonly VersionState[], to: VersionState): VersionMetadata {
    const version = find(state.cryptoKeyVersions, requireName('cryptoKeyVersion', name));
    if (!from.includes(version.state)) {
      throw new StatusError('FAILED_PRECONDITION', `${name} is ${version.state}; it cannot become ${to}.`);
    }
    version.state = to;
    return version;
  }

  return {
    createKeyRing(parent: string, id: string): string {
      const name = `${requireName('location', parent)}/keyRings/${requireName('resourceId', id)}`;
      refuseDuplicate(state.keyRings, name);
      state.keyRings[name] = { createTime: now() };
      save();
      return name;
    },

    keyRing: (name: string) => find(state.keyRings, requireName('keyRing', name)),
    keyRingsOf: (location: string) => childrenOf(state.keyRings, requireName('location', location)),

    async createKey(parent: string, id: string, request: NewKey): Promise<string> {
      const name = `${requireName('keyRing', parent)}/cryptoKeys/${requireName('resourceId', id)}`;
      const algorithm = requireSupported(request);
      find(state.keyRings, parent);
      refuseDuplicate(state.cryptoKeys, name);
      keysBeingCreated.add(name);
      try {
        const key: KeyMetadata = {
          algorithm,
          createTime: now(),
          labels: request.labels,
          destroyScheduledSeconds: request.destroyScheduledSeconds ?? DEFAULT_DESTROY_SECONDS,
        };
        if (!request.skipInitialVersion) await addVersion(name, key);
        state.cryptoKeys[name] = key;
        save();
        return name;
      } finally {
        keysBeingCreated.delete(name);
      }
    },

    key: (name: string) => find(state.cryptoKeys, requireName('cryptoKey', name)),
    keysOf(keyRing: string): string[] {
      find(state.keyRings, requireName('keyRing', keyRing));
      return childrenOf(state.cryptoKeys, keyRing);
    },

    async createVersion(keyName: string): Promise<string> {
      const name = await addVersion(keyName, find(state.cryptoKeys, requireName('cryptoKey', keyName)));
      save();
      return name;
    },

    version: (name: string) => find(state.cryptoKeyVersions, requireName('cryptoKeyVersion', name)),
    versionsOf(keyName: string): string[] {
      find(state.cryptoKeys, requireName('cryptoKey', keyName));
      return childrenOf(state.cryptoKeyVersions, keyName);
    },

    setEnabled(name: string, enabled: boolean): void {
      moveVersion(name, ['ENABLED', 'DISABLED'], enabled ? 'ENABLED' : 'DISABLED');
      save();
    },

    scheduleDestruction(name: string): void {
      const version = moveVersion(name, ['ENABLED', 'DISABLED'], 'DESTROY_SCHEDULED');
      const { destroyScheduledSeconds } = find(state.cryptoKeys, parentOf(name));
      version.destroyTime = now() + destroyScheduledSeconds * 1000;
      save();
    },

    restore(name: string): void {
      delete moveVersion(name, ['DESTROY_SCHEDULED'], 'DISABLED').destroyTime;
      save();
    },

    /**
     * SubjectPublicKeyInfo in PEM. A version that is not ENABLED is refused, as Google's is: "retrieve the
     * public key portion of an enabled asymmetric key version"; seen with PENDING_GENERATION in
     * hashicorp/terraform-provider-google#5895.
     */
    publicKeyPem(name: string): string {
      const version = enabledVersion(name);
      return createPublicKey(privateKeyOf(name, version)).export({ type: 'spki', format: 'pem' }).toString();
    },

    /** The algorithm's row and a function that signs with this version. */
    signerOf(name: string): { algorithm: LocalAlgorithm; sign(input: Uint8Array): Buffer } {
      const version = enabledVersion(name);
      const algorithm = LOCAL_ALGORITHMS[version.algorithm];
      return { algorithm, sign: (input) => algorithm.sign(privateKeyOf(name, version), input) };
    },
  };
}

/** Names directly under `parent`, versions in the order of their numbers. */
function childrenOf(entries: Record<string, unknown>, parent: string): string[] {
  return Object.keys(entries)
    .filter((name) => parentOf(name) === parent)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

function requireSupported({ purpose, algorithm, protectionLevel }: NewKey): LocalAlgorithmName {
  if (!isLocalAlgorithmName(algorithm)) {
    const known = Object.keys(LOCAL_ALGORITHMS).join(', ');
    throw new StatusError('INVALID_ARGUMENT', `The local KMS has ${known}, not ${algorithm}.`);
  }
  if (purpose !== LOCAL_ALGORITHMS[algorithm].purpose) {
    throw new StatusError('INVALID_ARGUMENT', `${algorithm} cannot be used with the purpose ${purpose}.`);
  }
  if (!['SOFTWARE', 'PROTECTION_LEVEL_UNSPECIFIED'].includes(protectionLevel)) {
    throw new StatusError('INVALID_ARGUMENT', `The local KMS has SOFTWARE keys, not ${protectionLevel}.`);
  }
  return algorithm;
}
