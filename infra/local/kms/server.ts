/**
 * `google.cloud.kms.v1.KeyManagementService` over gRPC, served from the protos that the npm package
 * `@google-cloud/kms` ships. Methods that are not here answer UNIMPLEMENTED.
 *
 * Lists are answered in one page, in the order of their names.
 */

import { createRequire } from 'node:module';
import * as grpc from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import { crc32c } from '../../kms/crc32c.ts';
import { type Faults, strike, tamperChecksum, tamperName, tamperSignature } from './faults.ts';
import type { Keyring } from './keyring.ts';
import type { KmsCounts } from './messages.ts';
import { STATUS, StatusError } from './status.ts';

const SERVICE = 'google.cloud.kms.v1.KeyManagementService';
const PROTECTION_LEVEL = 'SOFTWARE';

type Int64Value = { readonly value: string } | null;

interface SignRequest {
  readonly name: string;
  /** A oneof: at most one member holds bytes. `digest` names it. */
  readonly digest: { readonly digest?: string; readonly sha256?: Buffer } | null;
  readonly digestCrc32c: Int64Value;
  /** proto3 bytes: absent and empty are the same. */
  readonly data: Buffer;
  readonly dataCrc32c: Int64Value;
}

interface CreateKeyRequest {
  readonly parent: string;
  readonly cryptoKeyId: string;
  readonly cryptoKey: {
    readonly purpose: string;
    readonly labels: Record<string, string>;
    readonly versionTemplate: { readonly algorithm: string; readonly protectionLevel: string } | null;
    readonly destroyScheduledDuration: { readonly seconds: string } | null;
  } | null;
  readonly skipInitialVersionCreation: boolean;
}

interface UpdateVersionRequest {
  readonly cryptoKeyVersion: { readonly name: string; readonly state: string } | null;
  readonly updateMask: { readonly paths: readonly string[] } | null;
}

type Named = { readonly name: string };
type Parented = { readonly parent: string };

export interface LocalKmsServer {
  readonly port: number;
  counts(): KmsCounts;
  close(): void;
}

/**
 * Serves on 127.0.0.1; `port` 0 takes any free one.
 *
 * @throws Error with a sentence for the operator when the port cannot be used.
 */
export async function serveKms(keyring: Keyring, faults: Faults, port: number): Promise<LocalKmsServer> {
  const counts = { signs: { requested: 0, succeeded: 0 }, publicKeys: 0 };
  const server = new grpc.Server();
  server.addService(loadService(), {
    ...administration(keyring),
    GetPublicKey: answer(async ({ name }: Named) => {
      counts.publicKeys += 1;
      return getPublicKey(keyring, faults, name);
    }),
    AsymmetricSign: answer(async (request: SignRequest) => {
      counts.signs.requested += 1;
      const response = await asymmetricSign(keyring, faults, request);
      counts.signs.succeeded += 1;
      return response;
    }),
  });
  return {
    port: await bind(server, port),
    counts: () => counts,
    close: () => server.forceShutdown(),
  };
}

