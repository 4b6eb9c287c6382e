/** Keys of AWS in several regions: each is asked for where its ARN says, whatever the list was before and the environment says. */
import { createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KMSClient } from '@aws-sdk/client-kms';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { openClients } from '../../infra/keys.ts';
import { awsPublicKey } from '../../infra/kms/aws.ts';
import { createKeyDirectory } from '../../infra/kms/directory.ts';
import { createReloadingDirectory } from '../../infra/kms/reloading-directory.ts';
import { disableKeyVersion } from '../../infra/kms/versions.ts';
import { createLog } from '../../infra/log.ts';
import { openRootKey } from '../../infra/root-key.ts';
import { parseSigningKeys, type SigningKeys } from '../../infra/signing-keys.ts';
import { compromise, stage } from '../../scripts/cli/keys/actions.ts';
import { OperatorError } from '../../shared/operator-error.ts';
import { type AwsRegions, openAwsRegions } from '../support/aws-regions.ts';
import { PUBLIC_PEMS } from '../support/private-pems.ts';

const ED = 'EC_SIGN_ED25519';
const MESSAGE = new TextEncoder().encode('a message');
const PATIENT = { timeout: 30_000 };
const DEADLINE_MS = 30_000;
/** Needs no KMS to be published. */
const GOOGLE = {
  name: 'projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1',
  algorithm: ED,
  pem: PUBLIC_PEMS.ed25519,
};

let aws: AwsRegions;
let folder: string;
let path: string;
let clients: ReturnType<typeof openClients>;

beforeAll(() => {
  aws = openAwsRegions();
});
afterAll(() => aws.close());

