/** The function that signs does not start with an active key that an operator has to see to first. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../../infra/config.ts';
import { openKeys } from '../../infra/keys.ts';
import { createAwsSdkClient } from '../../infra/kms/aws-client.ts';
import { createSdkClient } from '../../infra/kms/google-client.ts';
import { disableKeyVersion } from '../../infra/kms/versions.ts';
import { provisionAwsKeys } from '../../infra/local/kms/aws/provision.ts';
import { provisionKeys } from '../../infra/local/kms/provision.ts';
import { createLog } from '../../infra/log.ts';
import { startTestKms, TEST_KEYS, type TestKms } from '../support/kms.ts';
import { type ListedKey, TEST_ARNS } from '../support/operator.ts';
import {
  type Ended,
  freePort,
  type Program,
  REPOSITORY,
  spawnProgram,
  waitUntil,
} from '../support/spawn-stack.ts';

const ED25519 = 'EC_SIGN_ED25519';
const RSA = 'RSA_SIGN_PKCS1_4096_SHA256';
const RING = 'projects/test/locations/global/keyRings/start';
const ALIAS = 'arn:aws:kms:us-east-1:000000000000:alias/';
const OTHER_KID = 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs';

const REFUSED_WITHIN_MS = 100_000;
const START_LIMIT_MS = 50_000;
const PATIENT_MS = REFUSED_WITHIN_MS + START_LIMIT_MS;

const require = createRequire(import.meta.url);
const CLI = join(dirname(require.resolve('@google-cloud/functions-framework')), 'main.js');
const SOURCE = join(REPOSITORY, 'functions', 'licenses', 'main.ts');

const KEYS = {
  disabled: { google: `${RING}/cryptoKeys/disabled/cryptoKeyVersions/1`, aws: `${ALIAS}disabled` },
  destroyed: { google: `${RING}/cryptoKeys/destroyed/cryptoKeyVersions/1`, aws: `${ALIAS}destroyed` },
  absent: { google: `${RING}/cryptoKeys/absent/cryptoKeyVersions/1`, aws: `${ALIAS}absent` },
  good: { google: TEST_KEYS.ed25519, aws: TEST_ARNS.ed25519 },
} as const;

let kms: TestKms;
let folder: string;
const running = new Set<Program>();

beforeAll(async () => {
  kms = await startTestKms();
  folder = mkdtempSync(join(tmpdir(), 'countersign-start-'));
  await Promise.all([makeGoogleKeys(), makeAwsKeys()]);
});

afterEach(async () => {
  for (const program of running) {
    program.kill('SIGKILL');
    await program.ended;
  }
  running.clear();
});

afterAll(async () => {
  await kms.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function makeGoogleKeys(): Promise<void> {
  const ids = ['disabled', 'destroyed'].map((id) => ({ id, algorithm: ED25519 }) as const);
  await provisionKeys(kms.endpoint, RING, ids);
  await disableKeyVersion(KEYS.disabled.google, { google: kms.endpoint });
  const client = await createSdkClient(kms.endpoint);
  await client.destroyCryptoKeyVersion({ name: KEYS.destroyed.google });
  await client.close();
}

async function makeAwsKeys(): Promise<void> {
  const { DescribeKeyCommand, ScheduleKeyDeletionCommand } = await import('@aws-sdk/client-kms');
  const aliases = ['disabled', 'destroyed'].map((name) => `alias/${name}`);
  await provisionAwsKeys(
    kms.awsEndpoint,
    aliases.map((alias) => ({ alias, keySpec: 'ECC_NIST_EDWARDS25519' })),
  );
  const client = await createAwsSdkClient(kms.awsEndpoint);
  // AWS disables a key, and no alias.
  const arns = await Promise.all(
    aliases.map(
      async (KeyId) => (await client.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.Arn ?? '',
    ),
  );
  const [disabled = '', destroyed = ''] = arns;
  await disableKeyVersion(disabled, { aws: kms.awsEndpoint });
  await client.send(new ScheduleKeyDeletionCommand({ KeyId: destroyed }));
  client.destroy();
}

const environmentOf = (keys: readonly ListedKey[]) => ({
  KMS_ENDPOINT: kms.endpoint,
  AWS_KMS_ENDPOINT: kms.awsEndpoint,
  SIGNING_KEYS_JSON: JSON.stringify(keys),
  SQLITE_PATH: join(folder, 'store.sqlite'),
  LICENSE_KEY_PEPPER: 'a pepper for the command line, long enough',
});

async function start(keys: readonly ListedKey[], more: Readonly<Record<string, string>> = {}) {
  const port = await freePort();
  const env = { ...environmentOf(keys), ...more };
  const program = spawnProgram(CLI, ['--target=licenses', `--source=${SOURCE}`, `--port=${port}`], { env });
  running.add(program);
  return { program, baseUrl: `http://127.0.0.1:${port}` };
}

const serves = (baseUrl: string) =>
  fetch(`${baseUrl}/health`).then(
    ({ ok }) => ok,
    () => false,
  );

/**
 * What the process says when it ends with exit code 1 instead of serving. A start waits a second for its KMS, which on a
 * busy machine may pass before the answer is there: then it serves, and another one is started.
 */
