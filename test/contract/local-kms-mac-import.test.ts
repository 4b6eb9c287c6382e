/** How a secret is imported into the local KMS, asked through Google's own client. */

import { constants, createHmac, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSdkClient } from '../../infra/kms/google-client.ts';
import { createImportJobs } from '../../infra/local/kms/import-jobs.ts';
import { startLocalKms } from '../../infra/local/kms/process.ts';
import { provisionMacKey } from '../../infra/local/kms/provision-mac.ts';
import { openStorage } from '../../infra/local/kms/storage.ts';
import { copyOfTestKeys, startTestKms, TEST_KEY_RING, TEST_KEYS, type TestKms } from '../support/kms.ts';

type SdkClient = Awaited<ReturnType<typeof createSdkClient>>;

const DATA = Buffer.from('data');
const SECRET = randomBytes(32);
const TAG = createHmac('sha256', SECRET).update(DATA).digest();
const OTHER_TAG = createHmac('sha256', SECRET).update('other').digest();
const SIGNING_KEY = TEST_KEYS.ed25519.replace('/cryptoKeyVersions/1', '');
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const FAILED_PRECONDITION = 9;
const UNIMPLEMENTED = 12;
const IMPORT_ONLY = {
  purpose: 'MAC',
  versionTemplate: { algorithm: 'HMAC_SHA256' },
  importOnly: true,
} as const;

let kms: TestKms;
let sdk: SdkClient;
/** An empty key that takes imports only. */
let importOnly: string;
beforeAll(async () => {
  kms = await startTestKms();
  sdk = await createSdkClient(kms.endpoint);
  const [key] = await sdk.createCryptoKey({
    parent: TEST_KEY_RING,
    cryptoKeyId: 'import-only',
    cryptoKey: IMPORT_ONLY,
    skipInitialVersionCreation: true,
  });
  importOnly = key.name ?? '';
});
afterAll(async () => {
  await sdk.close();
  await kms.stop();
});

async function newJob(client: SdkClient, method: 'RSA_OAEP_3072_SHA256' | 'RSA_OAEP_4096_SHA256') {
  const [job] = await client.createImportJob({
    parent: TEST_KEY_RING,
    importJobId: `job-${randomBytes(8).toString('hex')}`,
    importJob: { importMethod: method, protectionLevel: 'SOFTWARE' },
  });
  return { job, name: job.name ?? '', pem: job.publicKey?.pem ?? '' };
}

const wrap = (key: string, secret: Uint8Array, oaepHash = 'sha256') =>
  publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, secret);