beforeEach(() => {
  aws.forget();
  folder = mkdtempSync(join(tmpdir(), 'countersign-regions-'));
  path = join(folder, 'keys.json');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  for (const variable of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE', 'AWS_SESSION_TOKEN'])
    vi.stubEnv(variable, undefined);
  for (const variable of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'])
    vi.stubEnv(variable, join(folder, 'absent'));
  clients = openClients({ KMS_ENDPOINT: undefined, AWS_KMS_ENDPOINT: undefined });
});
afterEach(async () => {
  await clients.close();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const key = (name: string, more = {}) => ({ name, algorithm: ED, ...more });
const listOf = (...rows: object[]) => parseSigningKeys(JSON.stringify(rows));
const build = (keys: SigningKeys) =>
  createKeyDirectory({ ...clients.access, keys, deadlineMs: DEADLINE_MS, log: createLog('ERROR', () => {}) });

/** `Action region`, in order; and the request is signed for the region that it is sent to. */
function whereAsked(): string[] {
  return aws.asked.map(({ host, action, signedFor }) => {
    expect(host).toBe(`kms.${signedFor}.amazonaws.com`);
    return `${action} ${signedFor}`;
  });
}

function write(...rows: object[]): void {
  writeFileSync(`${path}.new`, JSON.stringify(rows));
  renameSync(`${path}.new`, path);
}

describe('a list', () => {
  test('with keys in two regions has each asked for in its own', async () => {
    const [first, second] = [aws.newKey('us-east-1'), aws.newKey('eu-central-1')];
    const directory = build(listOf(key(first), key(second, { state: 'staged' })));
    expect(await directory.list()).toHaveLength(2);
    expect(whereAsked().sort()).toEqual(['GetPublicKey eu-central-1', 'GetPublicKey us-east-1']);
    expect(await directory.activeProblems()).toEqual([]);
    aws.forget();
    expect((await directory.sign(ED, () => MESSAGE)).bytes).toHaveLength(64);
    expect(whereAsked()).toEqual(['Sign us-east-1']);
  });

  test.each(['ap-south-1', undefined])(
    'is asked for where its ARNs say when AWS_REGION is %s',
    async (region) => {
      vi.stubEnv('AWS_REGION', region);
      await build(listOf(key(aws.newKey('eu-west-3')))).list();
      expect(whereAsked()).toEqual(['GetPublicKey eu-west-3']);
    },
  );

  test('with a key in another partition has it asked for there', async () => {
    await build(listOf(key(aws.newKey('cn-north-1', 'aws-cn')))).list();
    expect(aws.asked).toEqual([
      { host: 'kms.cn-north-1.amazonaws.com.cn', action: 'GetPublicKey', signedFor: 'cn-north-1' },
    ]);
  });

  test('with the key of old MACs in a third region has them checked there', async () => {
    const secret = randomBytes(32);
    const name = aws.newMacKey('eu-north-1', secret);
    const mac = { use: 'mac', name, algorithm: 'HMAC_SHA256', sunset_at: '2100-01-01T00:00:00Z' };
    const [macKey] = build(listOf(key(aws.newKey('us-east-1')), mac)).macKeys();
    const tag = createHmac('sha256', secret).update(MESSAGE).digest();
    expect(await macKey?.verifier.verify(MESSAGE, tag)).toBe(true);
    expect(whereAsked()).toEqual(['VerifyMac eu-north-1']);
  });

  test('whose root is in another region has the manifest signed there', async () => {
    const keys = listOf(key(aws.newKey('us-east-1')), key(aws.newKey('ca-central-1'), { use: 'root' }));
    const { signer } = await openRootKey(keys, { ...clients.access, deadlineMs: DEADLINE_MS });
    await signer.sign(MESSAGE);
    expect(whereAsked()).toEqual(['GetPublicKey ca-central-1', 'Sign ca-central-1']);
  });
});

describe('a list that changes while the service runs', () => {
  test('gets keys in a cloud that it had none in, and then in another region', async () => {
    const [first, second] = [aws.newKey('eu-central-1'), aws.newKey('ap-northeast-1')];
    write(GOOGLE);
    const log = createLog('ERROR', () => {});
    const directory = createReloadingDirectory({ path, build, log, everyMs: 10 });
    expect(await directory.list()).toHaveLength(1);
    expect(aws.asked).toEqual([]);

    write({ ...GOOGLE, state: 'staged' }, key(first));
    await expect.poll(async () => (await directory.list()).length, PATIENT).toBe(2);
    expect((await directory.sign(ED, () => MESSAGE)).bytes).toHaveLength(64);
    expect(whereAsked()).toEqual(['GetPublicKey eu-central-1', 'Sign eu-central-1']);

    aws.forget();
    write({ ...GOOGLE, state: 'staged' }, key(first, { state: 'staged' }), key(second));
    await expect.poll(async () => (await directory.list()).length, PATIENT).toBe(3);
    await directory.sign(ED, () => MESSAGE);
    expect(whereAsked().toSorted()).toEqual([
      'GetPublicKey ap-northeast-1',
      'GetPublicKey eu-central-1',
      'Sign ap-northeast-1',
    ]);
    directory.close();
  });
});

test('every region that was asked is closed with the rest, and each once', async () => {
  const destroy = vi.spyOn(KMSClient.prototype, 'destroy');
  const own = openClients({ KMS_ENDPOINT: undefined, AWS_KMS_ENDPOINT: undefined });
  const keys = listOf(
    key(aws.newKey('us-east-1')),
    key(aws.newKey('us-east-1'), { state: 'staged' }),
    key(aws.newKey('eu-central-1'), { state: 'staged' }),
  );
  await createKeyDirectory({ ...own.access, keys, deadlineMs: DEADLINE_MS }).list();
  await own.close();
  expect(destroy).toHaveBeenCalledTimes(2);
});

test('a key is disabled in its region', async () => {
  const name = aws.newKey('sa-east-1');
  await disableKeyVersion(name, {});
  expect(aws.isDisabled(name)).toBe(true);
  expect(whereAsked()).toEqual(['DisableKey sa-east-1']);
});

describe('an operator’s command', () => {
  let active: string;
  let printed: string[];
  const options = { yes: true, json: true, actor: 'ada@office' };

  beforeEach(() => {
    active = aws.newKey('us-east-1');
    write(key(active), key(aws.newKey('us-west-2'), { use: 'root' }));
    vi.stubEnv('SIGNING_KEYS_FILE', path);
    vi.stubEnv('SQLITE_PATH', join(folder, 'store.sqlite'));
    printed = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  });

  const rows = () => JSON.parse(readFileSync(path, 'utf8'));

  test('stages a key in a region that the list does not have, and disables it there', async () => {
    const name = aws.newKey('eu-central-1');
    await stage({ ...options, name, use: 'license' });
    expect(rows().at(-1)).toMatchObject({ name, state: 'staged', fingerprint: expect.any(String) });
    expect(new Set(whereAsked())).toEqual(
      new Set([
        'GetPublicKey us-east-1',
        'GetPublicKey us-west-2',
        'GetPublicKey eu-central-1',
        'Sign us-west-2',
      ]),
    );

    aws.forget();
    await compromise(rows().at(-1).fingerprint, { ...options, disableVersion: true });
    expect(rows().at(-1)).toMatchObject({ name, state: 'compromised' });
    expect(aws.isDisabled(name)).toBe(true);
    expect(aws.isDisabled(active)).toBe(false);
    expect(whereAsked()).toContain('DisableKey eu-central-1');
    expect(printed.join('')).toContain('"manifest_version":2');
  });

  test('refuses a key that is in the list as that of another system, before it publishes it', async () => {
    const name = aws.newKey('eu-central-1');
    const { pem } = await awsPublicKey(clients.access.awsClient, name);
    write(...rows(), { use: 'verify', pem, algorithm: ED, issuer: 'x', kid: 'old', state: 'compromised' });
    aws.forget();
    await expect(stage({ ...options, name, use: 'license' })).rejects.toThrow(
      new OperatorError('The keys at 2 and 3 have the same kid or public key; list each key version once.'),
    );
    expect(rows()).toHaveLength(3);
    expect(whereAsked().filter((asked) => asked.startsWith('Sign'))).toEqual([]);
  });
});
