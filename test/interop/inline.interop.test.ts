/**
 * Documents of the running local stack, verified by programs that share no code with it: Python's standard
 * library, the openssl command and Go's standard library.
 */
import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { createHasher } from '../../infra/hasher.ts';
import { openSqliteStore } from '../../infra/stores/sqlite.ts';
import { readOrCreateSecret } from '../../scripts/local/local-file.ts';
import { ALGORITHM_NAMES, type AlgorithmName } from '../../shared/algorithms.ts';
import { generateLicenseKey } from '../../shared/license-key.ts';
import { createLicense } from '../../shared/usecases/create-license.ts';
import { type SpawnedStack, spawnStack } from '../support/spawn-stack.ts';
import { changesOf, flip } from './changes.ts';

const CUSTOMER = { id: 'customer-1', name: 'Société Générale 東京 😀' };
const HERE = import.meta.dirname;

let folder: string;
let stack: SpawnedStack | undefined;
let baseUrl: string;
let licenseKeys: ReadonlyMap<AlgorithmName, string>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-interop-'));
  const home = join(folder, 'home');
  mkdirSync(home);
  licenseKeys = await addLicenses(home);
  stack = await spawnStack({ home, env: { LOG_LEVEL: 'WARNING' } });
  baseUrl = stack.local.base_url;
});

