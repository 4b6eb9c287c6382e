/**
 * Signing with Google Cloud KMS.
 *
 *   const client = createKmsClient({});
 *   const publicKey = await googlePublicKey(client, versionName);
 *   const kid = thumbprint(jwkFromPem(publicKey.pem));
 *   const signer = googleSigner(client, { versionName, publicKey, kid });
 *   const { bytes } = await signer.sign(message);
 *
 * Every answer is checked as https://cloud.google.com/kms/docs/data-integrity-guidelines asks, and then
 * verified with the public key: a signature that leaves here is right.
 */

import { createHash } from 'node:crypto';
import { ALGORITHMS, type Algorithm, type AlgorithmName, isAlgorithmName } from '../../shared/algorithms.ts';
import type { Signature, Signer } from '../../shared/ports/signer.ts';
import { crc32c } from './crc32c.ts';
import type { KmsClient, SignRequest, SignResponse } from './google-client.ts';
import { requireIntegrity, signatureCheck } from './integrity.ts';
import { jwkFromPem } from './public-key.ts';
import { type RetryLimits, withRetries } from './retries.ts';
import { WrongKeyError } from './wrong-key.ts';

export { createKmsClient, type KmsClient } from './google-client.ts';

export interface KmsPublicKey {
  /** Full resource name of the key version. */
  readonly versionName: string;
  readonly algorithm: AlgorithmName;
  readonly pem: string;
}

export interface GoogleSignerOptions extends RetryLimits {
  readonly versionName: string;
  readonly publicKey: Pick<KmsPublicKey, 'algorithm' | 'pem'>;
  readonly kid: string;
}

/** How each `kmsInput` is sent, and which member of the answer confirms its checksum. */
const INPUTS = {
  sha256: {
    request(name: string, message: Uint8Array): SignRequest {
      const sha256 = createHash('sha256').update(message).digest();
      return { name, digest: { sha256 }, digestCrc32c: { value: crc32c(sha256) } };
    },
    confirmation: 'verifiedDigestCrc32c',
  },
  message: {
    request: (name: string, message: Uint8Array): SignRequest => ({
      name,
      data: message,
      dataCrc32c: { value: crc32c(message) },
    }),
    confirmation: 'verifiedDataCrc32c',
  },
} as const satisfies Record<Algorithm['kmsInput'], unknown>;

/**
 * Reads a public key. Google allows few such reads: do it once and keep the answer.
 *
 * @param deadlineMs for all attempts together.
 * @throws CountersignError `signing_unavailable`
 */
export async function googlePublicKey(
  client: KmsClient,
  versionName: string,
  deadlineMs?: number,
): Promise<KmsPublicKey> {
  return withRetries({ deadlineMs }, async (deadlineAt) => {
    const { name, pem, pemCrc32c, algorithm } = await client.getPublicKey(versionName, deadlineAt);
    requireIntegrity(name === versionName, `the answer names ${name}, not ${versionName}`);
    requireIntegrity(Number(pemCrc32c?.value) === crc32c(Buffer.from(pem)), 'the PEM has another checksum');
    if (!isAlgorithmName(algorithm)) {
      throw new WrongKeyError(
        `${versionName} has the algorithm ${algorithm}, which Countersign does not know`,
      );
    }
    requireIntegrity(
      jwkFromPem(pem).kty === ALGORITHMS[algorithm].keyType,
      `the PEM is no key for ${algorithm}`,
    );
    return { versionName, algorithm, pem };
  });
}

/** A signer over one key version. `publicKey` is what `googlePublicKey` answered for it. */
export function googleSigner(client: KmsClient, options: GoogleSignerOptions): Signer {
  const { versionName, kid } = options;
  const { algorithm, pem } = options.publicKey;
  const requireValid = signatureCheck({ algorithm, pem });
  const input = INPUTS[ALGORITHMS[algorithm].kmsInput];

  function requireGenuine(response: SignResponse, message: Uint8Array): void {
    const { name, signature, signatureCrc32c } = response;
    requireIntegrity(response[input.confirmation], 'the KMS did not confirm the checksum of the request');
    requireIntegrity(name === versionName, `the answer names ${name}, not ${versionName}`);
    requireIntegrity(
      Number(signatureCrc32c?.value) === crc32c(signature),
      'the signature has another checksum',
    );
    requireValid(message, signature);
  }

  return {
    kid,
    algorithm,
    async sign(message: Uint8Array): Promise<Signature> {
      const request = input.request(versionName, message);
      return withRetries(options, async (deadlineAt) => {
        const response = await client.asymmetricSign(request, deadlineAt);
        requireGenuine(response, message);
        // A copy: gRPC's buffer is a view into a larger one.
        return { kid, algorithm, bytes: new Uint8Array(response.signature) };
      });
    },
  };
}
