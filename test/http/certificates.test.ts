/** `GET /api/v1/keys/{kid}.crt`: served as long as the public key is, in whatever state the key is by now. */
import { X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createKmsClient, type KmsClient } from '../../infra/kms/google.ts';
import { provisionKeys } from '../../infra/local/kms/provision.ts';
import { openRootKey } from '../../infra/root-key.ts';
import type { SigningKey } from '../../shared/keys/registry.ts';
import { publishCertificates } from '../../shared/usecases/publish-certificates.ts';
import { TEST_KEY_RING, TEST_KEYS } from '../support/kms.ts';
import { type ServedKeys, serveKeys } from '../support/served-keys.ts';
import { startTestService, type TestService } from '../support/service.ts';

const RSA = 'RSA_SIGN_PKCS1_4096_SHA256';

const row = (name: string, more: Partial<SigningKey> = {}): SigningKey => ({
  name,
  algorithm: RSA,
  use: 'license',
  state: 'active',
  ...more,
});

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let served: ServedKeys;
  let client: KmsClient;
  let key: SigningKey;
  let successor: SigningKey;
  let kid: string;
  let rootKid: string;

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    served = await serveKeys(service);
    client = createKmsClient({ endpoint: service.kms.endpoint });
    const [rootName = '', next = ''] = await provisionKeys(service.kms.endpoint, TEST_KEY_RING, [
      { id: 'root-rsa', algorithm: RSA },
      { id: 'next-rsa', algorithm: RSA },
    ]);
    [key, successor] = [row(TEST_KEYS.rsa), row(next)];
    served.use({ keys: [key] });
    const keys = await served.directory().list();
    kid = keys[0]?.kid ?? '';
    const root = await openRootKey([row(rootName, { use: 'root' })], { client });
    rootKid = root.signer.kid;
    if (root.certificates === undefined) throw new Error('An RSA root signs certificates.');
    const publication = { root: root.certificates, rootPem: root.pem, keys, issuer: 'Test' };
    expect(await publishCertificates(service.ports, publication)).toEqual([rootKid, kid]);
  });
  afterEach(() => service.kms.setFault(null));
  afterAll(async () => {
    await client.close();
    await served.stop();
    await service.stop();
  });

  const get = (name: string) => fetch(new URL(`/api/v1/keys/${name}`, served.baseUrl));
  const statusOf = async (name: string) => (await get(name)).status;
  /** Of the certificate and of the key itself. */
  const both = () => Promise.all([statusOf(`${kid}.crt`), statusOf(`${kid}.pem`)]);

  test('a chain is served: the certificate of the key, and that of the root', async () => {
    served.use({ keys: [key] });
    const response = await get(`${kid}.crt`);
    expect(response.headers.get('content-type')).toBe('application/pem-certificate-chain');
    const [own, root, ...others] = (await response.text()).split(/(?<=-----END CERTIFICATE-----)\n/);
    expect(others).toEqual(['']);
    const [leaf, authority] = [new X509Certificate(own ?? ''), new X509Certificate(root ?? '')];
    expect(leaf.verify(authority.publicKey)).toBe(true);
    const pem = await (await get(`${kid}.pem`)).text();
    expect(leaf.publicKey.export({ format: 'pem', type: 'spki' })).toBe(pem);
  });

  test.each([
    ['staged', {}],
    ['retiring', { sunsetAt: Date.UTC(2100, 0, 1) }],
  ] as const)('of a %s key both are served', async (state, more) => {
    served.use({ keys: [{ ...key, state, ...more }, successor] });
    expect(await both()).toEqual([200, 200]);
  });

  test.each(['retired', 'compromised'] as const)('of a %s key neither is', async (state) => {
    for (const pin of [{}, { fingerprint: kid }]) {
      served.use({ keys: [{ ...key, state, ...pin }, successor] });
      expect(await both()).toEqual([404, 404]);
      expect(((await (await get(`${kid}.crt`)).json()) as { code: string }).code).toBe('key_not_found');
    }
  });

  test('of a key that is not listed any more neither is', async () => {
    served.use({ keys: [successor] });
    expect(await both()).toEqual([404, 404]);
  });

  test('the root’s own is served, whatever becomes of the keys and of their KMS', async () => {
    served.use({ keys: [{ ...key, state: 'compromised' }, successor] });
    await service.kms.setFault({ kind: 'unavailable' }, { method: 'GetPublicKey' });
    expect([await statusOf(`${rootKid}.crt`), await statusOf(`${rootKid}.pem`)]).toEqual([200, 503]);
  });

  test('of a key that cannot be read nobody knows, unless it is pinned', async () => {
    served.use({ keys: [key] });
    await service.kms.setFault({ kind: 'unavailable' }, { method: 'GetPublicKey' });
    expect(await both()).toEqual([503, 503]);
    served.use({ keys: [{ ...key, state: 'compromised', fingerprint: kid }, successor] });
    expect(await both()).toEqual([404, 404]);
  });

  test.each(['nobody', 'k'.repeat(43), '__proto__', '..', '%2e%2e%2fmanifest', 'manifest'])(
    'of %j there is none',
    async (name) => {
      served.use({ keys: [key] });
      expect(await statusOf(`${name}.crt`)).toBe(404);
    },
  );
});
