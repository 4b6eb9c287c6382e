/** The operator's tour of README, word for word, and what else operators do with licences, on a running stack. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dtlic2 } from '../../shared/formats/dtlic2.ts';
import {
  type Ended,
  REPOSITORY,
  type SpawnedStack,
  spawnProgram,
  spawnStack,
} from '../support/spawn-stack.ts';

const BIN = join(REPOSITORY, 'scripts', 'countersign.js');
const DAY_MS = 86_400_000;

let folder: string;
let stack: SpawnedStack;
let environment: Readonly<Record<string, string>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-licenses-'));
  symlinkSync(join(REPOSITORY, 'docs'), join(folder, 'docs'));
  const home = join(folder, '.countersign');
  environment = { COUNTERSIGN_HOME: home, XDG_CONFIG_HOME: join(folder, 'settings') };
  stack = await spawnStack({ home });
});
afterAll(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
});

const run = (args: readonly string[], env: Readonly<Record<string, string>> = environment): Promise<Ended> =>
  spawnProgram(BIN, args, { env }).ended;

/** The JSON answer of a command that has to succeed. */
async function answered(...args: string[]) {
  const { code, stdout, stderr } = await run([...args, '--json']);
  expect([code, stderr], stdout).toEqual([0, '']);
  return JSON.parse(stdout);
}

const minted = (email: string, ...more: string[]) =>
  answered('mint', '--name', 'Ada Lovelace', '--email', email, '--tier', 'pro', ...more);

const file = (name: string) => join(folder, name);

describe('the tour of README', () => {
  let parts: string[];

  beforeAll(async () => {
    const readme = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
    const section = /^## Operate\n([\s\S]*?)^## /m.exec(readme)?.[1] ?? '';
    const commands = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
      .map(([, code]) => code ?? '')
      .join('');
    const script = [
      `npx() { shift; "${process.execPath}" "${BIN}" "$@"; }`,
      commands.replace(/^(?=npx|ID=)/gm, 'echo ----\n'),
    ].join('\n');
    const { code, stdout, stderr } = await bash(script);
    // The key of the old ledger is not listed.
    const unverified =
      'Of those that are not verified the service lists no key. It signs none of them anew.\n';
    expect([code, stderr], stdout).toEqual([0, unverified]);
    parts = stdout.split('----\n').slice(1);
  }, 180_000);

  async function bash(script: string): Promise<Ended> {
    writeFileSync(file('tour.sh'), `cd "${folder}"\n${script}`);
    const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
    return spawnProgram(file('tour.sh'), [], {
      node: '/bin/bash',
      nodeArgs: ['-eu'],
      env: { ...environment, PATH },
    }).ended;
  }

  test('mints a licence into a file that only its owner reads', () => {
    expect(parts[0]).toMatch(/for ada@example\.com is in ada\.license\.\n$/);
    const { license } = dtlic2.decode(readFileSync(file('ada.license'), 'utf8').trim());
    expect(license).toMatchObject({
      licenseType: 'core',
      customer: { name: 'Ada Lovelace', email: 'ada@example.com' },
    });
    expect(statSync(file('ada.license')).mode & 0o777).toBe(0o600);
  });

  test('finds it by its address, counts by tier, and lists what ends soon', () => {
    expect(parts[3]).toMatch(/^ID .*\n\S+ +ada-example-com-\S+ +datatools +team +subscription +active/);
    expect(parts[4]).toMatch(/^TIER +LICENCES\nenterprise +1\npro +2\nteam +1\n$/);
    expect(parts[5]?.trimEnd().split('\n')).toHaveLength(2);
    expect(parts[5]).toMatch(/acme-gmbh +sale_forecast +enterprise +trial +active/);
  });

  test('changes the trial, and takes over the ledger', async () => {
    expect(parts[7]).toMatch(/^\S+ of acme-gmbh is active and ends /);
    const { licenses } = await answered('licenses', 'list', '--customer', 'acme-gmbh');
    expect(licenses).toEqual([expect.objectContaining({ module_name: 'sale_forecast', seats: 3 })]);
    expect(parts[9]).toBe('2 added, 0 known before, 0 refused, 2 not verified.\n');
    const { licenses: taken } = await answered('licenses', 'find', '--email', 'grace@example.com');
    expect(taken).toEqual([expect.objectContaining({ customer_id: 'datatools', expires_at: null })]);
  });

  test('activates, renews and deactivates it', () => {
    expect(parts[10]).toMatch(/^Activated\. Tier core, for Ada Lovelace\. It ends .* in 36[45] days\.\n$/);
    expect(parts[11]).toMatch(/^Tier core, for Ada Lovelace\./);
    expect(parts[14]).toMatch(/^Renewed\. Tier core, .* in (729|73[01]) days\.\n$/);
    expect(parts[17]).toMatch(/^Renewed\. Tier core, .* in 109[4-6] days\.\n$/);
    expect(parts[18]).toMatch(/^Deactivated/);
    expect(existsSync(file('settings/countersign/license.json'))).toBe(false);
    expect(parts).toHaveLength(19);
  });
});

