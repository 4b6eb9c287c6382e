/**
 * Nothing that the service hands out of its keys is private, whatever an operator pastes into the list. The same search
 * finds a private key that is handed out, which shows that it can.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { serve } from '../../functions/http/serve.ts';
import { keyEndpoints } from '../../functions/keys/endpoints.ts';
import { loadConfig } from '../../infra/config.ts';
import { openKeys } from '../../infra/keys.ts';
import { createKeyDirectory } from '../../infra/kms/directory.ts';
import { createKmsClient, type KmsClient } from '../../infra/kms/google.ts';
import { jwkFromPem } from '../../infra/kms/public-key.ts';
import { createReloadingDirectory, type ReloadingDirectory } from '../../infra/kms/reloading-directory.ts';
import { createLog } from '../../infra/log.ts';
import type { KeyDirectory } from '../../shared/ports/key-directory.ts';
import { TEST_KEYS, type TestKms } from '../support/kms.ts';
import { listenFor } from '../support/listen.ts';
import { linesOf, PRIVATE_PEMS, PUBLIC_PEMS } from '../support/private-pems.ts';
import { secretsIn } from '../support/secrets.ts';
import { startTestService, type TestService } from '../support/service.ts';

const ED = 'EC_SIGN_ED25519';
const POLLING = { timeout: 30_000 };
const OWN = [
  { name: TEST_KEYS.ed25519, algorithm: ED },
  { name: TEST_KEYS.rsa, algorithm: 'RSA_SIGN_PKCS1_4096_SHA256' },
];
const foreign = (kid: string, pem: string, algorithm: string) => ({
  use: 'verify',
  pem,
  algorithm,
  kid,
  issuer: 'https://other.test',
  sunset_at: '2100-01-01T00:00:00Z',
});

let service: TestService;
let kms: TestKms;
let client: KmsClient;
let folder: string;
let path: string;
let logLines: string[];
let directory: ReloadingDirectory;
/** What is served; a test may put another one in its place. */
let served: KeyDirectory;
let baseUrl: string;
let stop: () => Promise<void>;

beforeAll(async () => {
  service = await startTestService();
  ({ kms } = service);
  client = createKmsClient({ endpoint: kms.endpoint });
  const keys: KeyDirectory = {
    sign: (algorithm, makeMessage) => served.sign(algorithm, makeMessage),
    find: (kid) => served.find(kid),
    list: () => served.list(),
    macKeys: () => served.macKeys(),
  };
  const about = { name: `keys-${randomUUID()}`, version: '0', environment: 'test', issuer: 'countersign' };
  const log = createLog('ERROR', () => undefined);
  serve(
    { ports: { ...service.ports, keys }, log, about, config: { CORS_ALLOWED_ORIGINS: [] } },
    keyEndpoints(keys),
  );
  ({ baseUrl, stop } = await listenFor(about.name));
});

afterAll(async () => {
  await stop();
  await client.close();
  await service.stop();
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-served-'));
  path = join(folder, 'keys.json');
  logLines = [];
  write([...OWN, foreign('old-1', PUBLIC_PEMS.ed25519, ED)]);
  const log = createLog('DEBUG', (line) => logLines.push(line));
  const build = (keys: Parameters<typeof createKeyDirectory>[0]['keys']) =>
    createKeyDirectory({ client, keys, deadlineMs: 10_000, log });
  directory = createReloadingDirectory({ path, log, build, everyMs: 10 });
  served = directory;
});

afterEach(() => {
  directory.close();
  rmSync(folder, { recursive: true, force: true });
});

function write(rows: readonly object[]): void {
  writeFileSync(`${path}.new`, JSON.stringify(rows));
  renameSync(`${path}.new`, path);
}

/** Every answer about keys, headers too. */
async function everythingServed(): Promise<string> {
  const { keys } = await (await fetch(`${baseUrl}/api/v1/keys`)).json();
  const pems = keys.map(({ kid }: { kid: string }) => `/api/v1/keys/${kid}.pem`);
  const answers = ['/.well-known/jwks.json', '/api/v1/keys', ...pems].map(async (place) => {
    const response = await fetch(`${baseUrl}${place}`);
    return JSON.stringify([...response.headers]) + (await response.text());
  });
  return (await Promise.all(answers)).join('\n');
}

const startWith = async (rows: readonly object[]) => {
  write(rows);
  const environment = {
    SQLITE_PATH: join(folder, 'store.sqlite'),
    LICENSE_KEY_PEPPER: 'a pepper for tests, long enough to pass',
    KMS_ENDPOINT: kms.endpoint,
    SIGNING_KEYS_FILE: path,
  };
  await openKeys(loadConfig(environment), createLog('ERROR')).close();
};

test('of a good list, everything is public, and a key of another system is among it', async () => {
  const text = await everythingServed();
  expect(text.match(/-----BEGIN PUBLIC KEY-----/g)).toHaveLength(3);
  expect(secretsIn(text)).toEqual([]);
});

test.each(PRIVATE_PEMS)(
  'a search of the answers finds what is handed out: $what',
  async ({ pem, algorithm }) => {
    const jwk = jwkFromPem(PUBLIC_PEMS.ed25519);
    const planted = { kid: 'old-1', algorithm, state: 'retiring', pem, jwk } as const;
    served = { ...directory, list: async () => [planted], find: async () => planted };
    const text = await everythingServed();
    expect(linesOf(pem).every((line) => text.includes(line))).toBe(true);
    expect(secretsIn(text)).not.toEqual([]);
  },
);

describe.each(PRIVATE_PEMS)('a list with a private key, $what,', ({ pem, algorithm }) => {
  const rows = [...OWN, foreign('old-private-1', pem, algorithm)];

  test('stops the start with a sentence that does not show it', async () => {
    const said = await startWith(rows).then(
      () => 'It starts.',
      (error: Error) => error.message,
    );
    expect(said).toMatch(/^SIGNING_KEYS_FILE is wrong: at 2\.pem: /);
    for (const line of linesOf(pem)) expect(said).not.toContain(line);
  });

  test('changes nothing while the service runs, and is in no answer and no log line', async () => {
    write(rows);
    await expect
      .poll(() => logLines.join(''), POLLING)
      .toContain('the signing keys stay as they were: at 2.pem: ');
    const text = await everythingServed();
    expect(text).toContain('old-1.pem');
    expect(text).not.toContain('old-private-1');
    expect(secretsIn(text)).toEqual([]);
    for (const line of linesOf(pem)) expect(logLines.join('')).not.toContain(line);
  });
});

test('a directory that is built without the list’s own checks takes no private key either', () => {
  for (const { pem, algorithm } of PRIVATE_PEMS) {
    const key = { use: 'verify', pem, algorithm, issuer: 'x', state: 'retiring', sunsetAt: 0 } as const;
    expect(() => createKeyDirectory({ client, keys: [...kms.signingKeys, key] })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('PRIVATE') }),
    );
  }
});
