import { spawn } from 'node:child_process';
import { createHash, createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crc32c } from '../../infra/kms/crc32c.ts';
import { createSdkClient } from '../../infra/kms/google-client.ts';
import { startLocalKms } from '../../infra/local/kms/process.ts';
import { copyOfTestKeys, startTestKms, TEST_KEY_RING, TEST_KEYS, type TestKms } from '../support/kms.ts';

type SdkClient = Awaited<ReturnType<typeof createSdkClient>>;

const LOCATION = 'projects/test/locations/global';
const DATA = Buffer.from('data');
const DIGEST = createHash('sha256').update(DATA).digest();
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const FAILED_PRECONDITION = 9;

let kms: TestKms;
let sdk: SdkClient;
beforeAll(async () => {
  kms = await startTestKms();
  sdk = await createSdkClient(kms.endpoint);
});
afterAll(async () => {
  await sdk.close();
  await kms.stop();
});

/** A new Ed25519 key with one version; returns the version's name. */
async function newVersion(client: SdkClient, cryptoKeyId: string): Promise<string> {
  const [key] = await client.createCryptoKey({
    parent: TEST_KEY_RING,
    cryptoKeyId,
    cryptoKey: { purpose: 'ASYMMETRIC_SIGN', versionTemplate: { algorithm: 'EC_SIGN_ED25519' } },
  });
  return `${key.name}/cryptoKeyVersions/1`;
}

const setState = (name: string, state: 'ENABLED' | 'DISABLED') =>
  sdk.updateCryptoKeyVersion({ cryptoKeyVersion: { name, state }, updateMask: { paths: ['state'] } });

describe('asymmetricSign', () => {
  test('Ed25519: the signature verifies and every field of the answer is right', async () => {
    const [response] = await sdk.asymmetricSign({
      name: TEST_KEYS.ed25519,
      data: DATA,
      dataCrc32c: { value: crc32c(DATA) },
    });
    const [{ pem }] = await sdk.getPublicKey({ name: TEST_KEYS.ed25519 });
    const signature = response.signature as Buffer;
    expect(verify(null, DATA, createPublicKey(pem ?? ''), signature)).toBe(true);
    expect(response).toMatchObject({
      name: TEST_KEYS.ed25519,
      signatureCrc32c: { value: String(crc32c(signature)) },
      verifiedDataCrc32c: true,
      verifiedDigestCrc32c: false,
      protectionLevel: 'SOFTWARE',
    });
  });

  test('RSA: the signature of the digest verifies; without a checksum nothing is confirmed', async () => {
    const [response] = await sdk.asymmetricSign({ name: TEST_KEYS.rsa, digest: { sha256: DIGEST } });
    const [{ pem }] = await sdk.getPublicKey({ name: TEST_KEYS.rsa });
    expect(verify('sha256', DATA, createPublicKey(pem ?? ''), response.signature as Buffer)).toBe(true);
    expect(response).toMatchObject({ verifiedDataCrc32c: false, verifiedDigestCrc32c: false });
  });

  test.each([
    ['a version that does not exist', NOT_FOUND, { name: `${TEST_KEYS.rsa}0`, digest: { sha256: DIGEST } }],
    ['a malformed name', INVALID_ARGUMENT, { name: 'license-rsa', digest: { sha256: DIGEST } }],
    [
      'a key without its version',
      INVALID_ARGUMENT,
      { name: `${TEST_KEY_RING}/cryptoKeys/license-rsa`, digest: { sha256: DIGEST } },
    ],
    ['data for RSA', INVALID_ARGUMENT, { name: TEST_KEYS.rsa, data: DATA }],
    ['a digest for Ed25519', INVALID_ARGUMENT, { name: TEST_KEYS.ed25519, digest: { sha256: DIGEST } }],
    ['data and digest', INVALID_ARGUMENT, { name: TEST_KEYS.rsa, data: DATA, digest: { sha256: DIGEST } }],
    ['neither, RSA', INVALID_ARGUMENT, { name: TEST_KEYS.rsa }],
    ['neither, Ed25519', INVALID_ARGUMENT, { name: TEST_KEYS.ed25519 }],
    ['a short digest', INVALID_ARGUMENT, { name: TEST_KEYS.rsa, digest: { sha256: DIGEST.subarray(1) } }],
    ['another digest', INVALID_ARGUMENT, { name: TEST_KEYS.rsa, digest: { sha512: Buffer.alloc(64) } }],
    [
      'a bad digestCrc32c',
      INVALID_ARGUMENT,
      { name: TEST_KEYS.rsa, digest: { sha256: DIGEST }, digestCrc32c: { value: crc32c(DIGEST) ^ 1 } },
    ],
    [
      'a bad dataCrc32c',
      INVALID_ARGUMENT,
      { name: TEST_KEYS.ed25519, data: DATA, dataCrc32c: { value: crc32c(DATA) ^ 1 } },
    ],
  ])('%s is refused', async (_, code, request) => {
    await expect(sdk.asymmetricSign(request)).rejects.toMatchObject({ code });
  });
});

