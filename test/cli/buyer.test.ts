/** `countersign activate`, `status`, `renew`, `deactivate` on a machine that reaches no service, or a wrong one. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dtlic2 } from '../../shared/formats/dtlic2.ts';
import { dtlic2Terms, seal } from '../support/issued-licenses.ts';
import { ED, keys, newKeyPair, testKey } from '../support/signed-documents.ts';
import { type Ended, REPOSITORY, spawnProgram } from '../support/spawn-stack.ts';

const BIN = join(REPOSITORY, 'scripts', 'countersign.js');
const BUYER = ['--name', 'Zoë Müller', '--email', 'zoe@example.com'];

let folder: string;
let jwks: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-buyer-'));
  jwks = join(folder, 'jwks.json');
  file = join(folder, 'settings', 'countersign', 'license.json');
  writeFileSync(jwks, JSON.stringify({ keys: [keys[ED].jwk] }));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** As a buyer types it; the program came with a set of keys. */
function run(args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const env = {
    XDG_CONFIG_HOME: join(folder, 'settings'),
    COUNTERSIGN_HOME: join(folder, 'none'),
    COUNTERSIGN_JWKS_FILE: jwks,
    ...more,
  };
  return spawnProgram(BIN, args, { env }).ended;
}

function blobFile(terms: Partial<Parameters<typeof dtlic2Terms>[0]> = {}, name = 'ada.license'): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    `${seal(dtlic2, dtlic2Terms({ expires_at: '2100-01-01T00:00:00+00:00', ...terms }))}\n`,
  );
  return path;
}

test('activates a licence offline, into a file that only its owner reads', async () => {
  const { code, stdout, stderr } = await run(['activate', blobFile(), ...BUYER, '--json']);
  expect([code, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)).toMatchObject({ valid: true, tier: 'core', name: 'Zoë Müller', file });
  expect(statSync(file).mode & 0o777).toBe(0o600);

  const status = await run(['status', '--json']);
  expect(status.code).toBe(0);
  expect(JSON.parse(status.stdout)).toMatchObject({
    valid: true,
    expires_at: '2100-01-01T00:00:00.000+00:00',
  });
});

test.each([
  ['another name', ['--name', 'Zoe Muller', '--email', 'zoe@example.com'], 'holder_mismatch'],
  ['another address', ['--name', 'Zoë Müller', '--email', 'zoe@example.org'], 'holder_mismatch'],
])('refuses %s than the licence was signed for', async (_, buyer, code) => {
  const refused = await run(['activate', blobFile(), ...buyer]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(`(${code})`);
  expect(existsSync(file)).toBe(false);
});

test('refuses a licence that was changed, one of an unknown key, and one that has ended', async () => {
  const path = blobFile();
  const [payload = '', signature = ''] = readFileSync(path, 'utf8').trim().split('.');
  const better = Buffer.from(payload.slice('DTLIC2:'.length), 'base64url').toString().replace('core', 'pro');
  const forged = `DTLIC2:${Buffer.from(better).toString('base64url')}.${signature}`;
  expect((await run(['activate', forged, ...BUYER])).stderr).toContain('(signature_invalid)');

  const stranger = { ...testKey(ED, await newKeyPair[ED]()).jwk, kid: 'another' };
  writeFileSync(jwks, JSON.stringify({ keys: [stranger] }));
  expect((await run(['activate', path, ...BUYER])).stderr).toContain('(unknown_key)');

  writeFileSync(jwks, JSON.stringify({ keys: [keys[ED].jwk] }));
  const ended = blobFile({ expires_at: '2026-01-01T00:00:00+00:00' });
  expect((await run(['activate', ended, ...BUYER])).stderr).toContain('(license_expired)');
  expect(existsSync(file)).toBe(false);
});

test('without a key to trust it trusts none', async () => {
  const { code, stderr } = await run(['activate', blobFile(), ...BUYER], { COUNTERSIGN_JWKS_FILE: '' });
  expect(code).toBe(1);
  expect(stderr).toContain('No key is trusted here');
});

test('status says why a licence holds no longer, with exit code 1', async () => {
  await run(['activate', blobFile(), ...BUYER]);
  writeFileSync(
    jwks,
    JSON.stringify({ keys: [{ ...keys[ED].jwk, state: 'retiring', sunset_at: '2026-01-01T00:00:00Z' }] }),
  );
  const { code, stdout } = await run(['status', '--json']);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ valid: false, code: 'key_retired' });
});

test('renews from what the vendor sent, and keeps the old one when that is another buyer’s', async () => {
  await run(['activate', blobFile(), ...BUYER]);
  const before = readFileSync(file, 'utf8');
  const other = await run(['renew', '--from', blobFile({ name: 'Ada' }, 'other.license')]);
  expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('(holder_mismatch)')]);
  expect(readFileSync(file, 'utf8')).toBe(before);

  const longer = blobFile({ expires_at: '2101-01-01T00:00:00+00:00' }, 'longer.license');
  const renewed = await run(['renew', '--from', longer, '--json']);
  expect(JSON.parse(renewed.stdout)).toMatchObject({
    renewed: true,
    expires_at: '2101-01-01T00:00:00.000+00:00',
  });
  expect(JSON.parse((await run(['status', '--json'])).stdout).expires_at).toBe(
    '2101-01-01T00:00:00.000+00:00',
  );
});

test.each([
  [
    'does not take the licence',
    403,
    { code: 'license_not_accepted', detail: 'No.', reason: 'unknown_key' },
    'give it with --from',
  ],
  ['answers something else', 200, { license_key: 7 }, 'something else than a licence'],
  [
    'has another buyer’s',
    200,
    { license_key: 'other.license', renewed: true, expires_at: null, days_left: null },
    '(holder_mismatch)',
  ],
])('a service that %s leaves the licence as it is', async (_, status, body, sentence) => {
  await run(['activate', blobFile(), ...BUYER]);
  const before = readFileSync(file, 'utf8');
  const other = readFileSync(blobFile({ name: 'Ada' }, 'other.license'), 'utf8').trim();
  const answer = JSON.stringify(body).replace('other.license', other);
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(answer);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const renewed = await run(['renew'], { COUNTERSIGN_URL: `http://127.0.0.1:${port}` });
    expect([renewed.code, renewed.stderr]).toEqual([1, expect.stringContaining(sentence)]);
    expect(readFileSync(file, 'utf8')).toBe(before);
  } finally {
    server.close();
  }
});

test('does not go back to a licence that ends sooner', async () => {
  await run(['activate', blobFile(), ...BUYER]);
  const shorter = blobFile({ expires_at: '2099-01-01T00:00:00+00:00' }, 'shorter.license');
  const { code, stderr } = await run(['renew', '--from', shorter]);
  expect([code, stderr]).toEqual([1, expect.stringContaining('ends sooner')]);
  expect(JSON.parse((await run(['status', '--json'])).stdout).expires_at).toBe(
    '2100-01-01T00:00:00.000+00:00',
  );
});

test('deactivates once; a damaged file can be removed too', async () => {
  await run(['activate', blobFile(), ...BUYER]);
  expect((await run(['deactivate'])).code).toBe(0);
  expect(existsSync(file)).toBe(false);
  const again = await run(['deactivate']);
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('No licence is activated')]);

  writeFileSync(file, '{"license":');
  expect((await run(['status'])).stderr).toContain('is damaged');
  expect((await run(['deactivate'])).code).toBe(0);
});
