/**
 * Programs that share no code with the service and verify its licences: Python with its standard library and openssl, Python
 * with PyJWT and cryptography, and Go with its standard library.
 *
 *   const lines = await verifiers.Go(context, keys, [{ kid, text }]);
 *
 * Each line is the payload as JSON, or `refused: ` and why.
 */
import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, expect, type TestContext } from 'vitest';
import type { PublicJwk } from '../../shared/client/verify.ts';
import { ED, type Kind, newKeyPair, RSA, testKey } from '../support/signed-documents.ts';
import { installPackages, skipWithout } from './python-packages.ts';

const HERE = import.meta.dirname;

/** What the service publishes of its keys. */
export interface PublishedKeys {
  readonly jwks: { readonly keys: readonly PublicJwk[] };
  /** By kid. */
  readonly pems: Readonly<Record<string, string>>;
}

export interface Licence {
  /** Of the key that has to have signed it. */
  readonly kid: string;
  readonly text: string;
}

/** Where the program cannot run, the test is skipped; on CI it fails, but for packages that cannot be installed. */
export type Verifier = (
  context: TestContext,
  keys: PublishedKeys,
  licences: readonly Licence[],
) => Promise<string[]>;

const folder = mkdtempSync(join(tmpdir(), 'countersign-verifiers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const libraries = installPackages(folder, ['cryptography==50.0.2', 'PyJWT==2.15.1']);

export const verifiers = {
  'Python and openssl': (context, keys, licences) => python(context, 'python3', 'openssl', keys, licences),
  'PyJWT and cryptography': async (context, keys, licences) => {
    const { bin, reason } = await libraries;
    if (bin === undefined) return skipWithout(context, reason);
    return python(context, join(bin, 'python'), 'libraries', keys, licences);
  },
  Go: async (context, keys, licences) => {
    const input = licences.map(({ kid, text }) => `${kid} ${text}\n`).join('');
    const jwks = join(keysFolder(keys), 'jwks.json');
    // With the toolchain that is there, and nothing from the network.
    const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly', GOPROXY: 'off' };
    return linesOf(context, 'go', ['run', './issued', jwks], { cwd: join(HERE, 'go'), env }, input);
  },
} as const satisfies Record<string, Verifier>;

export const VERIFIER_NAMES = Object.keys(verifiers) as (keyof typeof verifiers)[];

/** Fails unless it says of each licence what was signed. */
export async function expectPayloads(
  verify: Verifier,
  context: TestContext,
  keys: PublishedKeys,
  licences: readonly (Licence & { readonly payload: object })[],
): Promise<void> {
  const lines = await verify(context, keys, licences);
  const said = lines.map((line) => (line.startsWith('refused: ') ? line : JSON.parse(line)));
  expect(said).toEqual(licences.map(({ payload }) => payload));
}

/** Fails unless it refuses each. */
export async function expectRefusals(
  verify: Verifier,
  context: TestContext,
  keys: PublishedKeys,
  licences: readonly (Licence & { readonly what: string })[],
): Promise<void> {
  const lines = await verify(context, keys, licences);
  expect(lines).toHaveLength(licences.length);
  expect(licences.filter((_, at) => !lines[at]?.startsWith('refused: ')).map(({ what }) => what)).toEqual([]);
}

/** Keys of the same names and algorithms that have signed nothing. */
export async function withOtherKeys({ jwks }: PublishedKeys): Promise<PublishedKeys> {
  const keys = await Promise.all(jwks.keys.map(async ({ kid, alg }) => ({ ...(await otherKey(alg)), kid })));
  return {
    jwks: { keys: keys.map(({ jwk, kid }) => ({ ...jwk, kid })) },
    pems: Object.fromEntries(keys.map(({ kid, pem }) => [kid, pem])),
  };
}

const others = new Map<string, ReturnType<typeof newKey>>();

/** RSA takes seconds, so each algorithm has one. */
function otherKey(alg: string): ReturnType<typeof newKey> {
  const known = others.get(alg) ?? newKey(alg === 'EdDSA' ? ED : RSA);
  others.set(alg, known);
  return known;
}

const newKey = async (kind: Kind) => testKey(kind, await newKeyPair[kind]());

function python(
  context: TestContext,
  program: string,
  backend: 'openssl' | 'libraries',
  keys: PublishedKeys,
  licences: readonly Licence[],
): Promise<string[]> {
  const input = licences.map((licence) => `${JSON.stringify(licence)}\n`).join('');
  const env = { ...process.env, PYTHONUTF8: '1' };
  // The folder of the program is on the path of modules; `-B` leaves no __pycache__ in it.
  const args = ['-B', join(HERE, 'verify_issued.py'), backend, keysFolder(keys)];
  return linesOf(context, program, args, { env }, input);
}

let folders = 0;

/** As the page of verify_issued.py says: the key set, and each key. */
function keysFolder({ jwks, pems }: PublishedKeys): string {
  folders += 1;
  const path = mkdtempSync(join(folder, `keys-${folders}-`));
  writeFileSync(join(path, 'jwks.json'), JSON.stringify(jwks));
  for (const [kid, pem] of Object.entries(pems)) writeFileSync(join(path, `${kid}.pem`), pem);
  return path;
}

async function linesOf(
  context: TestContext,
  command: string,
  args: readonly string[],
  options: SpawnOptions,
  input: string,
): Promise<string[]> {
  const { status, stdout, stderr } = await run(command, args, options, input);
  if (status === undefined) return skip(context, stderr);
  expect([stderr, status]).toEqual(['', 0]);
  return stdout.trimEnd().split('\n');
}

interface Ended {
  /** Undefined where there is no such program. */
  readonly status: number | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Not `spawnSync`: while that blocks, a server of this process would close connections that `fetch` would then use. */
async function run(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
  input: string,
): Promise<Ended> {
  const child = spawn(command, args, { ...options, stdio: 'pipe' });
  const closed = once(child, 'close') as Promise<[number | null]>;
  try {
    await once(child, 'spawn');
  } catch (error) {
    closed.catch(() => undefined);
    return {
      status: undefined,
      stdout: '',
      stderr: `${command} does not start: ${(error as Error).message}`,
    };
  }
  child.stdin?.end(input);
  const [stdout, stderr, [status]] = await Promise.all([
    child.stdout === null ? '' : text(child.stdout),
    child.stderr === null ? '' : text(child.stderr),
    closed,
  ]);
  return { status, stdout, stderr };
}

/** On CI a test that cannot run must not look green. */
function skip(context: TestContext, reason: string): never {
  if (process.env.CI === 'true') throw new Error(`${reason}; on CI this test may not be skipped.`);
  return skipWithout(context, reason);
}