describe('getPublicKey', () => {
  test.each(Object.values(TEST_KEYS))('%s', async (name) => {
    const [{ pem, ...response }] = await sdk.getPublicKey({ name });
    expect(createPublicKey(pem ?? '').type).toBe('public');
    expect(response).toMatchObject({ name, pemCrc32c: { value: String(crc32c(Buffer.from(pem ?? ''))) } });
  });

  test('an unknown version is not found, a malformed name is invalid', async () => {
    await expect(sdk.getPublicKey({ name: `${TEST_KEYS.rsa}0` })).rejects.toMatchObject({ code: NOT_FOUND });
    await expect(sdk.getPublicKey({ name: 'x' })).rejects.toMatchObject({ code: INVALID_ARGUMENT });
  });
});

describe('rings, keys and versions', () => {
  test('are created, read and listed', async () => {
    const [ring] = await sdk.createKeyRing({ parent: LOCATION, keyRingId: 'listed' });
    expect((await sdk.getKeyRing({ name: ring.name ?? '' }))[0]).toEqual(ring);
    expect((await sdk.listKeyRings({ parent: LOCATION }))[0]).toContainEqual(ring);
    const version = await newVersion(sdk, 'listed');
    const key = `${TEST_KEY_RING}/cryptoKeys/listed`;
    expect((await sdk.getCryptoKey({ name: key }))[0]).toMatchObject({
      name: key,
      purpose: 'ASYMMETRIC_SIGN',
    });
    expect((await sdk.listCryptoKeys({ parent: TEST_KEY_RING }))[0].map(({ name }) => name)).toContain(key);
    await Promise.all([1, 2, 3].map(() => sdk.createCryptoKeyVersion({ parent: key })));
    const [versions] = await sdk.listCryptoKeyVersions({ parent: key });
    expect(versions.map(({ name }) => name)).toEqual([1, 2, 3, 4].map((n) => version.replace(/1$/, `${n}`)));
    expect((await sdk.getCryptoKeyVersion({ name: version }))[0]).toMatchObject({
      state: 'ENABLED',
      algorithm: 'EC_SIGN_ED25519',
    });
  });

  test('duplicates are refused, also while the first is being generated', async () => {
    await expect(sdk.createKeyRing({ parent: LOCATION, keyRingId: 'countersign' })).rejects.toMatchObject({
      code: ALREADY_EXISTS,
    });
    const results = await Promise.allSettled([newVersion(sdk, 'twice'), newVersion(sdk, 'twice')]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await expect(newVersion(sdk, 'twice')).rejects.toMatchObject({ code: ALREADY_EXISTS });
  });

  test('a key can begin without a version, as Terraform makes it', async () => {
    const [key] = await sdk.createCryptoKey({
      parent: TEST_KEY_RING,
      cryptoKeyId: 'empty',
      cryptoKey: { purpose: 'ASYMMETRIC_SIGN', versionTemplate: { algorithm: 'EC_SIGN_ED25519' } },
      skipInitialVersionCreation: true,
    });
    expect((await sdk.listCryptoKeyVersions({ parent: key.name ?? '' }))[0]).toEqual([]);
  });

  test.each([
    ['another purpose', { purpose: 'MAC', versionTemplate: { algorithm: 'EC_SIGN_ED25519' } }],
    ['another algorithm', { purpose: 'ASYMMETRIC_SIGN', versionTemplate: { algorithm: 'HMAC_SHA256' } }],
    ['no algorithm', { purpose: 'ASYMMETRIC_SIGN' }],
  ] as const)('%s is refused', async (_, cryptoKey) => {
    await expect(
      sdk.createCryptoKey({ parent: TEST_KEY_RING, cryptoKeyId: 'refused', cryptoKey }),
    ).rejects.toMatchObject({ code: INVALID_ARGUMENT });
  });

  test('what does not exist is not found', async () => {
    const nowhere = `${LOCATION}/keyRings/nowhere`;
    const key = `${TEST_KEY_RING}/cryptoKeys/nothing`;
    for (const call of [
      () => sdk.getKeyRing({ name: nowhere }),
      () => sdk.listCryptoKeys({ parent: nowhere }),
      () => sdk.getCryptoKey({ name: key }),
      () => sdk.createCryptoKeyVersion({ parent: key }),
      () => sdk.getCryptoKeyVersion({ name: `${key}/cryptoKeyVersions/1` }),
      () => sdk.destroyCryptoKeyVersion({ name: `${key}/cryptoKeyVersions/1` }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: NOT_FOUND });
    }
  });
});

describe('the states of a version', () => {
  const refusesUse = async (name: string) => {
    await expect(sdk.asymmetricSign({ name, data: DATA })).rejects.toMatchObject({
      code: FAILED_PRECONDITION,
    });
    await expect(sdk.getPublicKey({ name })).rejects.toMatchObject({ code: FAILED_PRECONDITION });
  };
  const signs = (name: string) => sdk.asymmetricSign({ name, data: DATA });

  test('disabled and enabled again', async () => {
    const name = await newVersion(sdk, 'disabled');
    expect((await setState(name, 'DISABLED'))[0].state).toBe('DISABLED');
    await refusesUse(name);
    expect((await setState(name, 'ENABLED'))[0].state).toBe('ENABLED');
    await signs(name);
  });

  test('scheduled for destruction after 30 days, then restored as disabled', async () => {
    const name = await newVersion(sdk, 'destroyed');
    const [destroyed] = await sdk.destroyCryptoKeyVersion({ name });
    expect(destroyed.state).toBe('DESTROY_SCHEDULED');
    const days = (Number(destroyed.destroyTime?.seconds) - Date.now() / 1000) / 86_400;
    expect(days).toBeCloseTo(30, 1);
    await refusesUse(name);
    await expect(sdk.destroyCryptoKeyVersion({ name })).rejects.toMatchObject({ code: FAILED_PRECONDITION });
    await expect(setState(name, 'ENABLED')).rejects.toMatchObject({ code: FAILED_PRECONDITION });
    const [restored] = await sdk.restoreCryptoKeyVersion({ name });
    expect(restored).toMatchObject({ state: 'DISABLED', destroyTime: null });
    await expect(sdk.restoreCryptoKeyVersion({ name })).rejects.toMatchObject({ code: FAILED_PRECONDITION });
  });

  test('an update without its mask, or to another state, is refused', async () => {
    const name = TEST_KEYS.ed25519;
    await expect(
      sdk.updateCryptoKeyVersion({ cryptoKeyVersion: { name, state: 'DISABLED' } }),
    ).rejects.toMatchObject({ code: INVALID_ARGUMENT });
    await expect(
      sdk.updateCryptoKeyVersion({
        cryptoKeyVersion: { name, state: 'DESTROYED' },
        updateMask: { paths: ['state'] },
      }),
    ).rejects.toMatchObject({ code: INVALID_ARGUMENT });
  });
});

describe('the folder', () => {
  test('holds PKCS#8 keys for this user alone', () => {
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
    const entries = readdirSync(kms.home, { recursive: true, withFileTypes: true });
    expect(mode(kms.home)).toBe('700');
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name);
      expect([entry.name, mode(path)]).toEqual([entry.name, entry.isDirectory() ? '700' : '600']);
    }
    const pems = entries.filter(({ name }) => name.endsWith('.pem'));
    expect(pems.length).toBeGreaterThanOrEqual(2);
    for (const { parentPath, name } of pems) {
      expect(createPrivateKey(readFileSync(join(parentPath, name))).type).toBe('private');
    }
  });

  test('keeps everything across kill -9 and a restart', async () => {
    const home = await copyOfTestKeys();
    const first = await startLocalKms({ home });
    const before = await createSdkClient(`127.0.0.1:${first.port}`);
    const name = await newVersion(before, 'durable');
    const [{ pem }] = await before.getPublicKey({ name });
    const [{ pem: rsaPem }] = await before.getPublicKey({ name: TEST_KEYS.rsa });
    await before.destroyCryptoKeyVersion({ name: TEST_KEYS.ed25519 });
    first.kill('SIGKILL');
    expect(await first.exited).toMatchObject({ signal: 'SIGKILL' });

    const second = await startLocalKms({ home });
    const after = await createSdkClient(`127.0.0.1:${second.port}`);
    expect((await after.getPublicKey({ name }))[0].pem).toBe(pem);
    expect((await after.getPublicKey({ name: TEST_KEYS.rsa }))[0].pem).toBe(rsaPem);
    const [{ signature }] = await after.asymmetricSign({ name, data: DATA });
    expect(verify(null, DATA, createPublicKey(pem ?? ''), signature as Buffer)).toBe(true);
    await expect(after.asymmetricSign({ name: TEST_KEYS.ed25519, data: DATA })).rejects.toMatchObject({
      code: FAILED_PRECONDITION,
    });
    await Promise.all([before.close(), after.close()]);
    await second.stop();
  });
});

