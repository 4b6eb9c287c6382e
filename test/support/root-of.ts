/** A key of the test's KMS as the root of manifests: what signs them, and what a client pins. */
import { googlePublicKey, googleSigner, type KmsClient } from '../../infra/kms/google.ts';
import { jwkFromPem, thumbprint } from '../../infra/kms/public-key.ts';
import { ALGORITHMS } from '../../shared/algorithms.ts';
import { importVerificationKey, type VerificationKey } from '../../shared/client/verify.ts';
import type { Signer } from '../../shared/ports/signer.ts';

export interface Root {
  readonly signer: Signer;
  readonly key: VerificationKey;
}

export async function rootOf(client: KmsClient, versionName: string): Promise<Root> {
  const publicKey = await googlePublicKey(client, versionName);
  const jwk = jwkFromPem(publicKey.pem);
  const kid = thumbprint(jwk);
  const signer = googleSigner(client, { versionName, publicKey, kid });
  const { jose: alg } = ALGORITHMS[publicKey.algorithm];
  return { signer, key: await importVerificationKey({ ...jwk, kid, alg }) };
}
