import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKeyDirectory } from '../../infra/kms/directory.ts';
import { createKmsClient, googlePublicKey, googleSigner, type KmsClient } from '../../infra/kms/google.ts';
import { jwkFromPem, thumbprint } from '../../infra/kms/public-key.ts';
import { ALGORITHM_NAMES } from '../../shared/algorithms.ts';
import type { SigningKey } from '../../shared/keys/registry.ts';
import { startTestKms, TEST_KEYS, type TestKms } from '../support/kms.ts';
import { signerContract } from './signer.ts';

for (const [label, versionName] of Object.entries(TEST_KEYS)) {
  signerContract(`Google Cloud KMS, ${label}`, async () => {
    const kms = await startTestKms();
    const client = createKmsClient({ endpoint: kms.endpoint });
    const publicKey = await googlePublicKey(client, versionName);
    const kid = thumbprint(jwkFromPem(publicKey.pem));
    return {
      signer: googleSigner(client, { versionName, publicKey, kid }),
      pem: publicKey.pem,
      async close() {
        await client.close();
        await kms.stop();
      },
    };
  });
}

const MESSAGE = new TextEncoder().encode('a message');

describe('key directory', () => {
  let kms: TestKms;
  let client: KmsClient;
  beforeAll(async () => {
    kms = await startTestKms();
    client = createKmsClient({ endpoint: kms.endpoint });
  });
  afterAll(async () => {
    await client.close();
    await kms.stop();
  });
  const directoryOf = (keys: readonly SigningKey[]) => createKeyDirectory({ client, keys });

  test.each(ALGORITHM_NAMES)('finds the active signer for %s, and its key by kid', async (algorithm) => {
    const directory = directoryOf(kms.signingKeys);
    const signature = await directory.sign(algorithm, () => MESSAGE);
    expect(signature.algorithm).toBe(algorithm);
    const record = await directory.find(signature.kid);
    expect(record).toMatchObject({ kid: signature.kid, algorithm, state: 'active' });
    expect(record?.jwk).toEqual(jwkFromPem(record?.pem ?? ''));
  });

  test('lists every key; an unknown kid is undefined, also one that is a path', async () => {
    const directory = directoryOf(kms.signingKeys);
    expect((await directory.list()).map(({ algorithm }) => algorithm).sort()).toEqual(
      [...ALGORITHM_NAMES].sort(),
    );
    for (const kid of ['', 'unknown', '__proto__', TEST_KEYS.rsa]) {
      expect(await directory.find(kid)).toBeUndefined();
    }
  });

  test('reads each public key once, however many ask at once', async () => {
    const directory = directoryOf(kms.signingKeys);
    const before = (await kms.stats()).publicKeys;
    await Promise.all(Array.from({ length: 10 }, () => directory.list()));
    await directory.find('unknown');
    expect((await kms.stats()).publicKeys - before).toBe(kms.signingKeys.length);
  });

  test('a failure is not remembered, and is not taken for an unknown key', async () => {
    const directory = directoryOf(kms.signingKeys);
    await kms.setFault({ kind: 'permission_denied' }, { method: 'GetPublicKey' });
    await expect(directory.sign('EC_SIGN_ED25519', () => MESSAGE)).rejects.toMatchObject({
      code: 'signing_unavailable',
    });
    await expect(directory.find('unknown')).rejects.toMatchObject({ code: 'signing_unavailable' });
    await kms.setFault(null);
    expect((await directory.sign('EC_SIGN_ED25519', () => MESSAGE)).algorithm).toBe('EC_SIGN_ED25519');
  });

  test.each(['wrong_checksum', 'wrong_name'] as const)('a public key with %s is read again', async (kind) => {
    await kms.setFault({ kind }, { method: 'GetPublicKey', times: 1 });
    expect((await googlePublicKey(client, TEST_KEYS.ed25519)).pem).toContain('BEGIN PUBLIC KEY');
  });

  test('refuses two active keys of one algorithm', () => {
    const [key] = kms.signingKeys;
    if (key === undefined) throw new Error('no test keys');
    expect(() => directoryOf([key, { ...key, name: `${key.name}1` }])).toThrow('Two keys are active');
  });

  test('an algorithm without an active key cannot sign', async () => {
    await expect(directoryOf([]).sign('EC_SIGN_ED25519', () => MESSAGE)).rejects.toMatchObject({
      code: 'signing_unavailable',
    });
  });

  test('a key that is configured with another algorithm is refused', async () => {
    const directory = directoryOf([
      { name: TEST_KEYS.rsa, algorithm: 'EC_SIGN_ED25519', use: 'license', state: 'active' },
    ]);
    await expect(directory.sign('EC_SIGN_ED25519', () => MESSAGE)).rejects.toMatchObject({
      code: 'signing_unavailable',
    });
  });
});