test('mint takes the key and the years of the operator, and makes one customer of one address', async () => {
  writeFileSync(file('key.txt'), 'DT1-CORE-5dd8e1db-d90c4656\n');
  const first = await minted('key@example.com', '--key-file', file('key.txt'), '--years', '3');
  expect(first).toMatchObject({ license_key: 'DT1-CORE-5dd8e1db-d90c4656', output: null });
  const { license } = dtlic2.decode(first.document);
  expect(license.licenseId).toBe('DT1-CORE-5dd8e1db-d90c4656');
  expect(((license.expiresAt ?? 0) - license.issuedAt) / DAY_MS).toBeGreaterThanOrEqual(1095);

  const again = await minted('KEY@example.com', '--perpetual');
  expect(again).toMatchObject({ customer_id: first.customer_id, expires_at: null });
  const { licenses } = await answered('licenses', 'find', '--email', 'Key@Example.com');
  expect(licenses.map(({ id }: { id: string }) => id).sort()).toEqual(
    [first.license_id, again.license_id].sort(),
  );
  expect((await answered('customers', 'list', '--email', 'key@example.com')).total).toBe(1);
});

test('a key that is taken is refused, and nothing is minted', async () => {
  writeFileSync(file('taken.txt'), 'DT1-TAKEN');
  await minted('taken@example.com', '--key-file', file('taken.txt'));
  const args = ['mint', '--name', 'B', '--email', 'b@example.com', '--tier', 'pro', '--key', 'DT1-TAKEN'];
  const { code, stdout, stderr } = await run([...args, '--output', file('b.license')]);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain('(license_key_taken)');
  expect(existsSync(file('b.license'))).toBe(false);
});

test('two mints at once for a new address make one customer and two licences', async () => {
  const [one, other] = await Promise.all([minted('two@example.com'), minted('two@example.com')]);
  expect(one.customer_id).toBe(other.customer_id);
  expect(one.license_id).not.toBe(other.license_id);
});

test('a mint that the KMS did not sign minted nothing, and is given again once it signs', {
  timeout: 180_000,
}, async () => {
  const args = ['mint', '--name', 'K', '--email', 'kms@example.com', '--tier', 'core', '--json'];
  const found = async () => (await answered('licenses', 'find', '--email', 'kms@example.com')).licenses;
  process.kill(stack.kmsPid, 'SIGSTOP');
  const failed = await run(args).finally(() => process.kill(stack.kmsPid, 'SIGCONT'));
  expect([failed.code, failed.stdout]).toEqual([1, '']);
  expect(failed.stderr).toContain('(signing_unavailable)');
  expect(await found()).toEqual([]);

  const minted = await signed(args);
  expect(minted.document).toMatch(/^DTLIC2:/);
  expect((await found()).map(({ id }: { id: string }) => id)).toEqual([minted.license_id]);
});

/** The service asks a KMS that failed again after a pause, which is its to choose. */
async function signed(args: readonly string[]) {
  for (;;) {
    const { code, stdout, stderr } = await run(args);
    if (code === 0) return JSON.parse(stdout);
    expect(stderr).toContain('(signing_unavailable)');
  }
}

test('--no-log says that the service records it all the same', async () => {
  const args = ['mint', '--name', 'N', '--email', 'nolog@example.com', '--tier', 'lite', '--no-log'];
  const { code, stdout, stderr } = await run(args);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^DTLIC2:\S+\n$/)]);
  expect(stderr).toContain('The service records every licence');
  expect((await answered('licenses', 'find', '--email', 'nolog@example.com')).licenses).toHaveLength(1);
});

