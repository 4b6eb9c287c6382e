/**
 * Creating, reading, listing and changing rings, keys and versions. Lists are answered in one page, in the order of
 * their names.
 */

import type * as grpc from '@grpc/grpc-js';
import { LOCAL_ALGORITHMS } from './algorithms.ts';
import { answer, type Named, type Parented, PROTECTION_LEVEL, timestamp } from './grpc.ts';
import type { Keyring } from './keyring.ts';
import { StatusError } from './status.ts';

interface CreateKeyRequest {
  readonly parent: string;
  readonly cryptoKeyId: string;
  readonly cryptoKey: {
    readonly purpose: string;
    readonly labels: Record<string, string>;
    readonly versionTemplate: { readonly algorithm: string; readonly protectionLevel: string } | null;
    readonly destroyScheduledDuration: { readonly seconds: string } | null;
    readonly importOnly: boolean;
  } | null;
  readonly skipInitialVersionCreation: boolean;
}

interface UpdateVersionRequest {
  readonly cryptoKeyVersion: { readonly name: string; readonly state: string } | null;
  readonly updateMask: { readonly paths: readonly string[] } | null;
}

export function administration(keyring: Keyring): grpc.UntypedServiceImplementation {
  const ring = (name: string) => ({ name, createTime: timestamp(keyring.keyRing(name).createTime) });
  const key = (name: string) => keyMessage(keyring, name);
  const version = (name: string) => versionMessage(keyring, name);
  return {
    CreateKeyRing: answer(async ({ parent, keyRingId }: Parented & { keyRingId: string }) =>
      ring(await keyring.createKeyRing(parent, keyRingId)),
    ),
    GetKeyRing: answer(async ({ name }: Named) => ring(name)),
    ListKeyRings: answer(async ({ parent }: Parented) => {
      const keyRings = keyring.keyRingsOf(parent).map(ring);
      return { keyRings, totalSize: keyRings.length };
    }),
    CreateCryptoKey: answer(async (request: CreateKeyRequest) => {
      const { cryptoKey } = request;
      const duration = cryptoKey?.destroyScheduledDuration;
      const name = await keyring.createKey(request.parent, request.cryptoKeyId, {
        purpose: cryptoKey?.purpose ?? 'CRYPTO_KEY_PURPOSE_UNSPECIFIED',
        algorithm: cryptoKey?.versionTemplate?.algorithm ?? 'CRYPTO_KEY_VERSION_ALGORITHM_UNSPECIFIED',
        protectionLevel: cryptoKey?.versionTemplate?.protectionLevel ?? 'PROTECTION_LEVEL_UNSPECIFIED',
        labels: cryptoKey?.labels ?? {},
        destroyScheduledSeconds: duration ? Number(duration.seconds) : undefined,
        skipInitialVersion: request.skipInitialVersionCreation,
        importOnly: cryptoKey?.importOnly ?? false,
      });
      return key(name);
    }),
    GetCryptoKey: answer(async ({ name }: Named) => key(name)),
    ListCryptoKeys: answer(async ({ parent }: Parented) => {
      const cryptoKeys = keyring.keysOf(parent).map(key);
      return { cryptoKeys, totalSize: cryptoKeys.length };
    }),
    CreateCryptoKeyVersion: answer(async ({ parent }: Parented) =>
      version(await keyring.createVersion(parent)),
    ),
    GetCryptoKeyVersion: answer(async ({ name }: Named) => version(name)),
    ListCryptoKeyVersions: answer(async ({ parent }: Parented) => {
      const cryptoKeyVersions = keyring.versionsOf(parent).map(version);
      return { cryptoKeyVersions, totalSize: cryptoKeyVersions.length };
    }),
    UpdateCryptoKeyVersion: answer(async (request: UpdateVersionRequest) => {
      const { name, enabled } = requestedState(request);
      keyring.setEnabled(name, enabled);
      return version(name);
    }),
    DestroyCryptoKeyVersion: answer(async ({ name }: Named) => {
      keyring.scheduleDestruction(name);
      return version(name);
    }),
    RestoreCryptoKeyVersion: answer(async ({ name }: Named) => {
      keyring.restore(name);
      return version(name);
    }),
  };
}

function requestedState({ cryptoKeyVersion, updateMask }: UpdateVersionRequest) {
  const state = cryptoKeyVersion?.state ?? '';
  if (updateMask?.paths.join() !== 'state' || !['ENABLED', 'DISABLED'].includes(state)) {
    throw new StatusError(
      'INVALID_ARGUMENT',
      'Only `state` can be updated (update_mask), and only to ENABLED or DISABLED.',
    );
  }
  return { name: cryptoKeyVersion?.name ?? '', enabled: state === 'ENABLED' };
}

function keyMessage(keyring: Keyring, name: string) {
  const { algorithm, createTime, labels, destroyScheduledSeconds, importOnly = false } = keyring.key(name);
  return {
    name,
    purpose: LOCAL_ALGORITHMS[algorithm].purpose,
    createTime: timestamp(createTime),
    versionTemplate: { protectionLevel: PROTECTION_LEVEL, algorithm },
    labels,
    destroyScheduledDuration: { seconds: destroyScheduledSeconds, nanos: 0 },
    importOnly,
  };
}

export function versionMessage(keyring: Keyring, name: string) {
  const { algorithm, state, createTime, destroyTime, importJob } = keyring.version(name);
  const time = timestamp(createTime);
  return {
    name,
    state,
    protectionLevel: PROTECTION_LEVEL,
    algorithm,
    createTime: time,
    ...(importJob === undefined ? { generateTime: time } : { importJob, importTime: time }),
    destroyTime: destroyTime === undefined ? null : timestamp(destroyTime),
  };
}
