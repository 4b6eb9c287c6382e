/** A manifest that nobody renews: `countersign keys status` says so in time, and a monitoring can ask for it. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { MANIFEST_PATH } from '../../shared/records/paths.ts';
import { startTestKms, type TestKms } from '../support/kms.ts';
import { startTestOperator, type TestOperator } from '../support/operator.ts';

const DAY_MS = 86_400_000;
const LIFE_DAYS = 30;

let kms: TestKms;
let operator: TestOperator;

beforeAll(async () => {
  kms = await startTestKms();
});
afterAll(() => kms.stop());

beforeEach(async () => {
  operator = await startTestOperator(kms);
});
afterEach(() => operator.stop());

async function status(...args: string[]) {
  const { code, stdout, stderr } = await operator.run(['keys', 'status', ...args]);
  expect(stderr).toBe('');
  return { code, stdout };
}

async function publish(): Promise<void> {
  expect((await operator.run(['keys', 'publish', '--yes'])).code).toBe(0);
}

/** As if it had been published so many days ago, for 30 days. */
async function publishedDaysAgo(days: number): Promise<void> {
  const published_at = Math.floor(Date.now() - days * DAY_MS);
  const fields = { published_at, expires_at: published_at + LIFE_DAYS * DAY_MS };
  await operator.store.commit([{ op: 'update', path: MANIFEST_PATH, fields }]);
}

test('a manifest with more than half of its life left is not to be renewed', async () => {
  await publish();
  await publishedDaysAgo(14);
  const { code, stdout } = await status('--json', '--check');
  expect(JSON.parse(stdout)).toMatchObject({ renew_manifest: false, manifest: { is_expired: false } });
  expect(code).toBe(0);
  expect((await status()).stdout).toMatch(/\nManifest 1, published \S+, valid until \S+\.\n$/);
});

test('with less than half left it is, and publishing renews it', async () => {
  await publish();
  await publishedDaysAgo(16);
  const { code, stdout } = await status('--check');
  expect(stdout).toMatch(
    /valid until \S+\.\nLess than half of its life is left: 13 days\. Renew it: countersign keys publish\n$/,
  );
  expect(code).toBe(4);
  const asJson = await status('--json');
  expect(JSON.parse(asJson.stdout)).toMatchObject({ renew_manifest: true, manifest: { is_expired: false } });
  expect(asJson.code).toBe(0);

  await publish();
  const renewed = await status('--json', '--check');
  expect(JSON.parse(renewed.stdout)).toMatchObject({ renew_manifest: false, manifest: { version: 2 } });
  expect(renewed.code).toBe(0);
});

test('one that is over is said to be, and without --check that is no failure', async () => {
  await publish();
  await publishedDaysAgo(LIFE_DAYS);
  const { code, stdout } = await status();
  expect(stdout).toMatch(
    /\nIt has expired: clients that pin the root accept no document\. Publish the next one: countersign keys publish\n$/,
  );
  expect(code).toBe(0);
  const checked = await status('--json', '--check');
  expect(JSON.parse(checked.stdout)).toMatchObject({ renew_manifest: true, manifest: { is_expired: true } });
  expect(checked.code).toBe(4);
});

test('a monitoring hears of a manifest that is not there, and of one that says something else than the list', async () => {
  const none = await status('--json', '--check');
  expect(JSON.parse(none.stdout)).toMatchObject({ renew_manifest: false, manifest: null });
  expect(none.code).toBe(4);

  await publish();
  const name = await operator.newKey('beside');
  const rows = JSON.parse(JSON.stringify(operator.rows()));
  operator.write([...rows, { name, algorithm: 'EC_SIGN_ED25519', state: 'staged' }]);
  const behind = await status('--json', '--check');
  expect(JSON.parse(behind.stdout)).toMatchObject({ renew_manifest: false, is_published: false });
  expect(behind.code).toBe(4);
});

test('a status that cannot be told is a failure like any other', async () => {
  const { code, stderr } = await operator.run(['keys', 'status', '--check'], {
    SIGNING_KEYS_FILE: '/absent',
  });
  expect([code, stderr]).toEqual([1, expect.stringContaining('cannot be used')]);
});
