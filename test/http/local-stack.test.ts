/** `npm start` and `npm run demo` as a developer meets them: files, restarts, signals, and sentences for mistakes. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../../shared/client/client.ts';
import { endsWithin, isAlive } from '../support/processes.ts';
import { launch, readLocalFile, type SpawnedStack, spawnStack } from '../support/spawn-stack.ts';

const NEEDED_MAJOR = 24;
const GONE_WITHIN_MS = 5000;

let folder: string;
/** One home for most tests, so that RSA keys are made once. */
let home: string;
const running = new Set<SpawnedStack>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-stack-test-'));
  home = join(folder, 'home');
  const first = await start();
  await first.stop();
});

afterEach(async () => {
  for (const stack of running) await stack.stop('SIGKILL');
  running.clear();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(
  options: { port?: number; home?: string; detached?: boolean } = {},
): Promise<SpawnedStack> {
  // Set by another program of this developer; the stack has a store of its own.
  const env = { FIRESTORE_EMULATOR_HOST: '127.0.0.1:1' };
  const stack = await spawnStack({ home, env, ...options });
  running.add(stack);
  return stack;
}

const modeOf = (path: string) => statSync(path).mode & 0o777;

describe('local.json', () => {
  test('has exactly the five members that others read, for its owner only', async () => {
    const { local } = await start();
    expect(Object.keys(local).sort()).toEqual([
      'admin_api_key',
      'base_url',
      'finance_api_key',
      'license_key',
      'unlimited_license_key',
    ]);
    expect(local.base_url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(local.license_key).toMatch(/^DEMO-/);
    expect(new Set(Object.values(local)).size).toBe(5);
    expect(modeOf(join(home, 'local.json'))).toBe(0o600);
    expect((await fetch(`${local.base_url}/health`)).status).toBe(200);
  });

  test('its API keys open what their names say, also after a restart', async () => {
    const ask = async ({ local }: SpawnedStack, apiKey: string) => {
      const headers = { 'x-api-key': apiKey };
      const answer = await fetch(`${local.base_url}/api/v1/admin/api-keys`, { headers });
      return [answer.status, await answer.json()];
    };
    for (let time = 0; time < 2; time++) {
      const stack = await start();
      const [status, { api_keys: keys }] = await ask(stack, stack.local.admin_api_key);
      expect([status, keys.length]).toEqual([200, 2]);
      const finance = keys.find(({ name }: { name: string }) => name === 'local finance');
      expect(finance).toMatchObject({
        scopes: ['usage:read'],
        prefix: stack.local.finance_api_key.slice(0, 12),
      });
      expect(await ask(stack, stack.local.finance_api_key)).toMatchObject([403, { code: 'forbidden' }]);
      await stack.stop();
    }
  });

  test('nothing in the home can be read by others', async () => {
    await start();
    const all = readdirSync(home, { recursive: true, encoding: 'utf8' });
    const open = all.filter((name) => (modeOf(join(home, name)) & 0o077) !== 0);
    // SQLite makes its files with the umask; the folder above keeps others out.
    expect(open.filter((name) => !name.startsWith('countersign.sqlite'))).toEqual([]);
    expect(modeOf(home)).toBe(0o700);
  });

  test('no key is printed', async () => {
    const stack = await start();
    const { base_url: _, ...keys } = stack.local;
    for (const key of Object.values(keys)) expect(stack.stdout() + stack.stderr()).not.toContain(key);
    expect(stack.stdout()).toContain(join(home, 'local.json'));
    expect(stack.stderr()).toBe('');
  });
});

describe('a restart on the same home', () => {
  test('keeps keys, licences and sessions', async () => {
    const first = await start();
    const client = createClient({ baseUrl: first.local.base_url });
    const { session_id } = await client.acquire({
      license_key: first.local.license_key,
      hardware_id: 'machine-1',
    });
    const { keys } = await client.jwks();
    await first.stop();

    const second = await start();
    const { base_url: oldUrl, ...before } = first.local;
    const { base_url: baseUrl, ...after } = second.local;
    expect(after).toEqual(before);
    const again = createClient({ baseUrl });
    expect((await again.jwks()).keys).toEqual(keys);
    expect((await again.heartbeat({ session_id })).session_id).toBe(session_id);
    const same = await again.acquire({ license_key: after.license_key, hardware_id: 'machine-1' });
    expect(same.session_id).toBe(session_id);
    await again.release({ session_id });
    expect(oldUrl).toMatch(/^http/);
  });

  test('works after kill -9 as well', async () => {
    const first = await start();
    const { session_id } = await createClient({ baseUrl: first.local.base_url }).acquire({
      license_key: first.local.license_key,
      hardware_id: 'machine-2',
    });
    await first.stop('SIGKILL');
    const second = await start();
    const client = createClient({ baseUrl: second.local.base_url });
    expect((await client.heartbeat({ session_id })).session_id).toBe(session_id);
    await client.release({ session_id });
  });
});

describe('the end', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('%s stops both processes with exit code 0', async (signal) => {
    const stack = await start();
    expect(isAlive(stack.kmsPid)).toBe(true);
    // Leaves a keep-alive connection open.
    await fetch(`${stack.local.base_url}/health`);
    const { code, stdout, stderr } = await stack.stop(signal);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.trimEnd().endsWith('Stopped.')).toBe(true);
    expect(isAlive(stack.kmsPid)).toBe(false);
  });

  test('Ctrl-C reaches both processes at once, and that is fine', async () => {
    const stack = await start({ detached: true });
    process.kill(-stack.pid, 'SIGINT');
    const { code, stderr } = await stack.ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(isAlive(stack.kmsPid)).toBe(false);
  });

  test('kill -9 leaves no KMS process behind', async () => {
    const stack = await start();
    await stack.stop('SIGKILL');
    expect(await endsWithin(stack.kmsPid, GONE_WITHIN_MS)).toBe(true);
  });
});

describe('a mistake gets exit code 1 and a sentence', () => {
  async function refusal(env: Record<string, string>) {
    const { code, stdout, stderr } = await launch('start.ts', {
      env: { PORT: '0', COUNTERSIGN_HOME: home, ...env },
    }).ended;
    expect(code, stderr).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^Countersign cannot start\. .+\n$/);
    expect(stderr).not.toMatch(/^\s+at /m);
    return stderr;
  }

  test('a port that is in use', async () => {
    const stack = await start();
    const { port } = new URL(stack.local.base_url);
    const other = join(folder, 'other');
    const sentence = await refusal({ PORT: port, COUNTERSIGN_HOME: other });
    expect(sentence).toContain(port);
    expect(sentence).toContain('PORT=');
    expect(existsSync(join(other, 'kms'))).toBe(false);
    expect((await fetch(`${stack.local.base_url}/health`)).status).toBe(200);
  });

  test('a home that another stack uses', async () => {
    const stack = await start();
    expect(await refusal({})).toContain(join(home, 'kms'));
    expect(readLocalFile(home)).toEqual(stack.local);
    expect((await fetch(`${stack.local.base_url}/health`)).status).toBe(200);
  });

  test('a home below a file', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    for (const wrong of [file, join(file, 'home')]) {
      const sentence = await refusal({ COUNTERSIGN_HOME: wrong });
      expect(sentence).toContain(wrong);
      expect(sentence).toContain('COUNTERSIGN_HOME=');
    }
  });

  test.runIf(existsSync('/proc'))('a home where the system lets nobody make a folder', async () => {
    for (const wrong of ['/proc/countersign', '/proc/countersign/home']) {
      expect(await refusal({ COUNTERSIGN_HOME: wrong })).toContain(`${wrong} cannot be made`);
    }
  });

  test('a home whose KMS folder cannot be made', async () => {
    const wrong = join(folder, 'half');
    mkdirSync(wrong);
    writeFileSync(join(wrong, 'kms'), '');
    expect(await refusal({ COUNTERSIGN_HOME: wrong })).toContain(join(wrong, 'kms'));
  });

  test('a local.json that is damaged', async () => {
    const wrong = join(folder, 'damaged');
    mkdirSync(wrong);
    writeFileSync(join(wrong, 'local.json'), '{"base_url":');
    expect(await refusal({ COUNTERSIGN_HOME: wrong })).toContain('local.json');
  });

  test.each(['abc', '-1', '65536', '8080.5', '80 80'])('PORT=%s', async (port) => {
    const sentence = await refusal({ PORT: port });
    expect(sentence).toContain('PORT');
    expect(sentence).toContain(port);
  });

  test('NODE_ENV=production', async () => {
    expect(await refusal({ NODE_ENV: 'production' })).toContain('NODE_ENV');
  });
});