test('a buyer who is offline goes on with the manifest that was kept, and pins the root', async () => {
  await minted('offline@example.com', '--output', file('offline.license'));
  const buyer = ['--name', 'Ada Lovelace', '--email', 'offline@example.com'];
  await answered('activate', file('offline.license'), ...buyer);
  const offline = {
    XDG_CONFIG_HOME: join(folder, 'settings'),
    COUNTERSIGN_URL: 'http://127.0.0.1:1',
    COUNTERSIGN_ROOT_KEY_FILE: join(folder, '.countersign', 'root-key.json'),
  };
  const status = await run(['status', '--json'], offline);
  expect([status.code, JSON.parse(status.stdout).tier]).toEqual([0, 'pro']);

  const kept = file('settings/countersign/license.json');
  writeFileSync(kept, JSON.stringify({ ...JSON.parse(readFileSync(kept, 'utf8')), manifest: null }));
  const blind = await run(['status'], offline);
  expect([blind.code, blind.stderr]).toEqual([1, expect.stringContaining('cannot be read')]);

  const root = JSON.parse(readFileSync(offline.COUNTERSIGN_ROOT_KEY_FILE, 'utf8'));
  writeFileSync(file('another-root.json'), JSON.stringify({ ...root, kid: 'another' }));
  const another = await run(['status', '--root', file('another-root.json')]);
  expect([another.code, another.stderr]).toEqual([1, expect.stringContaining('(unknown_root)')]);
});

test('a buyer fetches what the operator has renewed, and keeps the licence while there is nothing newer', async () => {
  const { license_id: id } = await minted('renewing@example.com', '--output', file('renewing.license'));
  const buyer = ['--name', 'Ada Lovelace', '--email', 'renewing@example.com'];
  const { expires_at } = await answered('activate', file('renewing.license'), ...buyer);
  const kept = () => readFileSync(file('settings/countersign/license.json'), 'utf8');
  const before = kept();
  expect(await answered('renew')).toMatchObject({ renewed: false, expires_at });
  expect(kept()).toBe(before);

  await answered('licenses', 'renew', id, '--days', '365');
  const renewed = await answered('renew');
  expect(renewed).toMatchObject({ renewed: true, name: 'Ada Lovelace' });
  expect(Date.parse(renewed.expires_at) - Date.parse(expires_at)).toBe(365 * DAY_MS);
  expect((await answered('status')).expires_at).toBe(renewed.expires_at);

  await answered('licenses', 'suspend', id, '--reason', 'unpaid');
  const after = kept();
  const refused = await run(['renew']);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('(license_suspended)')]);
  expect(kept()).toBe(after);
});

test('delivering writes the same bytes each time and mints nothing', async () => {
  const { license_id: id, document } = await minted('again@example.com');
  const delivered = await run(['licenses', 'deliver', id]);
  expect(delivered.stdout).toBe(`${document}\n`);
  const told = await answered('licenses', 'deliver', id, '--output', file('again.license'));
  expect(told).toMatchObject({ format: 'dtlic2', output: file('again.license') });
  expect(told.document).toBeUndefined();
  expect(readFileSync(file('again.license'), 'utf8')).toBe(`${document}\n`);
  expect((await answered('licenses', 'documents', id)).documents).toHaveLength(1);
});

test('a licence is suspended, reinstated, transferred and revoked for good', async () => {
  await answered('customers', 'add', 'new-owner', '--name', 'New Owner');
  const { license_id: id } = await minted('change@example.com');
  expect(await answered('licenses', 'suspend', id, '--reason', 'unpaid')).toMatchObject({
    status: 'suspended',
  });
  expect(await answered('licenses', 'reinstate', id)).toMatchObject({ status: 'active' });
  const transfer = ['licenses', 'transfer', id, '--customer', 'new-owner', '--holder-name', 'Grace Hopper'];
  const half = await run(transfer);
  expect([half.code, half.stderr]).toEqual([1, expect.stringContaining('--holder-email')]);
  expect(await answered(...transfer, '--holder-email', 'grace@example.com')).toMatchObject({
    customer_id: 'new-owner',
    holder: { name: 'Grace Hopper', email: 'grace@example.com' },
  });

  const asked = await run(['licenses', 'revoke', id, '--reason', 'chargeback']);
  expect([asked.code, asked.stdout]).toEqual([3, expect.stringContaining(`Revokes ${id} of New Owner`)]);
  expect(await answered('licenses', 'show', id)).toMatchObject({ status: 'active' });

  expect(await answered('licenses', 'revoke', id, '--reason', 'chargeback', '--yes')).toMatchObject({
    license_id: id,
  });
  expect(await answered('licenses', 'show', id)).toMatchObject({
    status: 'revoked',
    revoked_reason: 'chargeback',
  });
  const again = await run(['licenses', 'revoke', id, '--reason', 'chargeback', '--yes']);
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('(already_revoked)')]);
});

