/**
 * The local KMS's state and rules: key rings, keys and versions. It knows no gRPC.
 *
 * What differs from Google Cloud KMS: a new version is answered ENABLED once it is generated (the real one
 * answers PENDING_GENERATION or PENDING_IMPORT), a secret that does not fit is refused at once (the real one makes
 * a version that is IMPORT_FAILED), only MAC keys are imported, and a version stays in DESTROY_SCHEDULED for ever.
 */

import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  isLocalAlgorithmName,
  LOCAL_ALGORITHMS,
  type LocalAlgorithm,
  type LocalAlgorithmName,
  type MacAlgorithm,
  type SigningAlgorithm,
} from './algorithms.ts';
import { childrenOf, createReservations, findEntry, parentOf, requireName } from './names.ts';
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
  readonly importOnly: boolean;
}

export interface Imported {
  readonly algorithm: string;
  readonly importJob: string;
  /** The unwrapped key. */
  readonly secret: KeyObject;
}

export type Keyring = ReturnType<typeof createKeyring>;

export function createKeyring(storage: Storage, now: () => number = Date.now) {
  const state = storage.metadata;
  const keyObjects = new Map<string, KeyObject>();
  const reservations = createReservations();

  const save = storage.saveMetadata;

  function keyObjectOf(name: string, version: VersionMetadata): KeyObject {
    const key = keyObjects.get(name) ?? storage.readKey(version.privateKeyFile);
    keyObjects.set(name, key);
    return key;
  }

  /** Takes a key that is there already, so that concurrent callers get numbers without holes. */
  function addVersion(
    keyName: string,
    key: KeyObject,
    details: Pick<VersionMetadata, 'algorithm' | 'importJob'>,
  ): string {
    const number = childrenOf(state.cryptoKeyVersions, keyName).length + 1;
    const name = `${keyName}/cryptoKeyVersions/${number}`;
    state.cryptoKeyVersions[name] = {
      ...details,
      state: 'ENABLED',
      createTime: now(),
      privateKeyFile: storage.writeKey(key),
    };
    keyObjects.set(name, key);
    return name;
  }

  async function generateVersion(keyName: string, { algorithm }: KeyMetadata): Promise<string> {
    return addVersion(keyName, await LOCAL_ALGORITHMS[algorithm].generate(), { algorithm });
  }

  /** The version, for use: only an ENABLED one does anything with its key. */
  function enabledVersion(name: string): VersionMetadata {
    const version = findEntry(state.cryptoKeyVersions, 'cryptoKeyVersion', name);
    if (version.state !== 'ENABLED') {
      throw new StatusError(
        'FAILED_PRECONDITION',
        `${name} is not enabled, current state is: ${version.state}.`,
      );
    }
    return version;
  }

  function moveVersion(name: string, from: readonly VersionState[], to: VersionState): VersionMetadata {
    const version = findEntry(state.cryptoKeyVersions, 'cryptoKeyVersion', name);
    if (!from.includes(version.state)) {
      throw new StatusError('FAILED_PRECONDITION', `${name} is ${version.state}; it cannot become ${to}.`);
    }
    version.state = to;
    return version;
  }

  function forUse(name: string): { algorithm: LocalAlgorithm; key: KeyObject } {
    const version = enabledVersion(name);
    return { algorithm: LOCAL_ALGORITHMS[version.algorithm], key: keyObjectOf(name, version) };
  }

  function signingKey(name: string): { algorithm: SigningAlgorithm; key: KeyObject } {
    const { algorithm, key } = forUse(name);
    if (algorithm.purpose !== 'ASYMMETRIC_SIGN') throw wrongPurpose(name, 'asymmetric signing');
    return { algorithm, key };
  }

  return {
    async createKeyRing(parent: string, id: string): Promise<string> {
      const name = `${requireName('location', parent)}/keyRings/${requireName('resourceId', id)}`;
      return reservations.hold(state.keyRings, name, async () => {
        state.keyRings[name] = { createTime: now() };
        save();
        return name;
      });
    },

    keyRing: (name: string) => findEntry(state.keyRings, 'keyRing', name),
    keyRingsOf: (location: string) => childrenOf(state.keyRings, requireName('location', location)),

    async createKey(parent: string, id: string, request: NewKey): Promise<string> {
      const name = `${requireName('keyRing', parent)}/cryptoKeys/${requireName('resourceId', id)}`;
      const algorithm = requireSupported(request);
      findEntry(state.keyRings, 'keyRing', parent);
      return reservations.hold(state.cryptoKeys, name, async () => {
        const key: KeyMetadata = {
          algorithm,
          createTime: now(),
          labels: request.labels,
          destroyScheduledSeconds: request.destroyScheduledSeconds ?? DEFAULT_DESTROY_SECONDS,
          importOnly: request.importOnly,
        };
        if (!request.skipInitialVersion) await generateVersion(name, key);
        state.cryptoKeys[name] = key;
        save();
        return name;
      });
    },

    key: (name: string) => findEntry(state.cryptoKeys, 'cryptoKey', name),
    keysOf(keyRing: string): string[] {
      findEntry(state.keyRings, 'keyRing', keyRing);
      return childrenOf(state.cryptoKeys, keyRing);
    },

    async createVersion(keyName: string): Promise<string> {
      const key = findEntry(state.cryptoKeys, 'cryptoKey', keyName);
      if (key.importOnly) {
        throw new StatusError('FAILED_PRECONDITION', `${keyName} may contain imported versions only.`);
      }
      const name = await generateVersion(keyName, key);
      save();
      return name;
    },

    importVersion(keyName: string, { algorithm, importJob, secret }: Imported): string {
      const key = findEntry(state.cryptoKeys, 'cryptoKey', keyName);
      requireImportable(LOCAL_ALGORITHMS[key.algorithm], algorithm, secret);
      const name = addVersion(keyName, secret, { algorithm: key.algorithm, importJob });
      save();
      return name;
    },

    version: (name: string) => findEntry(state.cryptoKeyVersions, 'cryptoKeyVersion', name),
    versionsOf(keyName: string): string[] {
      findEntry(state.cryptoKeys, 'cryptoKey', keyName);
      return childrenOf(state.cryptoKeyVersions, keyName);
    },

    setEnabled(name: string, enabled: boolean): void {
      moveVersion(name, ['ENABLED', 'DISABLED'], enabled ? 'ENABLED' : 'DISABLED');
      save();
    },

    scheduleDestruction(name: string): void {
      const version = moveVersion(name, ['ENABLED', 'DISABLED'], 'DESTROY_SCHEDULED');
      const { destroyScheduledSeconds } = findEntry(state.cryptoKeys, 'cryptoKey', parentOf(name));
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
      return createPublicKey(signingKey(name).key).export({ type: 'spki', format: 'pem' }).toString();
    },

    /** The algorithm's row and a function that signs with this version. */
    signerOf(name: string): { algorithm: SigningAlgorithm; sign(input: Uint8Array): Buffer } {
      const { algorithm, key } = signingKey(name);
      return { algorithm, sign: (input) => algorithm.sign(key, input) };
    },

    /** The algorithm's row and a function that makes the tag of this version. */
    macOf(name: string): { algorithm: MacAlgorithm; tag(data: Uint8Array): Buffer } {
      const { algorithm, key } = forUse(name);
      if (algorithm.purpose !== 'MAC') throw wrongPurpose(name, 'MACs');
      return { algorithm, tag: (data) => algorithm.tag(key, data) };
    },
  };
}

/** FAILED_PRECONDITION is what the contract tests of GoogleCloudPlatform/kms-integrations see. */
function wrongPurpose(name: string, use: string): StatusError {
  return new StatusError('FAILED_PRECONDITION', `${name} is a key of a purpose that has no ${use}.`);
}

/** @throws StatusError INVALID_ARGUMENT when the key does not take this secret. */
function requireImportable(algorithm: LocalAlgorithm, requested: string, secret: KeyObject): void {
  if (algorithm.purpose !== 'MAC' || requested !== 'HMAC_SHA256') {
    throw new StatusError('INVALID_ARGUMENT', `The local KMS imports MAC keys, not ${requested}.`);
  }
  if (secret.symmetricKeySize !== algorithm.keyBytes) {
    throw new StatusError(
      'INVALID_ARGUMENT',
      `The secret has ${secret.symmetricKeySize} bytes; ${requested} takes ${algorithm.keyBytes}.`,
    );
  }
}

function requireSupported(request: NewKey): LocalAlgorithmName {
  const { purpose, algorithm, protectionLevel } = request;
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
  if (request.importOnly && !request.skipInitialVersion) {
    throw new StatusError('INVALID_ARGUMENT', 'An import-only key begins without a version.');
  }
  return algorithm;
}