async function refusal(
  keys: readonly ListedKey[],
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const deadlineAt = Date.now() + REFUSED_WITHIN_MS;
  while (Date.now() < deadlineAt) {
    const ended = await endOfStart(keys, more);
    if (ended === undefined) continue;
    expect(ended.code, ended.stderr).toBe(1);
    const [opening, sentence = '', ...rest] = ended.stderr.trimEnd().split('\n');
    expect([opening, rest]).toEqual(['Countersign cannot start.', []]);
    return sentence;
  }
  throw new Error('It serves, however often it is started.');
}

/** Undefined when it serves. */
async function endOfStart(
  keys: readonly ListedKey[],
  more: Readonly<Record<string, string>>,
): Promise<Ended | undefined> {
  const { program, baseUrl } = await start(keys, more);
  let ended: Ended | undefined;
  program.ended.then((end) => {
    ended = end;
  });
  await expect
    .poll(async () => ended !== undefined || serves(baseUrl), { timeout: START_LIMIT_MS, interval: 25 })
    .toBe(true);
  program.kill('SIGKILL');
  return ended;
}

async function expectToServe(
  keys: readonly ListedKey[],
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { program, baseUrl } = await start(keys, more);
  await waitUntil(program, () => serves(baseUrl));
  expect(program.stderr()).toBe('');
}

/** What stops the start, asked of a process that has its KMS client loaded: then a second is long. */
async function sentenceOf(keys: readonly ListedKey[]): Promise<string> {
  const opened = openKeys(
    loadConfig(environmentOf(keys)),
    createLog('ERROR', () => undefined),
  );
  try {
    await Promise.allSettled([opened.directory.list()]);
    await opened.requireActiveKeys();
    return 'none';
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  } finally {
    await opened.close();
  }
}

describe.each(['google', 'aws'] as const)('an active key in %s stops the start', (cloud) => {
  const disabled: ListedKey = { name: KEYS.disabled[cloud], algorithm: ED25519 };

  test.each<[what: string, key: ListedKey, reason: RegExp]>([
    ['that is disabled', disabled, /DISABLED|DisabledException/],
    [
      'that is to be destroyed',
      { name: KEYS.destroyed[cloud], algorithm: ED25519 },
      /DESTROY_SCHEDULED|KMSInvalidState/,
    ],
    ['that is not there', { name: KEYS.absent[cloud], algorithm: ED25519 }, /NOT_FOUND|NotFoundException/],
    [
      'with another fingerprint',
      { name: KEYS.good[cloud], algorithm: ED25519, fingerprint: OTHER_KID },
      new RegExp(`its fingerprint is configured as ${OTHER_KID}; its KMS has [\\w-]{43}\\.$`),
    ],
    [
      'of another algorithm',
      { name: KEYS.good[cloud], algorithm: RSA },
      new RegExp(`its algorithm is configured as ${RSA}; its KMS has ${ED25519}\\.$`),
    ],
  ])('%s', async (_, key, reason) => {
    const sentence = await sentenceOf([key]);
    expect(sentence.startsWith(`The active key ${key.name} cannot be used: `), sentence).toBe(true);
    expect(sentence).toMatch(reason);
  });
});

