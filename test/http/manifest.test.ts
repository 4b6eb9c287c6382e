/** The key manifest over HTTP, and a client that knows the root key and nothing else. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKmsClient, googlePublicKey, googleSigner, type KmsClient } from '../../infra/kms/google.ts';
import { jwkFromPem, thumbprint } from '../../infra/kms/public-key.ts';
import { provisionKeys } from '../../infra/local/kms/provision.ts';
import { verifyManifest } from '../../shared/client/manifest.ts';
import { importVerificationKey, type VerificationKey, verifyDocument } from '../../shared/client/verify.ts';
import type { Signer } from '../../shared/ports/signer.ts';
import { publishManifest } from '../../shared/usecases/publish-manifest.ts';
import { startTestService, type TestService } from '../support/service.ts';

const RING = 'projects/test/locations/global/keyRings/root';

let service: TestService;
let client: KmsClient;
let signer: Signer;
let root: VerificationKey;

beforeAll(async () => {
  service = await startTestService();
  const [name = ''] = await provisionKeys(service.kms.endpoint, RING, [
    { id: 'manifest-root', algorithm: 'EC_SIGN_ED25519' },
  ]);
  client = createKmsClient({ endpoint: service.kms.endpoint });
  const publicKey = await googlePublicKey(client, name);
  const jwk = jwkFromPem(publicKey.pem);
  const kid = thumbprint(jwk);
  signer = googleSigner(client, { versionName: name, publicKey, kid });
  root = await importVerificationKey({ ...jwk, kid, alg: 'EdDSA' });
});

afterAll(async () => {
  await client.close();
  await service.stop();
});

const fetchManifest = () => fetch(new URL('/.well-known/license-keys', service.baseUrl));
const publish = async () => {
  const keys = await service.ports.keys.list();
  return publishManifest(service.ports, { root: signer, keys, issuer: 'test', lifetimeSeconds: 3600 });
};

test('before anything was published: 404 with its own code', async () => {
  const response = await fetchManifest();
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
    404,
    'manifest_not_published',
  ]);
});

test('a client that pins the root alone verifies documents, and refuses to go back a version', async () => {
  await publish();
  const response = await fetchManifest();
  expect(response.headers.get('content-type')).toBe('application/jwt');
  expect(response.headers.get('cache-control')).toBe('public, max-age=30');
  const first = await response.text();
  const now = Date.now();
  const manifest = await verifyManifest(first, { root, now });
  expect(manifest).toMatchObject({ valid: true, version: 1 });

  const key = await service.addLicense({ signingAlgorithm: 'RSA_SIGN_PKCS1_4096_SHA256' });
  const request = { license_key: key, hardware_id: 'machine-1', format: 'jws' as const };
  const { token = '' } = await service.client.acquire(request);
  const keys = manifest.valid ? manifest.keys : [];
  expect(await verifyDocument(token, { keys, now: Date.now() })).toMatchObject({ valid: true });

  const { version } = await publish();
  const second = await (await fetchManifest()).text();
  expect(await verifyManifest(second, { root, now, minimumVersion: version })).toMatchObject({
    valid: true,
    version: 2,
  });
  expect(await verifyManifest(first, { root, now, minimumVersion: version })).toMatchObject({
    code: 'manifest_outdated',
  });
});

test('a licence key cannot pass for the root', async () => {
  const keys = await service.ports.keys.list();
  const { kid } = await service.ports.keys.sign('EC_SIGN_ED25519', () => new Uint8Array(8));
  const impostor: Signer = {
    kid,
    algorithm: 'EC_SIGN_ED25519',
    sign: (message) => service.ports.keys.sign('EC_SIGN_ED25519', () => message),
  };
  const forged = await publishManifest(service.ports, {
    root: impostor,
    keys,
    issuer: 'test',
    lifetimeSeconds: 3600,
  });
  expect(await verifyManifest(forged.token, { root, now: Date.now() })).toMatchObject({
    code: 'unknown_root',
  });
});