test('what ends within the days is listed with whom to remind, the first to end first', async () => {
  await answered('customers', 'add', 'trial-co', '--name', 'Trial Co', '--email', 'boss@trial.example');
  const issue = (days: string) =>
    answered(
      'licenses',
      'issue',
      '--customer',
      'trial-co',
      '--module',
      'm',
      '--type',
      'trial',
      '--days',
      days,
      '--versions',
      '1',
    );
  const [later, sooner, after] = [await issue('9'), await issue('5'), await issue('11')];
  const own = (licenses: { id?: string; license_id?: string }[]) =>
    licenses
      .map(({ id, license_id }) => id ?? license_id)
      .filter((id) => [later.id, sooner.id, after.id].includes(id));
  expect(own((await answered('licenses', 'expiring', '--days', '10')).licenses)).toEqual([
    sooner.id,
    later.id,
  ]);
  const { reminders } = await answered('reminders', '--days', '10');
  expect(own(reminders)).toEqual([sooner.id, later.id]);
  expect(reminders).toContainEqual({
    license_id: sooner.id,
    customer_name: 'Trial Co',
    email: 'boss@trial.example',
    expires_at: sooner.expires_at,
  });
});

test('the counts of stats, count and export agree', async () => {
  const { total, by_status } = await answered('stats');
  const { counts } = await answered('licenses', 'count', '--by', 'type');
  expect(Object.values<number>(counts).reduce((sum, number) => sum + number, 0)).toBe(total);
  expect((await answered('licenses', 'count', '--by', 'status', '--status', 'active')).counts).toEqual({
    active: by_status.active,
  });
  const path = file('export.csv');
  const exported = await run(['export', '--format', 'csv', '--output', path]);
  expect([exported.code, exported.stdout]).toEqual([0, '']);
  expect(readFileSync(path, 'utf8').trimEnd().split('\r\n')).toHaveLength(total + 1);
  const lines = (await run(['export', '--format', 'jsonl'])).stdout.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).id)).toHaveLength(total);
});

describe('where it talks to', () => {
  const elsewhere = (env: Readonly<Record<string, string>>) =>
    run(['stats'], { COUNTERSIGN_HOME: file('nowhere'), ...env });

  test.each([
    [
      'a URL without a key',
      { COUNTERSIGN_URL: 'https://licenses.example' },
      'COUNTERSIGN_API_KEY is not set',
    ],
    ['a key without a URL', { COUNTERSIGN_API_KEY: 'csa_x' }, 'COUNTERSIGN_URL is not set'],
    [
      'a URL in the clear',
      { COUNTERSIGN_URL: 'http://licenses.example', COUNTERSIGN_API_KEY: 'csa_x' },
      'must begin with https://',
    ],
    ['nothing, where there is no local stack', {}, 'Start one with npm start'],
    [
      'a service that is not there',
      { COUNTERSIGN_URL: 'http://127.0.0.1:1', COUNTERSIGN_API_KEY: 'csa_x' },
      'No answer from http://127.0.0.1:1',
    ],
  ])('%s is a sentence and exit code 1', async (_, env, sentence) => {
    const { code, stdout, stderr } = await elsewhere(env as Record<string, string>);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain('csa_x');
    expect(stderr).not.toMatch(/^ +at /m);
  });

  test('the environment goes before the local stack, and a wrong key is refused', async () => {
    const url = { COUNTERSIGN_URL: stack.local.base_url };
    const good = await elsewhere({ ...url, COUNTERSIGN_API_KEY: stack.local.admin_api_key });
    expect(good.code).toBe(0);
    const bad = await run(['stats'], {
      ...environment,
      ...url,
      COUNTERSIGN_API_KEY: `csa_${'x'.repeat(43)}`,
    });
    expect([bad.code, bad.stderr]).toEqual([1, expect.stringContaining('(unauthenticated)')]);
  });
});
