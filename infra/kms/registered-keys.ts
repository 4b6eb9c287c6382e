/** A registered key as the directory uses it: its record and its signer, each made once, when it is first needed. */
import { CountersignError } from '../../shared/errors.ts';
import { cloudOf, type ForeignKey, type SigningKey } from '../../shared/keys/registry.ts';
import { isBarred } from '../../shared/keys/states.ts';
import type { KeyRecord, PublicJwk } from '../../shared/ports/key-directory.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Signer } from '../../shared/ports/signer.ts';
import { createLog } from '../log.ts';
import type { AwsKmsClient } from './aws.ts';
import { AwsCallError } from './aws-client.ts';
import { type CloudKeys, type CloudPublicKey, keysOfCloud, pinnedPublicKey } from './cloud-keys.ts';
import { KmsCallError, type KmsClient } from './google-client.ts';
import { jwkFromPem, thumbprint } from './public-key.ts';
import { WrongKeyError } from './wrong-key.ts';

export interface KmsAccess {
  /** For the keys in Google Cloud. */
  readonly client: KmsClient;
  /** For those in AWS; needed if there are any. */
  readonly awsClient?: AwsKmsClient | undefined;
  /** Milliseconds for reading a public key, and for a signature of one signer; default 3,000. */
  readonly deadlineMs?: number | undefined;
  /** Where it says which key cannot be used and why; standard output when left out. */
  readonly log?: Log | undefined;
}

/** Both methods reject with `signing_unavailable` when the key cannot be read; the next call tries again. */
export interface KmsKey {
  readonly key: SigningKey;
  /** Asks the KMS for the public key, whatever is known of it; its kid. */
  probe(): Promise<string>;
  record(): Promise<KeyRecord>;
  signer(): Promise<Signer>;
}

interface ReadKey {
  readonly publicKey: CloudPublicKey;
  readonly kid: string;
  readonly jwk: PublicJwk;
}

/** @throws Error when the key is in a cloud for which there is no client */
export function kmsKey(key: SigningKey, access: KmsAccess): KmsKey {
  const { deadlineMs, log = createLog('ERROR') } = access;
  const cloud = keysOfCloud(cloudOf(key.name), access);
  const read = remembered(() =>
    (key.pem === undefined ? readKey(cloud, key, deadlineMs) : pinnedKey(key, key.pem)).catch(
      (error: unknown) => {
        log.write({ severity: 'ERROR', message: `the key ${key.name} is not used: ${reasonOf(error)}` });
        throw error;
      },
    ),
  );
  return {
    key,
    probe: async () => {
      const { kid } = await readKey(cloud, key, deadlineMs);
      requireSame('fingerprint', key.pem === undefined ? kid : thumbprint(jwkFromPem(key.pem)), kid);
      return kid;
    },
    record: remembered(() => recordOf(key, read)),
    signer: remembered(async () => {
      const { publicKey, kid } = await read();
      return cloud.signer(key.name, publicKey, { kid, deadlineMs });
    }),
  };
}

/** Needs no KMS: its public key is in the list. */
export function foreignRecord({ pem, algorithm, issuer, kid, state, sunsetAt }: ForeignKey): KeyRecord {
  const jwk = jwkFromPem(pem);
  const named = kid ?? thumbprint(jwk);
  if (isBarred(state)) return { kid: named, algorithm, state };
  return { kid: named, algorithm, pem, jwk, state, sunsetAt, issuer };
}

async function recordOf(key: SigningKey, read: () => Promise<ReadKey>): Promise<KeyRecord> {
  const { algorithm, state, sunsetAt, fingerprint } = key;
  if (isBarred(state)) return { kid: fingerprint ?? (await read()).kid, algorithm, state };
  const { kid, jwk, publicKey } = await read();
  return { kid, algorithm, pem: publicKey.pem, jwk, state, sunsetAt };
}

/** The list has it: no KMS is asked, and none that is away or has lost the key keeps a document from verifying. */
async function pinnedKey({ name, algorithm }: SigningKey, pem: string): Promise<ReadKey> {
  const jwk = jwkFromPem(pem);
  return { publicKey: pinnedPublicKey(name, algorithm, pem), kid: thumbprint(jwk), jwk };
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
    { cause: new WrongKeyError(`its ${what} is configured as ${configured}; its KMS has ${found}`) },
  );
}

/** What a KMS said, which is not for clients. */
export function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message : message;
}

/** Failures of reading a public key that no waiting mends. By gRPC status, and by AWS's name or ours. */
const UNUSABLE = new Set([
  'FAILED_PRECONDITION',
  'NOT_FOUND',
  // Nothing is sent but the name: it is that of a key without a public one.
  'INVALID_ARGUMENT',
  'DisabledException',
  'KMSInvalidStateException',
  'NotFoundException',
  // A key without a public one: "the specified KMS key must be asymmetric" (API reference of GetPublicKey).
  'UnsupportedOperationException',
  'InvalidKeyUsageException',
  // AWS was not asked: there are no credentials, say.
  'Misconfigured',
]);

/**
 * Why an operator has to act before this key can be used, or undefined: it may just be out of reach.
 * @param takenKids of the other keys in the list
 */
export async function unusableReason(
  { probe }: KmsKey,
  takenKids: readonly string[],
): Promise<string | undefined> {
  try {
    const kid = await probe();
    return takenKids.includes(kid) ? `its kid, ${kid}, is that of another key in the list` : undefined;
  } catch (error) {
    const failure = lastFailure(error as Error);
    const isForGood =
      failure instanceof WrongKeyError ||
      (failure instanceof KmsCallError && UNUSABLE.has(failure.status)) ||
      (failure instanceof AwsCallError && UNUSABLE.has(failure.errorName));
    return isForGood ? failure.message.replace(/\.$/, '') : undefined;
  }
}

/** What the KMS said at last, if it was asked several times. */
function lastFailure({ cause }: Error): unknown {
  return cause instanceof AggregateError ? cause.errors.at(-1) : cause;
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