describe('import', () => {
  test.each([
    ['RSA_OAEP_3072_SHA256', 3072],
    ['RSA_OAEP_4096_SHA256', 4096],
  ] as const)('%s: the job has a key of %i bits, and what it wrapped verifies', async (method, bits) => {
    const { job, name, pem } = await newJob(sdk, method);
    expect(job).toMatchObject({ importMethod: method, state: 'ACTIVE', protectionLevel: 'SOFTWARE' });
    expect(Number(job.expireTime?.seconds) - Number(job.createTime?.seconds)).toBe(3 * 86_400);
    expect(createPublicKey(pem).asymmetricKeyDetails?.modulusLength).toBe(bits);
    expect((await sdk.getImportJob({ name }))[0]).toEqual(job);

    const [version] = await sdk.importCryptoKeyVersion({
      parent: importOnly,
      algorithm: 'HMAC_SHA256',
      importJob: name,
      wrappedKey: wrap(pem, SECRET),
    });
    expect(version).toMatchObject({ state: 'ENABLED', algorithm: 'HMAC_SHA256', importJob: name });
    expect(version).toMatchObject({ importTime: expect.anything(), generateTime: null });
    expect((await sdk.macVerify({ name: version.name ?? '', data: DATA, mac: TAG }))[0].success).toBe(true);
  });

  test('a key that takes imports only says so, and generates no version', async () => {
    expect((await sdk.getCryptoKey({ name: importOnly }))[0]).toMatchObject({
      purpose: 'MAC',
      importOnly: true,
    });
    await expect(sdk.createCryptoKeyVersion({ parent: importOnly })).rejects.toMatchObject({
      code: FAILED_PRECONDITION,
    });
    await expect(
      sdk.createCryptoKey({
        parent: TEST_KEY_RING,
        cryptoKeyId: 'not-empty',
        cryptoKey: IMPORT_ONLY,
      }),
    ).rejects.toMatchObject({ code: INVALID_ARGUMENT });
  });

  test('what was not wrapped as the job asks, or does not fit, is refused', async () => {
    const { name, pem } = await newJob(sdk, 'RSA_OAEP_3072_SHA256');
    const other = await newJob(sdk, 'RSA_OAEP_3072_SHA256');
    const good = { parent: importOnly, algorithm: 'HMAC_SHA256', importJob: name } as const;
    const wrappedKey = wrap(pem, SECRET);
    const before = (await sdk.listCryptoKeyVersions({ parent: importOnly }))[0].length;
    for (const [code, request] of [
      [INVALID_ARGUMENT, { ...good, wrappedKey: wrap(other.pem, SECRET) }],
      [INVALID_ARGUMENT, { ...good, wrappedKey: wrap(pem, SECRET, 'sha1') }],
      [INVALID_ARGUMENT, { ...good, wrappedKey: SECRET }],
      [INVALID_ARGUMENT, { ...good, wrappedKey: wrap(pem, SECRET.subarray(1)) }],
      [INVALID_ARGUMENT, { ...good, wrappedKey: wrap(pem, Buffer.concat([SECRET, SECRET])) }],
      [INVALID_ARGUMENT, good],
      [INVALID_ARGUMENT, { ...good, wrappedKey, rsaAesWrappedKey: wrappedKey }],
      [INVALID_ARGUMENT, { ...good, wrappedKey, algorithm: 'HMAC_SHA512' as const }],
      [INVALID_ARGUMENT, { ...good, wrappedKey, parent: SIGNING_KEY }],
      [INVALID_ARGUMENT, { ...good, wrappedKey, importJob: 'job' }],
      [NOT_FOUND, { ...good, wrappedKey, importJob: `${name}x` }],
      [NOT_FOUND, { ...good, wrappedKey, parent: `${importOnly}x` }],
      [UNIMPLEMENTED, { ...good, wrappedKey, cryptoKeyVersion: `${importOnly}/cryptoKeyVersions/1` }],
    ] as const) {
      await expect(sdk.importCryptoKeyVersion(request)).rejects.toMatchObject({ code });
    }
    expect((await sdk.listCryptoKeyVersions({ parent: importOnly }))[0]).toHaveLength(before);
  });

  test('a job serves the keys of its own ring', async () => {
    const keyRingId = 'another';
    const [ring] = await sdk.createKeyRing({ parent: 'projects/test/locations/global', keyRingId });
    const [job] = await sdk.createImportJob({
      parent: ring.name ?? '',
      importJobId: 'job',
      importJob: { importMethod: 'RSA_OAEP_3072_SHA256', protectionLevel: 'SOFTWARE' },
    });
    const wrappedKey = wrap(job.publicKey?.pem ?? '', SECRET);
    await expect(
      sdk.importCryptoKeyVersion({
        parent: importOnly,
        algorithm: 'HMAC_SHA256',
        importJob: job.name ?? '',
        wrappedKey,
      }),
    ).rejects.toMatchObject({ code: INVALID_ARGUMENT });
  });

  test.each([
    ['no job', null],
    ['another method', { importMethod: 'RSA_OAEP_3072_SHA256_AES_256', protectionLevel: 'SOFTWARE' }],
    ['an HSM', { importMethod: 'RSA_OAEP_3072_SHA256', protectionLevel: 'HSM' }],
    ['no protection level', { importMethod: 'RSA_OAEP_3072_SHA256' }],
  ] as const)('a job with %s is refused', async (_, importJob) => {
    await expect(
      sdk.createImportJob({ parent: TEST_KEY_RING, importJobId: 'refused', importJob }),
    ).rejects.toMatchObject({ code: INVALID_ARGUMENT });
  });

  test('a job that exists, and one that does not', async () => {
    const { name } = await newJob(sdk, 'RSA_OAEP_3072_SHA256');
    const [parent = '', importJobId = ''] = name.split('/importJobs/');
    const importJob = { importMethod: 'RSA_OAEP_3072_SHA256', protectionLevel: 'SOFTWARE' } as const;
    await expect(sdk.createImportJob({ parent, importJobId, importJob })).rejects.toMatchObject({
      code: ALREADY_EXISTS,
    });
    await expect(sdk.getImportJob({ name: `${name}x` })).rejects.toMatchObject({ code: NOT_FOUND });
    await expect(sdk.createImportJob({ parent: `${parent}x`, importJobId, importJob })).rejects.toMatchObject(
      { code: NOT_FOUND },
    );
  });

  test('a job ends after three days', async () => {
    const home = await mkdtemp(join(tmpdir(), 'countersign-import-'));
    const storage = openStorage(home);
    storage.metadata.keyRings[TEST_KEY_RING] = { createTime: 0 };
    const threeDaysMs = 3 * 86_400_000;
    let now = 0;
    const jobs = createImportJobs(storage, () => now);
    const name = await jobs.create(TEST_KEY_RING, 'job', 'RSA_OAEP_3072_SHA256', 'SOFTWARE');
    const wrapped = wrap(jobs.publicKeyPem(name), SECRET);
    const unwrap = () => jobs.unwrap(name, `${TEST_KEY_RING}/cryptoKeys/k`, wrapped).export();
    now = threeDaysMs - 1;
    expect(unwrap()).toEqual(SECRET);
    now = threeDaysMs;
    expect(jobs.job(name).state).toBe('EXPIRED');
    expect(unwrap).toThrow('EXPIRED');
    storage.release();
    rmSync(home, { recursive: true });
  });
});

