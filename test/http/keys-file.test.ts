/** The list of keys as a file: rotation and compromise reach a running instance without a restart. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../../infra/config.ts';
import { createKeyDirectory } from '../../infra/kms/directory.ts';
import { createKmsClient, type KmsClient } from '../../infra/kms/google.ts';
import { createReloadingDirectory, type ReloadingDirectory } from '../../infra/kms/reloading-directory.ts';
import { provisionKeys } from '../../infra/local/kms/provision.ts';
import { createLog } from '../../infra/log.ts';
import { createInfrastructure } from '../../infra/ports.ts';
import { startTestKms, TEST_KEYS, type TestKms } from '../support/kms.ts';

const ED25519 = 'EC_SIGN_ED25519';
const MESSAGE = new TextEncoder().encode('a message');

let kms: TestKms;
let client: KmsClient;
let next: string;
let folder: string;
let path: string;
let directory: ReloadingDirectory;
let logLines: string[];

beforeAll(async () => {
  kms = await startTestKms();
  client = createKmsClient({ endpoint: kms.endpoint });
  const ring = 'projects/test/locations/global/keyRings/rotation';
  [next = ''] = await provisionKeys(kms.endpoint, ring, [{ id: 'next', algorithm: ED25519 }]);
});
afterAll(async () => {
  await client.close();
  await kms.stop();
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-keys-'));
  path = join(folder, 'keys.json');
  logLines = [];
  write([row(TEST_KEYS.ed25519)]);
  const log = createLog('DEBUG', (line) => logLines.push(line));
  directory = createReloadingDirectory({
    path,
    log,
    build: (keys) => createKeyDirectory({ client, keys, log }),
    everyMs: 10,
  });
});
afterEach(() => {
  directory.close();
  rmSync(folder, { recursive: true, force: true });
});

const row = (name: string, more = {}) => ({ name, algorithm: ED25519, ...more });
const kidThatSigns = async () => (await directory.sign(ED25519, () => MESSAGE)).kid;

/** As a mounted secret changes: whole or not at all. */
function write(content: object | string): void {
  writeFileSync(`${path}.new`, typeof content === 'string' ? content : JSON.stringify(content));
  renameSync(`${path}.new`, path);
}

test('a rotation: the new key signs, the old one verifies until its sunset', async () => {
  const old = await kidThatSigns();
  write([row(TEST_KEYS.ed25519, { state: 'retiring', sunset_at: '2030-01-01T00:00:00Z' }), row(next)]);
  await expect.poll(kidThatSigns).not.toBe(old);
  expect(await directory.find(old)).toMatchObject({ state: 'retiring', sunsetAt: Date.UTC(2030, 0, 1) });
  expect((await directory.list()).map(({ state }) => state).sort()).toEqual(['active', 'retiring']);
});

test('a compromise: refused at once, without asking for the key', async () => {
  const leaked = await kidThatSigns();
  write([row(TEST_KEYS.ed25519, { state: 'compromised', fingerprint: leaked }), row(next)]);
  await expect.poll(async () => (await directory.find(leaked))?.state).toBe('compromised');
  expect(await kidThatSigns()).not.toBe(leaked);
});

test.each([
  ['text that is no JSON', '{'],
  ['no active key', [{ name: TEST_KEYS.ed25519, algorithm: ED25519, state: 'retired' }]],
  ['a misspelt member', [{ name: TEST_KEYS.ed25519, algorithm: ED25519, stat: 'retired' }]],
])('a list that is wrong, %s, changes nothing and is reported once', async (_what, content) => {
  const before = await kidThatSigns();
  write(content);
  const complaints = () => logLines.filter((line) => line.includes('stay as they were'));
  await expect.poll(() => complaints().length).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(complaints()).toHaveLength(1);
  expect(await kidThatSigns()).toBe(before);
  // Once it is right again it counts.
  write([row(next)]);
  await expect.poll(kidThatSigns).not.toBe(before);
});

test('a file that disappears changes nothing', async () => {
  const before = await kidThatSigns();
  rmSync(path);
  await expect.poll(() => logLines.some((line) => line.includes('stay as they were'))).toBe(true);
  expect(await kidThatSigns()).toBe(before);
});

test('a start with a file that is missing or wrong is refused with a sentence', () => {
  const environment = {
    SQLITE_PATH: join(folder, 'store.sqlite'),
    LICENSE_KEY_PEPPER: 'a pepper for tests, long enough to pass',
    KMS_ENDPOINT: kms.endpoint,
  };
  const start = (file: string) => () =>
    createInfrastructure(loadConfig({ ...environment, SIGNING_KEYS_FILE: file }));
  expect(start(join(folder, 'absent.json'))).toThrow(ConfigError);
  write('[]');
  expect(start(path)).toThrow(/^SIGNING_KEYS_FILE is wrong: /);
});
