/** No file of the repository, and nothing that a customer gets, holds a private key or an HMAC secret. */
import { execFileSync } from 'node:child_process';
import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SecretKind, secretsIn } from '../support/secrets.ts';

const ROOT = join(import.meta.dirname, '../..');

interface Finding {
  readonly path: string;
  readonly kinds: readonly SecretKind[];
}

/** Files that git has or would take, and what is built of them, which git ignores. */
function filesOf(root: string): string[] {
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 } as const;
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], options).split('\0');
  const built = globSync('dist/**/*', { cwd: root });
  return [...listed, ...built].filter((path) => path !== '' && existsSync(join(root, path)));
}

function search(root: string): Finding[] {
  return filesOf(root).flatMap((path) => {
    const kinds = secretsIn(readText(join(root, path)));
    return kinds.length === 0 ? [] : [{ path, kinds }];
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EISDIR') return '';
    throw error;
  }
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ed = generateKeyPairSync('ed25519').privateKey;
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const base64 = (der: Buffer) => der.toString('base64');
const jwk = (key: typeof rsa) => JSON.stringify(key.export({ format: 'jwk' }));

const SAMPLES: [string, SecretKind, string][] = [
  ['PKCS #8 in PEM', 'pem', ed.export({ format: 'pem', type: 'pkcs8' }) as string],
  ['PKCS #1 in PEM', 'pem', rsa.export({ format: 'pem', type: 'pkcs1' }) as string],
  ['SEC 1 in PEM', 'pem', ec.export({ format: 'pem', type: 'sec1' }) as string],
  [
    'an encrypted PEM',
    'pem',
    rsa.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' }) as string,
  ],
  ['PEM in a JSON string', 'pem', JSON.stringify({ key: ed.export({ format: 'pem', type: 'pkcs8' }) })],
  ['an RSA JWK', 'jwk', jwk(rsa)],
  ['an Ed25519 JWK', 'jwk', jwk(ed)],
  ['a JWK in a JSON string', 'jwk', JSON.stringify(jwk(ed))],
  [
    'a symmetric JWK',
    'symmetricJwk',
    JSON.stringify({ kty: 'oct', k: randomBytes(32).toString('base64url') }),
  ],
  ['Ed25519 PKCS #8 in base64', 'ed25519Pkcs8', base64(ed.export({ format: 'der', type: 'pkcs8' }))],
  ['RSA PKCS #8 in base64', 'rsaPkcs8', base64(rsa.export({ format: 'der', type: 'pkcs8' }))],
  ['RSA PKCS #1 in base64', 'rsaPkcs1', base64(rsa.export({ format: 'der', type: 'pkcs1' }))],
  ['EC PKCS #8 in base64', 'ecPkcs8', base64(ec.export({ format: 'der', type: 'pkcs8' }))],
  ['an HMAC secret in hex', 'hmac', `HMAC_SECRET=${randomBytes(32).toString('hex')}`],
  ['an HMAC secret in base64', 'hmac', `{"mac_key": "${randomBytes(48).toString('base64')}"}`],
];

test('the repository and its bundles hold no private key and no HMAC secret', () => {
  expect(filesOf(ROOT).length).toBeGreaterThan(300);
  expect(search(ROOT)).toEqual([]);
}, 120_000);

describe('the search', () => {
  let copy: string;
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'countersign-secrets-'));
    for (const path of ['docs', 'shared', 'README.md'])
      cpSync(join(ROOT, path), join(copy, path), { recursive: true });
    execFileSync('git', ['init', '-q'], { cwd: copy });
    writeFileSync(join(copy, '.gitignore'), 'dist/\n');
  });
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  test('finds nothing in a copy of the parts that customers see', () => {
    expect(search(copy)).toEqual([]);
  });

  test.each(SAMPLES)('finds %s, wherever it is planted', (_what, kind, text) => {
    for (const path of ['docs/keys.md', 'dist/countersign.cjs', 'shared/new-file.bin']) {
      const target = join(copy, path);
      const before = existsSync(target) ? readFileSync(target) : undefined;
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, `${before ?? ''}\nconst planted = ${text}\n`);
      expect(search(copy)).toEqual([{ path, kinds: expect.arrayContaining([kind]) }]);
      if (before === undefined) rmSync(target);
      else writeFileSync(target, before);
    }
  });

  test('takes public keys, MACs and names of secrets for none', () => {
    const publicKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const harmless = [
      publicKey.export({ format: 'pem', type: 'spki' }) as string,
      JSON.stringify(publicKey.export({ format: 'jwk' })),
      base64(publicKey.export({ format: 'der', type: 'spki' })),
      createHmac('sha256', 'x').update('y').digest('hex'),
      'SMTP_URL, HMAC_SECRET and "-----BEGIN PRIVATE KEY-----" are what to look for',
    ];
    expect(harmless.flatMap(secretsIn)).toEqual([]);
  });
});
