/**
 * Signing with AWS KMS.
 *
 *   const client = createAwsKmsClient({});
 *   const publicKey = await awsPublicKey(client, 'alias/license-rsa');
 *   const kid = thumbprint(jwkFromPem(publicKey.pem));
 *   const signer = awsSigner(client, { keyId: 'alias/license-rsa', publicKey, kid });
 *   const { bytes } = await signer.sign(message);
 *
 * AWS sends no checksums, so an answer is checked by what it names, the key and the algorithm, and then by the
 * public key itself: a signature that leaves here is right.
 */

import { createHash, createPublicKey } from 'node:crypto';
import type { KeySpec, MessageType, SigningAlgorithmSpec } from '@aws-sdk/client-kms';
import { ALGORITHM_NAMES, type AlgorithmName } from '../../shared/algorithms.ts';
import { CountersignError } from '../../shared/errors.ts';
import type { Signature, Signer } from '../../shared/ports/signer.ts';
import { requireArnOf } from './aws-arn.ts';
import type { AwsKmsClient } from './aws-client.ts';
import { IntegrityError, requireIntegrity, signatureCheck } from './integrity.ts';
import { type RetryLimits, withRetries } from './retries.ts';
import { WrongKeyError } from './wrong-key.ts';

export { type AwsKmsClient, createAwsKmsClient } from './aws-client.ts';

export interface AwsPublicKey {
  /** The key's ARN, also when it was read by an alias. */
  readonly keyArn: string;
  readonly algorithm: AlgorithmName;
  readonly pem: string;
}

export interface AwsSignerOptions extends RetryLimits {
  /**
   * An ARN, a key id or an alias. Permissions may depend on it, so it is sent as it is; with an alias that was
   * moved to another key, signing fails until the public key is read again.
   */
  readonly keyId: string;
  readonly publicKey: AwsPublicKey;
  readonly kid: string;
}

/** "Messages can be 0-4096 bytes" (API reference of Sign). A digest always fits. */
const MAX_MESSAGE_BYTES = 4096;

interface AwsAlgorithm {
  readonly keySpec: KeySpec;
  readonly signing: SigningAlgorithmSpec;
  readonly messageType: MessageType;
  input(message: Uint8Array): Uint8Array;
}

/** `ED25519_PH_SHA_512` is another scheme (RFC 8032 §5.1, Ed25519ph) that nobody here could verify. */
const AWS_ALGORITHMS: Readonly<Record<AlgorithmName, AwsAlgorithm>> = {
  RSA_SIGN_PKCS1_4096_SHA256: {
    keySpec: 'RSA_4096',
    signing: 'RSASSA_PKCS1_V1_5_SHA_256',
    messageType: 'DIGEST',
    input: (message) => createHash('sha256').update(message).digest(),
  },
  EC_SIGN_ED25519: {
    keySpec: 'ECC_NIST_EDWARDS25519',
    signing: 'ED25519_SHA_512',
    messageType: 'RAW',
    input: (message) => message,
  },
};

/**
 * Reads a public key; do it once and keep the answer.
 *
 * @param keyId an ARN, a key id or an alias.
 * @param deadlineMs for all attempts together.
 * @throws CountersignError `signing_unavailable`
 */
export async function awsPublicKey(
  client: AwsKmsClient,
  keyId: string,
  deadlineMs?: number,
): Promise<AwsPublicKey> {
  return withRetries({ deadlineMs }, async (deadlineAt) => {
    const { KeyId, KeySpec, KeyUsage, PublicKey } = await client.getPublicKey(keyId, deadlineAt);
    const keyArn = requireArnOf(keyId, KeyId);
    const algorithm = ALGORITHM_NAMES.find((name) => AWS_ALGORITHMS[name].keySpec === KeySpec);
    if (algorithm === undefined || KeyUsage !== 'SIGN_VERIFY') {
      throw new WrongKeyError(`${keyArn} is ${KeySpec} for ${KeyUsage}, with which Countersign cannot sign`);
    }
    const pem = pemOf(PublicKey);
    requireIntegrity(specOf(pem) === KeySpec, `the public key is no ${KeySpec}`);
    return { keyArn, algorithm, pem };
  });
}

/** A signer over one key. `publicKey` is what `awsPublicKey` answered for it. */
export function awsSigner(client: AwsKmsClient, options: AwsSignerOptions): Signer {
  const { keyId, kid } = options;
  const { algorithm, keyArn } = options.publicKey;
  const requireValid = signatureCheck(options.publicKey);
  const { signing, messageType, input } = AWS_ALGORITHMS[algorithm];

  return {
    kid,
    algorithm,
    async sign(message: Uint8Array): Promise<Signature> {
      const Message = input(message);
      requireShort(Message, signing);
      const request = { KeyId: keyId, Message, MessageType: messageType, SigningAlgorithm: signing };
      return withRetries(options, async (deadlineAt) => {
        const answer = await client.sign(request, deadlineAt);
        const bytes = answer.Signature ?? new Uint8Array();
        requireIntegrity(answer.KeyId === keyArn, `the answer names ${answer.KeyId}, not ${keyArn}`);
        requireIntegrity(
          answer.SigningAlgorithm === signing,
          `the answer is for ${answer.SigningAlgorithm}, not ${signing}`,
        );
        requireValid(message, bytes);
        // A copy: Node decodes base64 into a view of a larger buffer.
        return { kid, algorithm, bytes: new Uint8Array(bytes) };
      });
    },
  };
}

function pemOf(spki: Uint8Array = new Uint8Array()): string {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    return key.export({ format: 'pem', type: 'spki' }).toString();
  } catch (error) {
    throw new IntegrityError(`the public key cannot be read (${(error as Error).message})`);
  }
}

/** The key spec that a public key has; what Countersign has no algorithm for gets a name that matches none. */
function specOf(pem: string): string {
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails } = createPublicKey(pem);
  if (type === 'ed25519') return 'ECC_NIST_EDWARDS25519';
  return `${type.toUpperCase()}_${asymmetricKeyDetails?.modulusLength}`;
}

/** The message's fault, not the signer's. */
export class MessageTooLongError extends Error {}

function requireShort(message: Uint8Array, signing: SigningAlgorithmSpec): void {
  if (message.length <= MAX_MESSAGE_BYTES) return;
  throw new CountersignError(
    'signing_unavailable',
    'The document is too long for the signing key; the operator has to choose another algorithm.',
    {
      cause: new MessageTooLongError(
        `the document has ${message.length} bytes; AWS KMS signs at most ${MAX_MESSAGE_BYTES} with ${signing}`,
      ),
      retryAfterSeconds: 60,
    },
  );
}
