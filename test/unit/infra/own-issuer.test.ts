/** A key of another system that is listed under this service's own issuer would vouch for licences of ours. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ConfigError, loadConfig } from '../../../infra/config.ts';
import { openKeys } from '../../../infra/keys.ts';
import { createLog } from '../../../infra/log.ts';
import { ED, keys, RSA } from '../../support/signed-documents.ts';

const NAME = 'projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1';
const FOREIGN = { pem: keys[ED].pem, algorithm: ED, kid: 'theirs' };
const PROBLEM = 'The key at 1 has the issuer of this service (ISSUER); a key of another system has its own.';

let folder: string;
let file: string;
let logLines: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-issuer-'));
  file = join(folder, 'keys.json');
  logLines = [];
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

const listOf = (issuer: string) =>
  JSON.stringify([
    { name: NAME, algorithm: RSA, pem: keys[RSA].pem },
    { use: 'verify', ...FOREIGN, issuer, sunset_at: '2100-01-01T00:00:00Z' },
  ]);

const configWith = (more: NodeJS.ProcessEnv) =>
  loadConfig({
    LICENSE_KEY_PEPPER: 'a pepper for tests, long enough to pass',
    SQLITE_PATH: 'store.db',
    ...more,
  });

const open = (more: NodeJS.ProcessEnv) =>
  openKeys(
    configWith(more),
    createLog('DEBUG', (line) => logLines.push(line)),
  );

test.each([
  ['that is set', { ISSUER: 'https://licenses.example.com' }, 'https://licenses.example.com'],
  ['that is the default', {}, 'countersign'],
])('stops the start where the issuer is one %s', (_which, environment, issuer) => {
  const variable = { ...environment, SIGNING_KEYS_JSON: listOf(issuer) };
  expect(() => configWith(variable)).toThrow(new ConfigError(`SIGNING_KEYS_JSON is wrong: ${PROBLEM}`));
  writeFileSync(file, listOf(issuer));
  expect(() => open({ ...environment, SIGNING_KEYS_FILE: file })).toThrow(
    new ConfigError(`SIGNING_KEYS_FILE is wrong: ${PROBLEM}`),
  );
});

test.each(['aegis', 'Countersign', 'countersign '])('does not where the issuer is %j', async (issuer) => {
  configWith({ SIGNING_KEYS_JSON: listOf(issuer) });
  writeFileSync(file, listOf(issuer));
  const { directory, close } = open({ SIGNING_KEYS_FILE: file });
  expect((await directory.find('theirs'))?.issuer).toBe(issuer);
  await close();
});

test('in a list that changes while the service runs is reported, and changes nothing', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  writeFileSync(file, listOf('aegis'));
  const { directory, close } = open({ SIGNING_KEYS_FILE: file });
  writeFileSync(file, listOf('countersign'));
  vi.advanceTimersByTime(60_000);
  expect(logLines.filter((line) => line.includes(PROBLEM.slice(0, -1)))).toHaveLength(1);
  expect((await directory.find('theirs'))?.issuer).toBe('aegis');
  await close();
});