test('one that is good beside it in the other cloud does not make it right', async () => {
  const keys = [
    { name: KEYS.good.google, algorithm: ED25519 },
    { name: KEYS.disabled.aws, algorithm: ED25519 },
  ];
  expect(await sentenceOf(keys)).toContain(KEYS.disabled.aws);
});

// AWS's client is loaded in a fraction of that second; Google's is not, where the machine is busy.
test('the process ends with exit code 1 and that sentence', { timeout: PATIENT_MS }, async () => {
  const { aws } = KEYS.disabled;
  expect(await refusal([{ name: aws, algorithm: ED25519 }])).toContain(
    `The active key ${aws} cannot be used: `,
  );
});

describe('a start goes ahead', () => {
  const good = { name: KEYS.good.google, algorithm: ED25519 };

  test('with keys that do not sign in any state', async () => {
    await expectToServe([
      good,
      { name: KEYS.disabled.google, algorithm: ED25519, state: 'staged' },
      { name: KEYS.destroyed.google, algorithm: ED25519, state: 'retired' },
      { name: KEYS.absent.google, algorithm: ED25519, state: 'compromised' },
      { name: KEYS.disabled.aws, algorithm: ED25519, state: 'retiring', sunset_at: '2100-01-01T00:00:00Z' },
    ]);
  });

  test('while no KMS is there', async () => {
    const keys = [good, { name: KEYS.good.aws, algorithm: ED25519 }];
    await expectToServe(keys, { KMS_ENDPOINT: '127.0.0.1:1', AWS_KMS_ENDPOINT: 'http://127.0.0.1:1' });
  });

  test('while the KMS does not answer, without waiting for it as a signature would', async () => {
    const silent = await listenSilently();
    const endpoint = `127.0.0.1:${(silent.server.address() as AddressInfo).port}`;
    // The limit of a start in `waitUntil` is below this deadline.
    const more = { KMS_ENDPOINT: endpoint, SIGNING_DEADLINE_MS: '60000' };
    await expectToServe([good], more);
    expect(silent.sockets.size).toBeGreaterThan(0);
    silent.close();
  });
});

/** Accepts connections and says nothing. */
async function listenSilently() {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { server, sockets, close };
}

describe('in production, keys of a local KMS stop the start', () => {
  const unset = { NODE_ENV: 'production', KMS_ENDPOINT: '', AWS_KMS_ENDPOINT: '' };
  const development = [
    'projects/local/locations/global/keyRings/countersign/cryptoKeys/license/cryptoKeyVersions/1',
    `${ALIAS}license-ed25519`,
  ].map((name) => [{ name, algorithm: ED25519 }]);

  test.each(development)('in the variable: %o', async (key) => {
    expect(await refusal([key], unset)).toBe(
      'SIGNING_KEYS_JSON is wrong: The key at 0 is a development key of a local KMS, and NODE_ENV is production.',
    );
  });

  test.each(development)('in the file: %o', async (key) => {
    const path = join(folder, 'keys.json');
    writeFileSync(path, JSON.stringify([key]));
    expect(await refusal([], { ...unset, SIGNING_KEYS_JSON: '', SIGNING_KEYS_FILE: path })).toBe(
      'SIGNING_KEYS_FILE is wrong: The key at 0 is a development key of a local KMS, and NODE_ENV is production.',
    );
  });
});