afterAll(async () => {
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(ALGORITHM_NAMES)('an inline document signed with %s', (algorithm) => {
  test('verifies in Python, from the bytes of the answer', async (context) => {
    requirePrograms(context, 'python3', 'openssl');
    const answer = await acquireText(algorithm, { nonce: 'n-42 é\u2028😀' });
    const { license_data: document } = JSON.parse(answer);
    expect(document).toMatchObject({ customer: CUSTOMER, signature_algorithm: algorithm });
    const { status, stdout, stderr } = await python([
      'verify_inline.py',
      file('answer.json', answer),
      await pem(document.kid),
    ]);
    expect([stderr, status]).toEqual(['', 0]);
    expect(JSON.parse(stdout)).toEqual(document);
  });

  test('is refused by Python when any one thing in it is changed', async (context) => {
    requirePrograms(context, 'python3', 'openssl');
    const { license_data: document } = JSON.parse(await acquireText(algorithm, { nonce: 'n-42' }));
    const changed = changesOf(document);
    // Every member was changed, taken away and renamed, or the walk has a hole.
    for (const name of Object.keys(document)) {
      expect(changed.filter(({ what }) => what.split(/[/ ]/)[1] === name).length).toBeGreaterThanOrEqual(3);
    }
    const [genuine, ...verdicts] = await verifyAll(
      [JSON.stringify(document), ...changed.map(({ text }) => text)],
      await pem(document.kid),
    );
    expect(genuine).toBe('genuine');
    expect(verdicts).toHaveLength(changed.length);
    expect(changed.filter((_, i) => !verdicts[i]?.startsWith('refused')).map(({ what }) => what)).toEqual([]);
  });
});

describe.each(ALGORITHM_NAMES)('a JWS signed with %s', (algorithm) => {
  test('verifies in Python, is canonical, and its kid is the thumbprint of its key', async (context) => {
    requirePrograms(context, 'python3', 'openssl');
    const { token, kid } = await acquireJws(algorithm);
    const jwks = await (await fetch(`${baseUrl}/.well-known/jwks.json`)).text();
    const { status, stderr } = await python(
      ['-c', CHECK_JWS, file('jwks.json', jwks), await pem(kid)],
      token,
    );
    expect([stderr, status]).toEqual(['', 0]);
  });

  test('verifies in Go, and a changed one does not', async (context) => {
    requirePrograms(context, 'go');
    const { token } = await acquireJws(algorithm);
    const jwks = await (await fetch(`${baseUrl}/.well-known/jwks.json`)).text();
    const [header = '', payload = '', signature = ''] = token.split('.');
    const genuine = await verifyWithGo(jwks, token);
    expect([genuine.stderr, genuine.status]).toEqual(['', 0]);
    expect(JSON.parse(genuine.stdout)).toMatchObject({ customer: CUSTOMER, nonce: 'n-42' });

    const forgedPayload = Buffer.from(JSON.stringify({ ...JSON.parse(genuine.stdout), tier: 'enterprise' }));
    const forged = [
      `${header}.${forgedPayload.toString('base64url')}.${signature}`,
      `${header}.${payload}.${flip(signature, 0)}`,
      `${header}.${payload}.${flip(signature, signature.length - 1)}`,
      `${header}.${payload}.${signature}\n=`,
      `${Buffer.from('{"alg":"none","kid":"x","typ":"license+jwt"}').toString('base64url')}.${payload}.`,
    ];
    for (const token of forged)
      expect(await verifyWithGo(jwks, token)).toMatchObject({ status: 1, stdout: '' });
  });
});

/** For every line, a document; answers `genuine`, or `refused` and why. */
const VERIFY_LINES = `
import json, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from verify_inline import NotGenuine, verify

def verdict(line):
    try:
        verify(json.loads(line), Path(sys.argv[1]))
        return "genuine"
    except NotGenuine as reason:
        return f"refused: {reason}"

with ThreadPoolExecutor(2) as pool:
    print("\\n".join(pool.map(verdict, sys.stdin)))
`;

/** Every assertion is one claim of docs and RFCs: RFC 7515 §7.1, RFC 8785 and RFC 7638 §3. */
const CHECK_JWS = `
import base64, hashlib, json, sys
from pathlib import Path
from verify_inline import algorithm_of, check_signature

def decode(part):
    decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    assert base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() == part, "base64url is not canonical"
    return decoded

def canonical(value):
    # RFC 8785 for a value without floats whose keys are ASCII.
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

header_part, payload_part, signature_part = sys.stdin.read().split(".")
header, payload = decode(header_part), decode(payload_part)
pem = Path(sys.argv[2])
check_signature(algorithm_of(pem), pem, decode(signature_part), f"{header_part}.{payload_part}".encode())

assert header == canonical(json.loads(header)), "the header is not canonical"
assert payload == canonical(json.loads(payload)), "the payload is not canonical"

keys = {key["kid"]: key for key in json.loads(Path(sys.argv[1]).read_text())["keys"]}
key = keys[json.loads(header)["kid"]]
required = {"RSA": ("e", "kty", "n"), "OKP": ("crv", "kty", "x")}[key["kty"]]
digest = hashlib.sha256(canonical({name: key[name] for name in required})).digest()
assert key["kid"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), "kid is not the thumbprint"
assert json.loads(header)["alg"] == key["alg"], "alg is not that of the key"
`;

async function verifyAll(documents: readonly string[], pemFile: string): Promise<string[]> {
  const { status, stdout, stderr } = await python(['-c', VERIFY_LINES, pemFile], documents.join('\n'));
  expect([stderr, status]).toEqual(['', 0]);
  return stdout.trimEnd().split('\n');
}

/** The tests' folder is on the path of modules; `-B` leaves no __pycache__ in it. */
function python(args: readonly string[], input = ''): Promise<Ended> {
  return run('python3', ['-B', ...args], { cwd: HERE, env: { ...process.env, PYTHONPATH: HERE } }, input);
}

/** With the toolchain that is there, and nothing from the network. */
function verifyWithGo(jwks: string, token: string): Promise<Ended> {
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly', GOPROXY: 'off' };
  const args = ['run', '.', file('jwks.json', jwks), file('licence.jws', token)];
  return run('go', args, { cwd: join(HERE, 'go'), env });
}

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Not `spawnSync`: while that blocks, the server closes connections that `fetch` would then use. */
async function run(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
  input = '',
): Promise<Ended> {
  const child = spawn(command, args, { ...options, stdio: 'pipe' });
  child.stdin.end(input);
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { status, stdout, stderr };
}

async function acquireText(algorithm: AlgorithmName, wanted: object): Promise<string> {
  const body = JSON.stringify({
    license_key: licenseKeys.get(algorithm),
    hardware_id: 'machine "é" \\ 機械 😀',
    ...wanted,
  });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${baseUrl}/api/v1/licenses/acquire`, { method: 'POST', headers, body });
  const text = await response.text();
  expect([response.status, text]).toEqual([200, expect.any(String)]);
  return text;
}

async function acquireJws(algorithm: AlgorithmName): Promise<{ token: string; kid: string }> {
  const { token } = JSON.parse(await acquireText(algorithm, { format: 'jws', nonce: 'n-42' }));
  const { kid } = JSON.parse(Buffer.from(token.split('.')[0], 'base64url').toString());
  return { token, kid };
}

/** A file with the public key, as the service hands it out. */
async function pem(kid: string): Promise<string> {
  const response = await fetch(`${baseUrl}/api/v1/keys/${kid}.pem`);
  expect(response.status).toBe(200);
  return file(`${kid}.pem`, await response.text());
}

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function addLicenses(home: string): Promise<ReadonlyMap<AlgorithmName, string>> {
  const store = openSqliteStore({ path: join(home, 'countersign.sqlite') });
  const hasher = createHasher(readOrCreateSecret(home, 'pepper'));
  const keys = new Map<AlgorithmName, string>();
  for (const signingAlgorithm of ALGORITHM_NAMES) {
    const licenseKey = generateLicenseKey('TEST', { bytes: (length) => randomBytes(length) });
    await createLicense(
      { store, hasher, clock: { now: Date.now } },
      {
        licenseKey,
        licenseId: randomUUID(),
        customer: CUSTOMER,
        product: 'demo-app',
        tier: 'pro',
        features: ['export', 'reports', 'Übersicht 📊'],
        allowedMajorVersions: [1, 2, 17],
        seats: 5,
        signingAlgorithm,
      },
    );
    keys.set(signingAlgorithm, licenseKey);
  }
  await store.close();
  return keys;
}

/** Skips where a program is missing, and fails on CI, where a test that cannot run must not look green. */
function requirePrograms(context: TestContext, ...programs: readonly string[]): void {
  const missing = programs.filter((program) => spawnSync(program, ['version']).error !== undefined);
  if (missing.length === 0) return;
  const reason = `${missing.join(' and ')} not found on the PATH`;
  if (process.env.CI === 'true') throw new Error(`${reason}; on CI this test may not be skipped.`);
  console.warn(`Skipped "${context.task.name}": ${reason}.`);
  context.skip(reason);
}