describe('the process', () => {
  const temporary = () => mkdtempSync(join(tmpdir(), 'countersign-kms-test-'));

  test('refuses a port in use with a sentence', async () => {
    const home = temporary();
    await expect(startLocalKms({ home, port: kms.port })).rejects.toThrow(
      /cannot listen on 127\.0\.0\.1:\d+ .*set LOCAL_KMS_PORT/,
    );
    rmSync(home, { recursive: true });
  });

  test('refuses a folder that another one uses, that is a file, or whose metadata is broken', async () => {
    await expect(startLocalKms({ home: kms.home })).rejects.toThrow(/cannot lock the folder/);
    const home = temporary();
    writeFileSync(join(home, 'metadata.json'), '{');
    await expect(startLocalKms({ home })).rejects.toThrow(/cannot read .*metadata\.json/);
    await expect(startLocalKms({ home: join(home, 'metadata.json') })).rejects.toThrow(
      /cannot use the folder/,
    );
    rmSync(home, { recursive: true });
  });

  test('run by hand: one line when ready, exit code 0 on SIGTERM, a sentence and 1 when it cannot start', async () => {
    const home = temporary();
    const main = join(import.meta.dirname, '../../infra/local/kms/main.ts');
    const run = (env: Record<string, string>) => {
      const child = spawn(process.execPath, [main], { env: { ...process.env, ...env } });
      const output = { stdout: '', stderr: '' };
      child.stdout.on('data', (chunk) => {
        output.stdout += chunk;
      });
      child.stderr.on('data', (chunk) => {
        output.stderr += chunk;
      });
      return { child, output, closed: once(child, 'close') };
    };
    const good = run({ LOCAL_KMS_HOME: home, LOCAL_KMS_PORT: '0' });
    await once(good.child.stdout, 'data');
    expect(good.output.stdout).toMatch(/^\{"ready":true,"port":\d+,"awsPort":\d+\}\n$/);

    const { port } = JSON.parse(good.output.stdout) as { port: number };
    const otherHome = temporary();
    const bad = run({ LOCAL_KMS_HOME: otherHome, LOCAL_KMS_PORT: String(port) });
    expect(await bad.closed).toEqual([1, null]);
    expect(bad.output).toEqual({
      stdout: '',
      stderr: expect.stringMatching(/^The local KMS cannot listen.*\n$/),
    });

    good.child.kill('SIGTERM');
    expect(await good.closed).toEqual([0, null]);
    expect(good.output.stderr).toBe('');
    for (const folder of [home, otherHome]) rmSync(folder, { recursive: true });
  });

  test('is reachable from this machine only', async () => {
    // Another address of the machine must still be free on the same port.
    const server = createServer().listen(kms.port, '127.0.0.2');
    await once(server, 'listening');
    server.close();
  });

  test.each([
    ['that is killed', 'await started; process.kill(process.pid, "SIGKILL");'],
    ['that is killed while it starts', 'setTimeout(() => process.kill(process.pid, "SIGKILL"), 30);'],
    ['that ends without stopping it', 'await started; process.exit(0);'],
  ])('does not outlive a parent %s', async (_, end) => {
    const home = temporary();
    const url = new URL('../../infra/local/kms/process.ts', import.meta.url).href;
    const code = `const { startLocalKms } = await import(${JSON.stringify(url)});
      const started = startLocalKms({ home: ${JSON.stringify(home)} }); ${end}`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'pipe' });
    // The KMS inherits stderr, so the pipe closes only when both are gone.
    await once(parent, 'close');
    rmSync(home, { recursive: true });
  });

  test('stopping twice is no error, and a stopped one answers no question', async () => {
    const stopped = await startTestKms();
    await stopped.stop();
    await stopped.stop();
    await expect(stopped.stats()).rejects.toThrow('ended');
  });

  test('counts calls, and strikes only as often as told', async () => {
    await kms.setFault({ kind: 'resource_exhausted' }, { times: 1 });
    const before = await kms.stats();
    await expect(sdk.asymmetricSign({ name: TEST_KEYS.ed25519, data: DATA })).rejects.toMatchObject({
      code: 8,
    });
    await sdk.asymmetricSign({ name: TEST_KEYS.ed25519, data: DATA });
    const { signs } = await kms.stats();
    expect(signs.requested - before.signs.requested).toBe(2);
    expect(signs.succeeded - before.signs.succeeded).toBe(1);
  });
});
