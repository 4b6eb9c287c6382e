/** Each function on its own, started by the command line of the functions-framework. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createHasher } from '../../infra/hasher.ts';
import { createKeyDirectory } from '../../infra/kms/directory.ts';
import { createKmsClient } from '../../infra/kms/google.ts';
import { openSqliteStore } from '../../infra/stores/sqlite.ts';
import { generateApiKey, prefixOf } from '../../shared/access/api-key.ts';
import { SCOPE_NAMES } from '../../shared/access/scopes.ts';
import { generateLicenseKey, normalizeLicenseKey } from '../../shared/license-key.ts';
import { apiKeyWrite } from '../../shared/usecases/create-api-key.ts';
import { createLicense } from '../../shared/usecases/create-license.ts';
import { caioCallsOn, storeCaio } from '../support/caio-calls.ts';
import { caioPayload } from '../support/issued-licenses.ts';
import { startTestKms, type TestKms } from '../support/kms.ts';
import { expectProblem } from '../support/problems.ts';
import { freePort, type Program, REPOSITORY, spawnProgram, waitUntil } from '../support/spawn-stack.ts';

const ACQUIRE = '/api/v1/licenses/acquire';

describe('each function on its own', () => {
  const require = createRequire(import.meta.url);
  const CLI = join(dirname(require.resolve('@google-cloud/functions-framework')), 'main.js');
  const PEPPER = 'a pepper for the command line, long enough';
  let kms: TestKms;
  let folder: string;
  let environment: Record<string, string>;
  let key: string;
  let program: Program | undefined;

  beforeAll(async () => {
    kms = await startTestKms();
    folder = mkdtempSync(join(tmpdir(), 'countersign-cli-'));
    const path = join(folder, 'store.sqlite');
    environment = {
      KMS_ENDPOINT: kms.endpoint,
      SIGNING_KEYS_JSON: JSON.stringify(kms.signingKeys.map(({ name, algorithm }) => ({ name, algorithm }))),
      STORE: 'sqlite',
      SQLITE_PATH: path,
      LICENSE_KEY_PEPPER: PEPPER,
      SIGNING_DEADLINE_MS: '20000',
    };
    key = await seed(path);
  });

  afterEach(async () => {
    program?.kill('SIGKILL');
    await program?.ended;
    program = undefined;
  });

  afterAll(async () => {
    await kms.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function seed(path: string): Promise<string> {
    const store = openSqliteStore({ path });
    const random = { bytes: (length: number) => randomBytes(length) };
    const wanted = generateLicenseKey('TEST', random);
    const ports = { store, hasher: createHasher(PEPPER), clock: { now: Date.now } };
    await createLicense(ports, {
      licenseKey: wanted,
      licenseId: 'license-1',
      customer: { id: 'c', name: 'C' },
      product: 'demo-app',
      tier: 'pro',
      features: [],
      seats: 2,
      signingAlgorithm: 'EC_SIGN_ED25519',
    });
    await store.close();
    return wanted;
  }

  function run(target: string, port: number, env: Record<string, string>): Program {
    const source = join(REPOSITORY, 'functions', target === 'countersign' ? 'all' : target, 'main.ts');
    return spawnProgram(CLI, [`--target=${target}`, `--source=${source}`, `--port=${port}`], { env });
  }

  async function serveFunction(target: string): Promise<string> {
    const port = await freePort();
    program = run(target, port, environment);
    const baseUrl = `http://127.0.0.1:${port}`;
    await waitUntil(program, () =>
      fetch(`${baseUrl}/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    return baseUrl;
  }

  const acquireAt = (baseUrl: string, body: string) =>
    fetch(`${baseUrl}${ACQUIRE}`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });

  test('licenses: acquires and is guarded, and has no public keys', async () => {
    const baseUrl = await serveFunction('licenses');
    const good = await acquireAt(baseUrl, JSON.stringify({ license_key: key, hardware_id: 'm' }));
    expect(good.status).toBe(200);
    expect(await good.json()).toMatchObject({
      license_data: { license_key: key, signature_algorithm: 'EC_SIGN_ED25519' },
    });
    await expectProblem(await acquireAt(baseUrl, '{"license_key":'), 400, 'invalid_json');
    await expectProblem(await acquireAt(baseUrl, ' '.repeat(65_537)), 413, 'body_too_large');
    await expectProblem(await fetch(`${baseUrl}/%zz`), 400, 'malformed_request');
    await expectProblem(await fetch(`${baseUrl}/favicon.ico`), 404, 'not_found');
    await expectProblem(await fetch(`${baseUrl}/.well-known/jwks.json`), 404, 'not_found');
    expect(program?.stderr()).toBe('');
    expect(program?.stdout()).not.toContain(key);
  });

  test('keys: serves public keys, and cannot acquire', async () => {
    const baseUrl = await serveFunction('keys');
    const { keys } = (await (await fetch(`${baseUrl}/.well-known/jwks.json`)).json()) as {
      keys: { alg: string }[];
    };
    expect(keys.map(({ alg }) => alg).sort()).toEqual(['EdDSA', 'RS256']);
    expect(JSON.stringify(keys)).not.toMatch(/"(d|p|q|dp|dq|qi)":/);
    await expectProblem(
      await acquireAt(baseUrl, JSON.stringify({ license_key: key, hardware_id: 'm' })),
      404,
      'not_found',
    );
    await expectProblem(await acquireAt(baseUrl, '{"license_key":'), 404, 'not_found');
  });

  test('licensing: activates and renews a licence without a signature, and cannot acquire', async () => {
    const payload = caioPayload({ customer_id: 'c', expires_at: null });
    const store = openSqliteStore({ path: environment.SQLITE_PATH ?? '' });
    const client = createKmsClient({ endpoint: kms.endpoint });
    const ports = { store, keys: createKeyDirectory({ client, keys: kms.signingKeys }) };
    const hash = createHasher(PEPPER).hash('license', normalizeLicenseKey(key));
    const text = await storeCaio(ports, { hash, licenseId: 'license-1' }, payload);
    await Promise.all([store.close(), client.close()]);

    const baseUrl = await serveFunction('licensing');
    const { call, status } = caioCallsOn(() => baseUrl);
    const { succeeded } = (await kms.stats()).signs;
    expect((await call('activate', text, 'node-1')).body).toMatchObject({ valid: true, activated: true });
    expect((await status('node-1')).body).toMatchObject({ valid: true, instances_in_use: 1 });
    expect((await call('renew', text)).body).toMatchObject({ license_key: text, renewed: false });
    expect((await call('deactivate', text, 'node-1')).body).toEqual({ deactivated: true });
    expect((await call('renew', 'no licence')).body).toMatchObject({ code: 'license_not_accepted' });
    expect((await kms.stats()).signs.succeeded).toBe(succeeded);
    const acquiring = JSON.stringify({ license_key: key, hardware_id: 'm' });
    await expectProblem(await acquireAt(baseUrl, acquiring), 404, 'not_found');
    await expectProblem(await fetch(`${baseUrl}/.well-known/jwks.json`), 404, 'not_found');
    expect(program?.stderr()).toBe('');
    expect(program?.stdout()).not.toContain(text);
    expect(program?.stdout()).not.toContain('node-1');
  });

  test('admin: opens with an API key, and serves nothing of the clients', async () => {
    const store = openSqliteStore({ path: environment.SQLITE_PATH ?? '' });
    const apiKey = generateApiKey({ bytes: (length) => randomBytes(length) });
    const granted = { name: 'test', scopes: [...SCOPE_NAMES], customer_id: null, expires_at: null };
    await store.commit([apiKeyWrite(createHasher(PEPPER), apiKey, granted, Date.now())]);
    await store.close();
    const baseUrl = await serveFunction('admin');
    const keys = `${baseUrl}/api/v1/admin/api-keys`;
    const answer = await fetch(keys, { headers: { 'x-api-key': apiKey } });
    expect(await answer.json()).toMatchObject({ total: 1, api_keys: [{ prefix: prefixOf(apiKey) }] });
    await expectProblem(await fetch(keys), 401, 'unauthenticated');
    await expectProblem(await fetch(`${baseUrl}/.well-known/jwks.json`), 404, 'not_found');
    expect(program?.stdout()).not.toContain(apiKey.slice(12));
  });

  test('countersign: has all, also what operators call', async () => {
    const baseUrl = await serveFunction('countersign');
    expect((await acquireAt(baseUrl, JSON.stringify({ license_key: key, hardware_id: 'm' }))).status).toBe(
      200,
    );
    expect((await fetch(`${baseUrl}/.well-known/jwks.json`)).status).toBe(200);
    await expectProblem(await fetch(`${baseUrl}/api/v1/admin/api-keys`), 401, 'unauthenticated');
  });

  test.each(['SQLITE_PATH', 'LICENSE_KEY_PEPPER', 'SIGNING_KEYS_JSON'])(
    'without %s: exit code 1 and a sentence',
    async (name) => {
      const { [name]: _, ...rest } = environment;
      program = run('licenses', await freePort(), rest);
      const { code, stderr } = await program.ended;
      expect(code, stderr).toBe(1);
      expect(stderr).toContain(`${name} is not set.`);
      expect(stderr).not.toMatch(/^\s+at /m);
    },
  );

  test('a wrong value is not repeated', async () => {
    program = run('licenses', await freePort(), { ...environment, LICENSE_KEY_PEPPER: 'too-short-secret' });
    const { code, stderr } = await program.ended;
    expect([code, stderr.includes('LICENSE_KEY_PEPPER'), stderr.includes('too-short-secret')]).toEqual([
      1,
      true,
      false,
    ]);
  });

  test('a local KMS in production is refused', async () => {
    program = run('licenses', await freePort(), { ...environment, NODE_ENV: 'production' });
    const { code, stderr } = await program.ended;
    expect([code, stderr.includes('KMS_ENDPOINT')]).toEqual([1, true]);
  });
});
