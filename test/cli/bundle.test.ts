/** `countersign` as operators and buyers get it: built, packed, installed without a network, away from this repository. */
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { deskOn } from '../support/license-desk.ts';
import { secretsIn } from '../support/secrets.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { type Ended, REPOSITORY, spawnProgram } from '../support/spawn-stack.ts';

let folder: string;
let service: TestService;
let apiKey: string;
const { issued, openDesk } = deskOn(() => service);

const built = () => join(folder, 'built');
const installed = () => join(folder, 'prefix', 'lib', 'node_modules', 'countersign');
const command = () => join(folder, 'prefix', 'bin', 'countersign');

/** A shell in a folder of its own, with the Node of this process and nothing of the repository. */
function shell(script: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
  const home = { HOME: folder, XDG_CONFIG_HOME: join(folder, 'settings') };
  const text = `cd "${join(folder, 'elsewhere')}"\n${script}`;
  return spawnProgram('-c', [text], { node: '/bin/bash', env: { PATH, ...home, ...env } }).ended;
}

/** The command as it was installed. */
function countersign(args: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return shell(`"${command()}" ${args}`, env);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-bundle-'));
  mkdirSync(join(folder, 'elsewhere'));
  const build = await spawnProgram('scripts/build/cli.ts', [built()]).ended;
  expect([build.code, build.stderr]).toEqual([0, '']);
  const npm = 'npm --offline --no-audit --no-fund --no-update-notifier --loglevel error';
  const install = await shell(
    `${npm} pack --pack-destination "${folder}" "${built()}" > packed &&
     ${npm} install --global --prefix "${join(folder, 'prefix')}" "${folder}/$(cat packed)"`,
  );
  expect(install.code, install.stderr).toBe(0);
  service = await startTestService();
  apiKey = (await service.admin())['x-api-key'];
  await openDesk();
}, 180_000);
afterAll(async () => {
  await service?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('says its version, and lists what it can do', async () => {
  expect(await countersign('--version')).toMatchObject({
    code: 0,
    stdout: `${manifest.version}\n`,
    stderr: '',
  });
  const help = await countersign('--help');
  expect([help.code, help.stderr]).toEqual([0, '']);
  for (const name of ['activate', 'customers', 'licenses', 'mint', 'completion'])
    expect(help.stdout).toContain(`  ${name} `);
});

test('leaves out what works on a store and a KMS', async () => {
  expect(await countersign('keys status')).toMatchObject({ code: 2, stdout: '' });
  expect(await countersign('audit verify')).toMatchObject({ code: 2, stdout: '' });
  const text = readFileSync(join(built(), 'main.js'), 'utf8');
  expect(text).not.toMatch(/@google-cloud|@aws-sdk|grpc|node-forge/);
});

test('an operator lists customers, and one without a key is told what is missing', async () => {
  const environment = { COUNTERSIGN_URL: service.baseUrl, COUNTERSIGN_API_KEY: apiKey };
  const listed = await countersign('customers list --json', environment);
  expect([listed.code, listed.stderr]).toEqual([0, '']);
  const ids = JSON.parse(listed.stdout).customers.map(({ id }: { id: string }) => id);
  expect(ids).toEqual(expect.arrayContaining(['acme-gmbh', 'other-co']));
  const nowhere = await countersign('customers list');
  expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringContaining('No service is named')]);
  expect(nowhere.stderr).not.toMatch(/^ +at /m);
});

test('a buyer activates a licence without the service, sees its state, and removes it', async () => {
  const holder = { name: 'Zoë Müller', email: 'zoe@example.com' };
  const { id } = await issued({ holder, formats: ['dtlic2'], key_style: 'datatools' });
  const environment = { COUNTERSIGN_URL: service.baseUrl, COUNTERSIGN_API_KEY: apiKey };
  const license = join(folder, 'zoe.license');
  expect(await countersign(`licenses deliver ${id} --output "${license}"`, environment)).toMatchObject({
    code: 0,
  });
  const keys = join(folder, 'jwks.json');
  writeFileSync(keys, JSON.stringify(await service.client.jwks()));

  const offline = { COUNTERSIGN_JWKS_FILE: keys };
  const activated = await countersign(
    `activate "${license}" --name "Zoë Müller" --email zoe@example.com --json`,
    offline,
  );
  expect([activated.code, activated.stderr]).toEqual([0, '']);
  const status = await countersign('status --json', offline);
  expect(JSON.parse(status.stdout)).toMatchObject({ valid: true, name: 'Zoë Müller', tier: 'pro' });
  const stranger = await countersign(`activate "${license}" --name "Eve" --email eve@example.com`, offline);
  expect([stranger.code, stranger.stderr]).toEqual([1, expect.stringContaining('(holder_mismatch)')]);
  expect((await countersign('deactivate', offline)).code).toBe(0);
  expect(existsSync(join(folder, 'settings', 'countersign', 'license.json'))).toBe(false);
});

test('needs no other package, and brings the licences of what is in it', () => {
  const { dependencies, bin, engines } = JSON.parse(readFileSync(join(installed(), 'package.json'), 'utf8'));
  expect([dependencies, bin, engines]).toEqual([
    undefined,
    { countersign: 'countersign.js' },
    manifest.engines,
  ]);
  expect(existsSync(join(installed(), 'node_modules'))).toBe(false);
  expect(statSync(join(installed(), 'countersign.js')).mode & 0o111).not.toBe(0);
  const licenses = readFileSync(join(installed(), 'THIRD-PARTY-LICENSES.txt'), 'utf8');
  for (const name of ['commander', 'zod', 'cli-progress'])
    expect(licenses).toMatch(new RegExp(`^${name} \\d`, 'm'));
  expect(licenses).toContain('Permission is hereby granted');
});

test('names the Node that it needs, which is that of the repository', () => {
  const bin = readFileSync(join(installed(), 'countersign.js'), 'utf8');
  expect(`>=${/NEEDED_MAJOR = (\d+)/.exec(bin)?.[1]}`).toBe(manifest.engines.node);
});

/** What customers get. */
const files = () => globSync('**/*', { cwd: installed() }).map((path) => join(installed(), path));

test('holds no private key, no HMAC secret, and nothing about the machine that built it', () => {
  expect(files().length).toBeGreaterThanOrEqual(5);
  for (const path of files()) {
    const text = readFileSync(path, 'latin1');
    expect([path, secretsIn(text)]).toEqual([path, []]);
    expect(text.includes(REPOSITORY)).toBe(false);
  }
});

test('a secret in it would be found', () => {
  const planted = `${readFileSync(join(built(), 'main.js'), 'latin1')}\nconst SIGNING_SECRET = '${'0123456789abcdef'.repeat(4)}';`;
  expect(secretsIn(planted)).toEqual(['hmac']);
});
