/** The list of keys as a file: what is written can be read back, whole, by whoever could read the one before. */
import { generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openKeysFile, textOf } from '../../../infra/keys-file.ts';
import { parseSigningKeys } from '../../../infra/signing-keys.ts';
import type { RegisteredKey, SigningKey } from '../../../shared/keys/registry.ts';
import { OperatorError } from '../../../shared/operator-error.ts';

const ED = 'EC_SIGN_ED25519';
const KEY = 'projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/';
const ARN = 'arn:aws:kms:eu-west-1:123456789012:key/';
const KID = 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs';
const SUNSET = Date.UTC(2031, 1, 3, 4, 5, 6, 789);
const newPem = () =>
  generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
const [pem, otherPem] = [newPem(), newPem()];

const ACTIVE: SigningKey = { use: 'license', name: `${KEY}1`, algorithm: ED, state: 'active' };

/** A row of every kind and in every state. */
const ALL: readonly RegisteredKey[] = [
  ACTIVE,
  { ...ACTIVE, name: `${ARN}twin`, fingerprint: KID },
  { ...ACTIVE, name: `${KEY}2`, state: 'retiring', sunsetAt: SUNSET },
  { ...ACTIVE, name: `${KEY}3`, state: 'staged' },
  { ...ACTIVE, name: `${KEY}4`, state: 'retired' },
  { ...ACTIVE, name: `${KEY}5`, state: 'compromised' },
  { ...ACTIVE, name: `${KEY}6`, use: 'root', algorithm: 'RSA_SIGN_PKCS1_4096_SHA256' },
  { ...ACTIVE, name: `${KEY}7`, use: 'download' },
  {
    use: 'verify',
    pem,
    algorithm: ED,
    issuer: 'https://other.test',
    kid: 'k',
    state: 'retiring',
    sunsetAt: SUNSET,
  },
  { use: 'verify', pem: otherPem, algorithm: ED, issuer: 'https://other.test', state: 'compromised' },
  { use: 'mac', name: `${KEY}8`, algorithm: 'HMAC_SHA256', sunsetAt: SUNSET },
];

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-keys-file-'));
  path = join(folder, 'keys.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = () => statSync(path).mode & 0o777;

describe('what is written', () => {
  test('reads back as it was, a row of every kind', async () => {
    expect(parseSigningKeys(textOf(ALL))).toEqual(ALL);
    await openKeysFile(path).write(ALL);
    expect(await openKeysFile(path).read()).toEqual(ALL);
  });

  test.each(ALL.slice(1))('reads back as it was: $use $state', (key) => {
    expect(parseSigningKeys(textOf([ACTIVE, key]))).toEqual([ACTIVE, key]);
  });

  test('is as short as one writes it by hand', () => {
    expect(JSON.parse(textOf([ACTIVE]))).toEqual([{ name: ACTIVE.name, algorithm: ED, state: 'active' }]);
  });

  test.each<[string, RegisteredKey[]]>([
    ['no key', []],
    ['no active key', [{ ...ACTIVE, state: 'retired' }]],
    ['a retiring key without an end', [ACTIVE, { ...ACTIVE, name: `${KEY}2`, state: 'retiring' }]],
    ['a name that nothing has', [{ ...ACTIVE, name: 'a key' }]],
    ['an instant that is none', [ACTIVE, { ...ACTIVE, name: `${KEY}2`, state: 'retiring', sunsetAt: 1e300 }]],
  ])('is not a list that nobody could read back: %s', async (_, keys) => {
    const file = openKeysFile(path);
    await file.write([ACTIVE]);
    const before = readFileSync(path, 'utf8');
    await expect(file.write(keys)).rejects.toThrow();
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(readdirSync(folder)).toEqual(['keys.json']);
  });
});

describe('the file', () => {
  test('is for its owner alone when it is new', async () => {
    await openKeysFile(path).write([ACTIVE]);
    expect(modeOf()).toBe(0o600);
  });

  test.each([0o600, 0o640, 0o664, 0o666])('keeps its permissions %o, whatever the umask', async (mode) => {
    writeFileSync(path, textOf(ALL));
    chmodSync(path, mode);
    await openKeysFile(path).write([ACTIVE]);
    expect(modeOf()).toBe(mode);
  });

  test.runIf(process.getuid?.() === 0)('keeps its owner, when root changes the list', async () => {
    writeFileSync(path, textOf(ALL));
    chownSync(path, 12_345, 23_456);
    await openKeysFile(path).write([ACTIVE]);
    expect(statSync(path)).toMatchObject({ uid: 12_345, gid: 23_456 });
  });

  test('stays where a link to it points', async () => {
    writeFileSync(path, textOf(ALL));
    const link = join(folder, 'link.json');
    symlinkSync(path, link);
    await openKeysFile(link).write([ACTIVE]);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(parseSigningKeys(readFileSync(path, 'utf8'))).toEqual([ACTIVE]);
  });

  test('that somebody else has changed since it was read is not written over', async () => {
    const [mine, other] = [openKeysFile(path), openKeysFile(path)];
    await mine.write([ACTIVE]);
    await Promise.all([mine.read(), other.read()]);
    await other.write(ALL);
    const failure = `The list of keys in ${path} cannot be written: it has changed since it was read.`;
    await expect(mine.write([ACTIVE])).rejects.toThrow(failure);
    expect(await mine.read()).toEqual(ALL);
    await mine.write([ACTIVE]);
    await mine.write(ALL);
    expect(await other.read()).toEqual(ALL);
    expect(readdirSync(folder)).toEqual(['keys.json']);
  });

  test('is never seen half written', async () => {
    const file = openKeysFile(path);
    await file.write(ALL);
    const seen = new Int32Array(new SharedArrayBuffer(8));
    const reader = new Worker(READER, { eval: true, workerData: { path, seen } });
    const results = new Promise<string[]>((resolve, reject) => {
      reader.on('message', resolve).on('error', reject);
    });
    // Until the reader has met many changes from a short list to a long one and back.
    while (Atomics.load(seen, 0) < 40) {
      await file.write([ACTIVE]);
      await file.write(ALL);
    }
    Atomics.store(seen, 1, 1);
    expect((await results).sort()).toEqual([textOf([ACTIVE]), textOf(ALL)].sort());
    await reader.terminate();
  });
});

/** Reads the file again and again, and counts how often it has changed; tells each text that it has met. */
const READER = `
  const { readFileSync } = require('node:fs');
  const { parentPort, workerData: { path, seen } } = require('node:worker_threads');
  const texts = new Set();
  let last;
  while (Atomics.load(seen, 1) === 0) {
    const text = readFileSync(path, 'utf8');
    if (text !== last) Atomics.add(seen, 0, 1);
    texts.add(last = text);
  }
  parentPort.postMessage([...texts]);
`;

describe('a sentence names the file and says what is wrong', () => {
  test.each<[string, string | undefined, RegExp]>([
    ['absent', undefined, /cannot be used: ENOENT/],
    ['no JSON', '[{', /cannot be used: cannot be read as JSON: .*at character 2 of the JSON\.$/],
    ['no list of keys', '{}', /cannot be used: /],
    [
      'wrong',
      JSON.stringify([{ name: ACTIVE.name, algorithm: ED, state: 'on' }]),
      /cannot be used: at 0\.state: /,
    ],
  ])('a file that is %s', async (_, text, sentence) => {
    if (text !== undefined) writeFileSync(path, text);
    const failure = await openKeysFile(path)
      .read()
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(failure).toBeInstanceOf(OperatorError);
    expect((failure as Error).message).toContain(`The list of keys in ${path} `);
    expect((failure as Error).message).toMatch(sentence);
  });

  test('a folder that is not there', async () => {
    const absent = join(folder, 'absent', 'keys.json');
    await expect(openKeysFile(absent).write([ACTIVE])).rejects.toThrow(
      `The list of keys in ${absent} cannot be written: ENOENT`,
    );
  });
});
