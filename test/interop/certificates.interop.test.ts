/** Certificates of a KMS, read and verified by programs that share no code with it: openssl and Go's standard library. */
import { type SpawnSyncOptions, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { keyCertificate, rootCertificate } from '../../infra/certificates.ts';
import { awsPublicKey, createAwsKmsClient } from '../../infra/kms/aws.ts';
import { createKmsClient, googlePublicKey, googleSigner } from '../../infra/kms/google.ts';
import { jwkFromPem, thumbprint } from '../../infra/kms/public-key.ts';
import type { Signer } from '../../shared/ports/signer.ts';
import { startTestKms, TEST_AWS_KEYS, TEST_KEYS } from '../support/kms.ts';

const ISSUER = 'Société Générale 東京 😀';
const SECOND = 1000;
/** The beginnings are in the past; the ends are on both sides of the year in which the type of a time changes. */
const FROM = Math.floor(Date.now() / SECOND) * SECOND - 60 * SECOND;
const TERMS = {
  'to the last UTCTime': { validFrom: FROM, validUntil: Date.parse('2049-12-31T23:59:59Z') },
  'to the first GeneralizedTime': { validFrom: FROM, validUntil: Date.parse('2050-01-01T00:00:00Z') },
  'over a leap day': { validFrom: FROM, validUntil: Date.parse('2096-02-29T12:00:00Z') },
  'without a foreseeable end': { validFrom: FROM, validUntil: Date.parse('9999-12-31T23:59:59Z') },
};
type TermName = keyof typeof TERMS;

interface Chain {
  readonly rootFile: string;
  readonly leafFile: string;
}

let folder: string;
let rootKid: string;
let kid: string;
let licensePem: string;
const chains = new Map<string, Chain>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-certificates-'));
  const kms = await startTestKms();
  const client = createKmsClient({ endpoint: kms.endpoint });
  const awsClient = createAwsKmsClient({ endpoint: kms.awsEndpoint });
  try {
    const publicKey = await googlePublicKey(client, TEST_KEYS.rsa);
    rootKid = thumbprint(jwkFromPem(publicKey.pem));
    const root = googleSigner(client, { versionName: TEST_KEYS.rsa, publicKey, kid: rootKid });
    licensePem = (await awsPublicKey(awsClient, TEST_AWS_KEYS.rsa)).pem;
    kid = thumbprint(jwkFromPem(licensePem));
    for (const [name, term] of Object.entries(TERMS)) {
      const options = { issuer: ISSUER, ...term };
      const rootCertificatePem = await rootCertificate(root, { publicKeyPem: publicKey.pem, ...options });
      const leaf = await keyCertificate(root, {
        rootCertificatePem,
        publicKeyPem: licensePem,
        kid,
        ...options,
      });
      chains.set(name, {
        rootFile: file(`root ${name}.pem`, rootCertificatePem),
        leafFile: file(`leaf ${name}.pem`, leaf),
      });
    }
  } finally {
    await client.close();
    await awsClient.close();
    await kms.stop();
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(Object.keys(TERMS) as TermName[])('a chain %s', (name) => {
  const { validFrom, validUntil } = TERMS[name];

  test('verifies with openssl, under its strict rules, from its first second to its end', (context) => {
    requirePrograms(context, 'openssl');
    const { rootFile, leafFile } = chainOf(name);
    // To openssl a certificate has expired in the last second that RFC 5280 §4.1.2.5 gives it.
    for (const at of [validFrom, validUntil - SECOND]) {
      const { stdout, stderr, status } = opensslVerify(rootFile, leafFile, at);
      expect([stderr, stdout, status]).toEqual(['', `${leafFile}: OK\n`, 0]);
    }
  });

  test('verifies in Go, which reads the same names and times', (context) => {
    requirePrograms(context, 'go');
    const { rootFile, leafFile } = chainOf(name);
    const { stdout, stderr, status } = goVerify(rootFile, leafFile);
    expect([stderr, status]).toEqual(['', 0]);
    const times = { not_before: rfc3339(validFrom), not_after: rfc3339(validUntil) };
    expect(JSON.parse(stdout)).toEqual([
      { organization: [ISSUER], common_name: kid, ...times },
      { organization: [ISSUER], common_name: rootKid, ...times },
    ]);
  });
});

test.for(['to the last UTCTime', 'to the first GeneralizedTime', 'over a leap day'] as const)(
  'a chain %s is refused by openssl before its first second and after its last one',
  (name, context) => {
    requirePrograms(context, 'openssl');
    const { rootFile, leafFile } = chainOf(name);
    const { validFrom, validUntil } = TERMS[name];
    expect(opensslVerify(rootFile, leafFile, validFrom - SECOND).stderr).toContain('not yet valid');
    expect(opensslVerify(rootFile, leafFile, validUntil + SECOND).stderr).toContain('has expired');
  },
);

describe('what openssl reads', () => {
  test('in a root certificate is a CA that signs certificates, revocation lists and documents', (context) => {
    requirePrograms(context, 'openssl');
    const text = opensslText(chainOf('to the last UTCTime').rootFile);
    expect(text).toContain('Version: 3 (0x2)');
    expect(text.match(/Signature Algorithm: sha256WithRSAEncryption/g)).toHaveLength(2);
    expect(text).toContain(`Issuer: O = ${ISSUER}, CN = ${rootKid}`);
    expect(text).toContain(`Subject: O = ${ISSUER}, CN = ${rootKid}`);
    expect(text).toContain('Not After : Dec 31 23:59:59 2049 GMT');
    expect(text).toContain('Public-Key: (4096 bit)');
    expect(extensionsOf(text)).toEqual([
      ['X509v3 Basic Constraints: critical', 'CA:TRUE, pathlen:0'],
      ['X509v3 Key Usage: critical', 'Digital Signature, Certificate Sign, CRL Sign'],
      ['X509v3 Subject Key Identifier:', expect.stringMatching(KEY_IDENTIFIER)],
    ]);
  });

  test('in the certificate of a licence key is a key that signs documents alone, under its root', (context) => {
    requirePrograms(context, 'openssl');
    const { rootFile, leafFile } = chainOf('to the first GeneralizedTime');
    const text = opensslText(leafFile);
    expect(text).toContain('Version: 3 (0x2)');
    expect(text.match(/Signature Algorithm: sha256WithRSAEncryption/g)).toHaveLength(2);
    expect(text).toContain(`Issuer: O = ${ISSUER}, CN = ${rootKid}`);
    expect(text).toContain(`Subject: O = ${ISSUER}, CN = ${kid}`);
    expect(text).toContain('Not After : Jan  1 00:00:00 2050 GMT');
    const rootIdentifier = extensionsOf(opensslText(rootFile)).at(-1)?.[1];
    expect(extensionsOf(text)).toEqual([
      ['X509v3 Basic Constraints: critical', 'CA:FALSE'],
      ['X509v3 Key Usage: critical', 'Digital Signature'],
      ['X509v3 Subject Key Identifier:', expect.stringMatching(KEY_IDENTIFIER)],
      ['X509v3 Authority Key Identifier:', rootIdentifier],
    ]);
  });
});

test("a licence key's certificate belongs to a root certificate that openssl made", async (context) => {
  requirePrograms(context, 'openssl', 'go');
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const foreignKid = thumbprint(jwkFromPem(publicKey.export({ type: 'spki', format: 'pem' }).toString()));
  const keyFile = file('foreign key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  const rootFile = join(folder, 'foreign-root.pem');
  // PrintableString, two values in one part of the name, and an identifier that is no hash of the key.
  const names = ['-multivalue-rdn', '-subj', '/C=FR/O=Example+OU=Root'];
  const identifier = ['-addext', 'subjectKeyIdentifier=01:02:03:04'];
  const config = ['-config', file('openssl.cnf', OPENSSL_CONFIG)];
  const made = openssl([
    'req',
    '-x509',
    '-key',
    keyFile,
    '-days',
    '365',
    ...config,
    ...names,
    ...identifier,
    '-out',
    rootFile,
  ]);
  expect(made.status, made.stderr).toBe(0);

  const algorithm = 'RSA_SIGN_PKCS1_4096_SHA256' as const;
  const root: Signer = {
    kid: foreignKid,
    algorithm,
    sign: async (message) => ({ kid: foreignKid, algorithm, bytes: sign('sha256', message, privateKey) }),
  };
  const rootCertificatePem = readFileSync(rootFile, 'utf8');
  const validFrom = new X509Certificate(rootCertificatePem).validFromDate.getTime();
  const validUntil = validFrom + 86_400 * SECOND;
  const certified = { publicKeyPem: licensePem, kid, issuer: ISSUER, validFrom, validUntil };
  const leafFile = file('foreign leaf.pem', await keyCertificate(root, { rootCertificatePem, ...certified }));
  expect(opensslVerify(rootFile, leafFile, validFrom).stdout).toBe(`${leafFile}: OK\n`);
  expect(goVerify(rootFile, leafFile)).toMatchObject({ stderr: '', status: 0 });
  expect(extensionsOf(opensslText(leafFile)).at(-1)).toEqual([
    'X509v3 Authority Key Identifier:',
    '01:02:03:04',
  ]);
});

describe('a chain with a forged link is refused', () => {
  test('when a licence key would issue certificates', (context) => {
    requirePrograms(context, 'openssl', 'go');
    const { leafFile } = chainOf('to the last UTCTime');
    const { leafFile: other } = chainOf('over a leap day');
    expect(opensslVerify(leafFile, other, Date.now()).status).not.toBe(0);
    expect(goVerify(leafFile, other).status).toBe(1);
  });

  test('when the last octet of the signature is another one', (context) => {
    requirePrograms(context, 'openssl', 'go');
    const { rootFile, leafFile } = chainOf('to the last UTCTime');
    const der = new X509Certificate(readFileSync(leafFile)).raw;
    der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
    const body = der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
    const forged = file('forged.pem', `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`);
    expect(opensslVerify(rootFile, forged, Date.now()).stderr).toContain('certificate signature failure');
    expect(goVerify(rootFile, forged).stderr).toContain('verification error');
  });
});

const OPENSSL_CONFIG = `
[req]
distinguished_name = name
string_mask = default
x509_extensions = authority
[name]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
`;

const KEY_IDENTIFIER = /^([0-9A-F]{2}:){19}[0-9A-F]{2}$/;

const rfc3339 = (at: number) => new Date(at).toISOString().replace('.000Z', 'Z');

function chainOf(name: TermName): Chain {
  const chain = chains.get(name);
  if (chain === undefined) throw new Error(`no chain ${name}`);
  return chain;
}

function file(name: string, content: string): string {
  const path = join(folder, name.replaceAll(' ', '-'));
  writeFileSync(path, content);
  return path;
}

function openssl(args: readonly string[]): SpawnSyncReturns<string> {
  return run('openssl', args);
}

/** Trusts this root and nothing that the system trusts. */
function opensslVerify(rootFile: string, leafFile: string, at: number): SpawnSyncReturns<string> {
  const trust = ['-CAfile', rootFile, '-no-CApath', '-no-CAstore'];
  const time = ['-attime', String(Math.floor(at / SECOND))];
  return openssl(['verify', '-x509_strict', '-check_ss_sig', ...time, ...trust, leafFile]);
}

function opensslText(certificateFile: string): string {
  const names = ['-nameopt', 'oneline,utf8,-esc_msb'];
  const { stdout, stderr, status } = openssl(['x509', '-noout', '-text', ...names, '-in', certificateFile]);
  expect([stderr, status]).toEqual(['', 0]);
  return stdout;
}

/** Each extension's heading and its value. */
function extensionsOf(text: string): string[][] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .flatMap((line, index) => (/^X509v3 .+:/.test(line) ? [[line, lines[index + 1] ?? '']] : []))
    .slice(1);
}

/** With the toolchain that is there, and nothing from the network. */
function goVerify(rootFile: string, leafFile: string): SpawnSyncReturns<string> {
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly', GOPROXY: 'off' };
  const cwd = join(import.meta.dirname, 'go');
  return run('go', ['run', './chain', rootFile, leafFile], { cwd, env });
}

function run(program: string, args: readonly string[], options: SpawnSyncOptions = {}) {
  return spawnSync(program, args, { ...options, encoding: 'utf8' });
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
