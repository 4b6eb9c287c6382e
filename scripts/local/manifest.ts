/** Publishes the key manifest of the local stack, as an operator does, with a root key of its own in the local KMS. */
import { createKmsClient, googlePublicKey, googleSigner } from '../../infra/kms/google.ts';
import { jwkFromPem, thumbprint } from '../../infra/kms/public-key.ts';
import { provisionKeys } from '../../infra/local/kms/provision.ts';
import { ALGORITHMS } from '../../shared/algorithms.ts';
import type { JsonObject } from '../../shared/canonical/strict-json.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { publishManifest } from '../../shared/usecases/publish-manifest.ts';

/** Not the ring of the licence keys: who may sign documents must not be able to name the keys that verify them. */
const ROOT_KEY_RING = 'projects/local/locations/global/keyRings/countersign-root';
const ROOT_KEY = { id: 'manifest-root', algorithm: 'EC_SIGN_ED25519' } as const;

const LIFETIME_SECONDS = 30 * 86_400;

/** Publishes the next version, and answers the root's public key for clients to pin. */
export async function publishLocalManifest(
  ports: Ports,
  endpoint: string,
  issuer: string,
): Promise<JsonObject> {
  const [versionName = ''] = await provisionKeys(endpoint, ROOT_KEY_RING, [ROOT_KEY]);
  const client = createKmsClient({ endpoint });
  try {
    const publicKey = await googlePublicKey(client, versionName);
    const jwk = jwkFromPem(publicKey.pem);
    const kid = thumbprint(jwk);
    const root = googleSigner(client, { versionName, publicKey, kid });
    await publishManifest(ports, {
      root,
      keys: await ports.keys.list(),
      issuer,
      lifetimeSeconds: LIFETIME_SECONDS,
    });
    return { ...jwk, kid, alg: ALGORITHMS[publicKey.algorithm].jose };
  } finally {
    await client.close();
  }
}