describe('an old Node', () => {
  const SENTENCE =
    /^Countersign needs Node 24 or later, and this is Node \d+\.\d+\.\d+\.\nRun "npm ci" .+\n$/;

  test.each(['start.ts', 'demo.ts'] as const)(
    '%s says which Node is needed and where it comes from',
    async (program) => {
      const node = oldNode();
      // Without one on this machine, this Node says that it is old.
      const pretend = "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.1.0'})";
      const options = node === undefined ? { nodeArgs: ['--import', pretend] } : { node };
      const { code, stdout, stderr } = await launch(program, options).ended;
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(SENTENCE);
      expect(stderr).toContain(program === 'demo.ts' ? '"npm run demo"' : '"npm start"');
    },
  );
});

/** A `node` on the path that is too old to run the service. */
function oldNode(): string | undefined {
  const candidates = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'node'));
  return candidates
    .filter((file) => existsSync(file))
    .find((file) => {
      const version = execFileSync(file, ['--version'], { encoding: 'utf8' });
      return Number(/^v(\d+)/.exec(version)?.[1]) < NEEDED_MAJOR;
    });
}

describe('the demo', () => {
  test('tells the whole story, exits with 0 and leaves nothing behind', async () => {
    const temporary = join(folder, 'demo-tmp');
    mkdirSync(temporary);
    const { code, stdout, stderr } = await launch('demo.ts', { env: { TMPDIR: temporary } }).ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('seats_exhausted');
    expect(stdout).toContain('signature_invalid');
    expect(readdirSync(temporary)).toEqual([]);
    const kmsPid = Number(/KMS in process (\d+)/.exec(stdout)?.[1]);
    expect(isAlive(kmsPid)).toBe(false);
  });

  test('stopped half way, it leaves neither a folder nor a process behind', async () => {
    const temporary = join(folder, 'demo-stopped-tmp');
    mkdirSync(temporary);
    const demo = launch('demo.ts', { env: { TMPDIR: temporary }, detached: true });
    while (readdirSync(temporary).length === 0) await pause(20);
    process.kill(-demo.pid, 'SIGINT');
    await demo.ended;
    expect(readdirSync(temporary)).toEqual([]);
  });
});

test('the launcher is what npm start runs', () => {
  const { scripts } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
  expect(scripts.start).toBe('node scripts/launch.js start.ts');
  expect(scripts.demo).toBe('node scripts/launch.js demo.ts');
});
