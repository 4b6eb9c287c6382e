/** `countersign activate`, `status`, `renew` with the root key alone: which manifest they go by, and what they remember of it. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { dtlic2 } from '../../shared/formats/dtlic2.ts';
import { dtlic2Terms, seal } from '../support/issued-licenses.ts';
import { DAY, SECOND } from '../support/records.ts';
import { base64url, ED, headerOf, keys, RSA, signParts, sorted } from '../support/signed-documents.ts';
import { type Ended, REPOSITORY, spawnProgram } from '../support/spawn-stack.ts';

const BIN = join(REPOSITORY, 'scripts', 'countersign.js');
const BUYER = ['--name', 'Zoë Müller', '--email', 'zoe@example.com'];
const LICENSE = seal(dtlic2, dtlic2Terms({ expires_at: '2100-01-01T00:00:00+00:00' }));
const RENEWED = seal(dtlic2, dtlic2Terms({ expires_at: '2101-01-01T00:00:00+00:00' }));

/** RSA is the root here, and Ed25519 the licence key. */
const ACTIVE = { ...keys[ED].jwk, state: 'active' };
const COMPROMISED = { kid: keys[ED].kid, alg: 'EdDSA', state: 'compromised' };

let folder: string;
let file: string;
let server: Server;
/** What the service hands out; undefined for one that is away. */
let served: string | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-buyer-'));
  file = join(folder, 'license.json');
  writeFileSync(join(folder, 'root.json'), JSON.stringify(keys[RSA].jwk));
  writeFileSync(join(folder, 'jwks.json'), JSON.stringify({ keys: [keys[ED].jwk] }));
  server = createServer((_request, response) => {
    if (served === undefined) response.destroy();
    else response.end(served);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  await once(server.close(), 'close');
  rmSync(folder, { recursive: true, force: true });
});

/** One that expires a day after it was signed. */
function manifestOf(
  version: number,
  key: object = ACTIVE,
  signedAt = Date.now(),
  signer: typeof RSA | typeof ED = RSA,
) {
  const iat = Math.floor(signedAt / SECOND);
  const payload = { iss: 'countersign', iat, exp: iat + DAY / SECOND, version, keys: [key] };
  const header = headerOf(signer, { typ: 'license-keys+jwt' });
  return signParts(signer, base64url(header), base64url(sorted(payload)));
}

function run(...args: readonly string[]): Promise<Ended> {
  const { port } = server.address() as AddressInfo;
  const env = {
    COUNTERSIGN_URL: `http://127.0.0.1:${port}`,
    COUNTERSIGN_LICENSE_FILE: file,
    COUNTERSIGN_ROOT_KEY_FILE: join(folder, 'root.json'),
  };
  return spawnProgram(BIN, args, { env }).ended;
}

/** `holds`, or the code of the refusal. */
async function codeOf(...args: readonly string[]): Promise<string | undefined> {
  const { code, stdout, stderr } = await run(...args);
  expect(code, stderr).toBeLessThan(2);
  return code === 0 ? 'holds' : /\((\w+)\)/.exec(stdout + stderr)?.[1];
}

const activate = (license = LICENSE) => codeOf('activate', license, ...BUYER);
const kept = () => JSON.parse(readFileSync(file, 'utf8'));
const keep = (manifest: string) => writeFileSync(file, JSON.stringify({ ...kept(), manifest }));

describe('a manifest that is older than the kept one is refused', () => {
  beforeEach(async () => {
    served = manifestOf(13);
    expect(await activate()).toBe('holds');
  });

  test.each([
    ['has expired', Date.now() - 2 * DAY],
    ['is of the future', Date.now() + 2 * DAY],
  ])('also where the kept one %s: it may have told of a compromise', async (_what, signedAt) => {
    const manifest = manifestOf(14, COMPROMISED, signedAt);
    keep(manifest);
    served = manifestOf(12);
    expect(await codeOf('status')).toBe('manifest_outdated');
    expect(await activate()).toBe('manifest_outdated');
    expect(await codeOf('renew', '--from', RENEWED)).toBe('manifest_outdated');
    expect(kept()).toMatchObject({ manifest, license: LICENSE });

    served = manifestOf(15, COMPROMISED);
    expect(await codeOf('status')).toBe('key_compromised');
    served = manifestOf(16);
    expect(await codeOf('status')).toBe('holds');
  });

  test('and the kept one decides while it is in force', async () => {
    keep(manifestOf(14, COMPROMISED));
    served = manifestOf(12);
    expect(await codeOf('status')).toBe('key_compromised');
    served = undefined;
    expect(await codeOf('status')).toBe('key_compromised');
  });

  test('and so is another one of the same version', async () => {
    served = manifestOf(13, COMPROMISED);
    expect(await codeOf('status')).toBe('holds');
    const manifest = manifestOf(13, ACTIVE, Date.now() - 2 * DAY);
    keep(manifest);
    expect([await codeOf('status'), kept().manifest]).toEqual(['manifest_outdated', manifest]);
  });

  test('unless that is of another root', async () => {
    keep(manifestOf(99, COMPROMISED, Date.now(), ED));
    served = manifestOf(1);
    expect([await codeOf('status'), kept().manifest]).toEqual(['holds', served]);
  });
});

describe('a newer manifest is kept', () => {
  beforeEach(async () => {
    served = manifestOf(1);
    expect(await activate()).toBe('holds');
    served = manifestOf(2, COMPROMISED);
  });

  test.each([
    ['status', () => codeOf('status')],
    ['activate', () => activate()],
    ['renew', () => codeOf('renew', '--from', RENEWED)],
  ])('by %s, also where it refuses the licence', async (_command, act) => {
    expect(await act()).toBe('key_compromised');
    expect(kept()).toMatchObject({ manifest: served, license: LICENSE });
    served = manifestOf(1);
    expect(await codeOf('status')).toBe('key_compromised');
    expect(await activate(RENEWED)).toBe('key_compromised');
  });

  test('over a command with a set of keys, which asks for none', async () => {
    expect(await codeOf('status')).toBe('key_compromised');
    const manifest = served;
    expect(await codeOf('status', '--keys', join(folder, 'jwks.json'))).toBe('holds');
    expect(await codeOf('renew', '--from', RENEWED, '--keys', join(folder, 'jwks.json'))).toBe('holds');
    expect(kept()).toMatchObject({ manifest, license: RENEWED });
    served = manifestOf(1);
    expect(await codeOf('status')).toBe('key_compromised');
  });
});

test('without a manifest in force nothing is activated, and it says why', async () => {
  served = undefined;
  const { code, stderr } = await run('activate', LICENSE, ...BUYER);
  expect([code, stderr]).toEqual([1, expect.stringContaining('The keys to verify with cannot be read')]);
  served = manifestOf(1, ACTIVE, Date.now() - 2 * DAY);
  expect(await activate()).toBe('manifest_expired');
  served = manifestOf(1, ACTIVE, Date.now(), ED);
  expect(await activate()).toBe('unknown_root');
  served = '<html>';
  expect([await activate(), existsSync(file)]).toEqual(['malformed_manifest', false]);
});
