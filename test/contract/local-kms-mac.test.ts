/** MAC keys of the local KMS, asked through Google's own client. */

import { createHmac, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crc32c } from '../../infra/kms/crc32c.ts';
import { createSdkClient } from '../../infra/kms/google-client.ts';
import { provisionMacKey } from '../../infra/local/kms/provision-mac.ts';
import { startTestKms, TEST_KEY_RING, TEST_KEYS, type TestKms } from '../support/kms.ts';

const DATA = Buffer.from('data');
const SECRET = randomBytes(32);
const TAG = createHmac('sha256', SECRET).update(DATA).digest();
const OTHER_TAG = createHmac('sha256', SECRET).update('other').digest();
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;

let kms: TestKms;
let sdk: Awaited<ReturnType<typeof createSdkClient>>;
/** The version that holds SECRET. */
let imported: string;
beforeAll(async () => {
  kms = await startTestKms();
  sdk = await createSdkClient(kms.endpoint);
  imported = await provisionMacKey(kms.endpoint, TEST_KEY_RING, { id: 'imported', secret: SECRET });
});
afterAll(async () => {
  await sdk.close();
  await kms.stop();
});

const checked = (data: Uint8Array, mac: Uint8Array) => ({
  data,
  dataCrc32c: { value: crc32c(data) },
  mac,
  macCrc32c: { value: crc32c(mac) },
});

describe('macVerify', () => {
  test.each([
    ['a right MAC', TAG, true],
    ['a wrong MAC', OTHER_TAG, false],
  ])('%s: every field of the answer is right', async (_, mac, success) => {
    const [response] = await sdk.macVerify({ name: imported, ...checked(DATA, mac) });
    expect(response).toEqual({
      name: imported,
      success,
      verifiedSuccessIntegrity: success,
      verifiedDataCrc32c: true,
      verifiedMacCrc32c: true,
      protectionLevel: 'SOFTWARE',
    });
  });

  test('without checksums nothing is confirmed', async () => {
    const [response] = await sdk.macVerify({ name: imported, data: DATA, mac: TAG });
    expect(response).toMatchObject({ success: true, verifiedDataCrc32c: false, verifiedMacCrc32c: false });
  });

  test.each([
    ['a bad dataCrc32c', INVALID_ARGUMENT, { dataCrc32c: { value: crc32c(DATA) ^ 1 } }],
    ['a bad macCrc32c', INVALID_ARGUMENT, { macCrc32c: { value: crc32c(TAG) ^ 1 } }],
    ['no data', INVALID_ARGUMENT, { data: Buffer.alloc(0), dataCrc32c: null }],
    ['65,537 bytes of data', INVALID_ARGUMENT, { data: Buffer.alloc(65_537), dataCrc32c: null }],
    ['a MAC of 31 bytes', INVALID_ARGUMENT, { mac: TAG.subarray(1), macCrc32c: null }],
    ['a malformed name', INVALID_ARGUMENT, { name: 'imported' }],
    [
      'a version that does not exist',
      NOT_FOUND,
      { name: `${TEST_KEY_RING}/cryptoKeys/x/cryptoKeyVersions/1` },
    ],
    ['a signing key', FAILED_PRECONDITION, { name: TEST_KEYS.rsa }],
  ])('%s is refused', async (_, code, changes) => {
    await expect(sdk.macVerify({ name: imported, ...checked(DATA, TAG), ...changes })).rejects.toMatchObject({
      code,
    });
  });
});

describe('macSign', () => {
  test('makes the tag that node:crypto makes with the imported secret, and every field is right', async () => {
    const [response] = await sdk.macSign({ name: imported, data: DATA, dataCrc32c: { value: crc32c(DATA) } });
    expect(response).toEqual({
      name: imported,
      mac: TAG,
      macCrc32c: { value: String(crc32c(TAG)) },
      verifiedDataCrc32c: true,
      protectionLevel: 'SOFTWARE',
    });
  });

  test('a generated key makes tags that it accepts, and that another key refuses', async () => {
    const [key] = await sdk.createCryptoKey({
      parent: TEST_KEY_RING,
      cryptoKeyId: 'generated',
      cryptoKey: { purpose: 'MAC', versionTemplate: { algorithm: 'HMAC_SHA256' } },
    });
    expect(key).toMatchObject({ purpose: 'MAC', importOnly: false });
    const name = `${key.name}/cryptoKeyVersions/1`;
    const [{ mac = null }] = await sdk.macSign({ name, data: DATA });
    expect((await sdk.macVerify({ name, data: DATA, mac }))[0].success).toBe(true);
    expect((await sdk.macVerify({ name: imported, data: DATA, mac }))[0].success).toBe(false);
  });

  test('a signing key makes no MAC; a MAC key neither signs nor has a public key', async () => {
    const refused = { code: FAILED_PRECONDITION };
    await expect(sdk.macSign({ name: TEST_KEYS.ed25519, data: DATA })).rejects.toMatchObject(refused);
    await expect(sdk.asymmetricSign({ name: imported, data: DATA })).rejects.toMatchObject(refused);
    await expect(sdk.getPublicKey({ name: imported })).rejects.toMatchObject(refused);
  });

  test('a disabled version neither signs nor verifies, until it is enabled', async () => {
    const name = await provisionMacKey(kms.endpoint, TEST_KEY_RING, { id: 'disabled', secret: SECRET });
    const setState = (state: 'ENABLED' | 'DISABLED') =>
      sdk.updateCryptoKeyVersion({ cryptoKeyVersion: { name, state }, updateMask: { paths: ['state'] } });
    await setState('DISABLED');
    for (const use of [
      () => sdk.macSign({ name, data: DATA }),
      () => sdk.macVerify({ name, data: DATA, mac: TAG }),
    ]) {
      await expect(use()).rejects.toMatchObject({ code: FAILED_PRECONDITION });
    }
    await setState('ENABLED');
    expect((await sdk.macVerify({ name, data: DATA, mac: TAG }))[0].success).toBe(true);
  });
});