describe('the folder', () => {
  test('holds secrets for this user alone, each in a file that says what it is', async () => {
    await provisionMacKey(kms.endpoint, TEST_KEY_RING, { id: 'stored', secret: SECRET });
    const folder = join(kms.home, 'private');
    const secrets = readdirSync(folder).filter((name) => name.endsWith('.jwk'));
    expect(secrets.length).toBeGreaterThan(0);
    const keys = secrets.map((name) => {
      expect((statSync(join(folder, name)).mode & 0o777).toString(8)).toBe('600');
      return JSON.parse(readFileSync(join(folder, name), 'utf8')) as unknown;
    });
    expect(keys).toContainEqual({ kty: 'oct', k: SECRET.toString('base64url') });
    expect(readFileSync(join(kms.home, 'metadata.json'), 'utf8')).not.toContain(SECRET.toString('base64url'));
  });

  test('keeps a secret and an import job across kill -9 and a restart', async () => {
    const home = await copyOfTestKeys();
    const first = await startLocalKms({ home });
    const endpoint = `127.0.0.1:${first.port}`;
    const name = await provisionMacKey(endpoint, TEST_KEY_RING, { id: 'durable', secret: SECRET });
    const before = await createSdkClient(endpoint);
    const job = await newJob(before, 'RSA_OAEP_3072_SHA256');
    first.kill('SIGKILL');
    await first.exited;

    const second = await startLocalKms({ home });
    const after = await createSdkClient(`127.0.0.1:${second.port}`);
    expect((await after.macVerify({ name, data: DATA, mac: TAG }))[0].success).toBe(true);
    expect((await after.macVerify({ name, data: DATA, mac: OTHER_TAG }))[0].success).toBe(false);
    const [again] = await after.importCryptoKeyVersion({
      parent: name.replace('/cryptoKeyVersions/1', ''),
      algorithm: 'HMAC_SHA256',
      importJob: job.name,
      wrappedKey: wrap(job.pem, SECRET),
    });
    expect((await after.macVerify({ name: again.name ?? '', data: DATA, mac: TAG }))[0].success).toBe(true);
    await Promise.all([before.close(), after.close()]);
    await second.stop();
  });

  test('provisioning twice keeps the first secret', async () => {
    const provision = (secret: Buffer) =>
      provisionMacKey(kms.endpoint, TEST_KEY_RING, { id: 'provisioned', secret });
    const name = await provision(SECRET);
    expect(await provision(randomBytes(32))).toBe(name);
    expect((await sdk.macVerify({ name, data: DATA, mac: TAG }))[0].success).toBe(true);
  });
});