/** Creating, reading, listing and changing rings, keys and versions. */
function administration(keyring: Keyring): grpc.UntypedServiceImplementation {
  const ring = (name: string) => ({ name, createTime: timestamp(keyring.keyRing(name).createTime) });
  const key = (name: string) => keyMessage(keyring, name);
  const version = (name: string) => versionMessage(keyring, name);
  return {
    CreateKeyRing: answer(async ({ parent, keyRingId }: Parented & { keyRingId: string }) =>
      ring(keyring.createKeyRing(parent, keyRingId)),
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

async function getPublicKey(keyring: Keyring, faults: Faults, name: string) {
  const fault = faults.take('GetPublicKey');
  await strike(fault);
  const pem = keyring.publicKeyPem(name);
  return {
    pem,
    algorithm: keyring.version(name).algorithm,
    pemCrc32c: { value: tamperChecksum(fault, crc32c(Buffer.from(pem))) },
    name: tamperName(fault, name),
    protectionLevel: PROTECTION_LEVEL,
    publicKeyFormat: 'PEM',
  };
}

async function asymmetricSign(keyring: Keyring, faults: Faults, request: SignRequest) {
  const fault = faults.take('AsymmetricSign');
  await strike(fault);
  const { algorithm, sign } = keyring.signerOf(request.name);
  const { digest, data } = request;
  const verified = {
    verifiedDigestCrc32c: verifyChecksum('digest', digest?.sha256, request.digestCrc32c),
    verifiedDataCrc32c: verifyChecksum('data', data, request.dataCrc32c),
  };
  const signature = tamperSignature(fault, sign(requireInput(algorithm.input, digest, data)));
  return {
    signature,
    signatureCrc32c: { value: tamperChecksum(fault, crc32c(signature)) },
    ...(fault?.kind === 'unverified' ? {} : verified),
    name: tamperName(fault, request.name),
    protectionLevel: PROTECTION_LEVEL,
  };
}

/** Exactly the field that the algorithm takes, of exactly its length. */
function requireInput(
  input: ReturnType<Keyring['signerOf']>['algorithm']['input'],
  digest: SignRequest['digest'],
  data: Buffer,
): Buffer {
  const sent = [digest?.digest, data.length > 0 ? 'data' : undefined].filter((field) => field !== undefined);
  const [field] = sent;
  if (sent.length !== 1 || field !== input.field) {
    const description = sent.length === 0 ? 'neither digest nor data' : sent.join(' and ');
    throw new StatusError(
      'INVALID_ARGUMENT',
      `This key signs ${input.field}; the request has ${description}.`,
    );
  }
  if (input.field === 'data') return data;
  const bytes = digest?.sha256 ?? Buffer.alloc(0);
  if (bytes.length !== input.digestBytes) {
    throw new StatusError(
      'INVALID_ARGUMENT',
      `The digest has ${bytes.length} bytes; ${input.field} has ${input.digestBytes}.`,
    );
  }
  return bytes;
}

/** True when a checksum was sent and is right, false when none was sent. */
function verifyChecksum(field: string, bytes: Buffer | undefined, checksum: Int64Value): boolean {
  if (checksum === null) return false;
  if (Number(checksum.value) !== crc32c(bytes ?? Buffer.alloc(0))) {
    throw new StatusError(
      'INVALID_ARGUMENT',
      `The checksum in field ${field}_crc32c did not match the data in field ${field}.`,
    );
  }
  return true;
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
  const { algorithm, createTime, labels, destroyScheduledSeconds } = keyring.key(name);
  return {
    name,
    purpose: 'ASYMMETRIC_SIGN',
    createTime: timestamp(createTime),
    versionTemplate: { protectionLevel: PROTECTION_LEVEL, algorithm },
    labels,
    destroyScheduledDuration: { seconds: destroyScheduledSeconds, nanos: 0 },
  };
}

function versionMessage(keyring: Keyring, name: string) {
  const { algorithm, state, createTime, destroyTime } = keyring.version(name);
  return {
    name,
    state,
    protectionLevel: PROTECTION_LEVEL,
    algorithm,
    createTime: timestamp(createTime),
    generateTime: timestamp(createTime),
    destroyTime: destroyTime === undefined ? null : timestamp(destroyTime),
  };
}

function timestamp(milliseconds: number) {
  return { seconds: Math.floor(milliseconds / 1000), nanos: (milliseconds % 1000) * 1_000_000 };
}

/** A gRPC handler from an async function: what it throws becomes the call's status. */
function answer<Request, Response>(
  serve: (request: Request) => Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    serve(call.request).then(
      (response) => callback(null, response),
      (error: unknown) => callback(statusOf(error)),
    );
  };
}

function statusOf(error: unknown): { code: number; details: string } {
  if (error instanceof StatusError) return { code: STATUS[error.status], details: error.message };
  console.error(error);
  return { code: STATUS.INTERNAL, details: 'Internal error encountered.' };
}

function loadService(): grpc.ServiceDefinition {
  const protos = createRequire(import.meta.url)('@google-cloud/kms/build/protos/protos.json');
  const definition = fromJSON(protos, { longs: String, enums: String, defaults: true, oneofs: true });
  return definition[SERVICE] as grpc.ServiceDefinition;
}

function bind(server: grpc.Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else
        reject(
          new Error(
            `The local KMS cannot listen on 127.0.0.1:${port} (${error.message}); stop what uses that port, or set LOCAL_KMS_PORT to another one (0 for any free one).`,
            { cause: error },
          ),
        );
    });
  });
}
