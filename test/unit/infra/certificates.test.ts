import { createHash, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CertificateError, keyCertificate, rootCertificate } from '../../../infra/certificates.ts';
import { awsPublicKey, awsSigner, createAwsKmsClient } from '../../../infra/kms/aws.ts';
import { createKmsClient, googlePublicKey, googleSigner } from '../../../infra/kms/google.ts';
import { jwkFromPem, thumbprint } from '../../../infra/kms/public-key.ts';
import type { Signer } from '../../../shared/ports/signer.ts';
import { startTestKms, TEST_AWS_KEYS, TEST_KEYS, type TestKms } from '../../support/kms.ts';

interface CertifiedKey {
  readonly signer: Signer;
  readonly kid: string;
  readonly publicKeyPem: string;
}

const SECOND = 1000;
const YEAR = 365.25 * 86_400 * SECOND;
const ISSUER = 'Société Générale 東京';
/** A day ago, so that every offset of the tests is far from the present. */
const FROM = Math.floor(Date.now() / SECOND) * SECOND - 86_400 * SECOND;
const TERM = { issuer: ISSUER, validFrom: FROM, validUntil: FROM + 20 * YEAR };

let kms: TestKms;
let google: CertifiedKey;
let aws: CertifiedKey;
let ed25519: CertifiedKey;
let rootPem: string;
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  kms = await startTestKms();
  const client = createKmsClient({ endpoint: kms.endpoint });
  const awsClient = createAwsKmsClient({ endpoint: kms.awsEndpoint });
  closers.push(
    () => client.close(),
    () => awsClient.close(),
    () => kms.stop(),
  );
  const ofGoogle = async (versionName: string): Promise<CertifiedKey> => {
    const publicKey = await googlePublicKey(client, versionName);
    const kid = thumbprint(jwkFromPem(publicKey.pem));
    return {
      signer: googleSigner(client, { versionName, publicKey, kid }),
      kid,
      publicKeyPem: publicKey.pem,
    };
  };
  google = await ofGoogle(TEST_KEYS.rsa);
  ed25519 = await ofGoogle(TEST_KEYS.ed25519);
  const publicKey = await awsPublicKey(awsClient, TEST_AWS_KEYS.rsa);
  const kid = thumbprint(jwkFromPem(publicKey.pem));
  const signer = awsSigner(awsClient, { keyId: publicKey.keyArn, publicKey, kid });
  aws = { signer, kid, publicKeyPem: publicKey.pem };
  rootPem = await rootOf(google);
});

afterAll(async () => {
  for (const close of closers) await close();
});

const rootOf = ({ signer, publicKeyPem }: CertifiedKey, changed: Partial<typeof TERM> = {}) =>
  rootCertificate(signer, { publicKeyPem, ...TERM, ...changed });

/** AWS's RSA key as the licence key below Google's as the root. */
const leafOf = (changed: Partial<Parameters<typeof keyCertificate>[1]> = {}, root = google.signer) =>
  keyCertificate(root, {
    rootCertificatePem: rootPem,
    publicKeyPem: aws.publicKeyPem,
    kid: aws.kid,
    ...TERM,
    ...changed,
  });

/** RFC 5280 §4.2.1.2, method 1. */
const keyIdentifier = (key: KeyObject) =>
  createHash('sha1')
    .update(key.export({ type: 'pkcs1', format: 'der' }))
    .digest('hex');
const hexOf = (certificate: X509Certificate) => certificate.raw.toString('hex');

describe('a root certificate', () => {
  test.each([
    ['Google Cloud KMS', () => google],
    ['AWS KMS', () => aws],
  ])('from %s is of a CA that issued it itself', async (_, keyOf) => {
    const key = keyOf();
    const root = new X509Certificate(await rootOf(key));
    expect(root.verify(root.publicKey)).toBe(true);
    expect(root.checkIssued(root)).toBe(true);
    expect(root.ca).toBe(true);
    expect(jwkFromPem(root.publicKey.export({ type: 'spki', format: 'pem' }).toString())).toEqual(
      jwkFromPem(key.publicKeyPem),
    );
    expect(root.subject).toBe(`O=${ISSUER}\nCN=${key.kid}`);
    expect(root.issuer).toBe(root.subject);
  });

  test('has the extensions of a CA, and may verify the key manifest', () => {
    const root = new X509Certificate(rootPem);
    const hex = hexOf(root);
    // critical basicConstraints: CA true, pathLen 0
    expect(hex).toContain('30120603551d130101ff040830060101ff020100');
    // critical keyUsage: digitalSignature, keyCertSign, cRLSign
    expect(hex).toContain('300e0603551d0f0101ff040403020186');
    // subjectKeyIdentifier
    expect(hex).toContain(`301d0603551d0e04160414${keyIdentifier(root.publicKey)}`);
    // [3], and three extensions in it
    expect(hex).toContain('a345304330120603551d13');
  });

  test('names sha256WithRSAEncryption inside and outside of what is signed, and no other algorithm', () => {
    const algorithm = '300d06092a864886f70d01010b0500';
    expect(hexOf(new X509Certificate(rootPem)).split(algorithm)).toHaveLength(3);
  });
});

describe('the certificate of a licence key', () => {
  test('was issued by the root, for this key and kid', async () => {
    const root = new X509Certificate(rootPem);
    const leaf = new X509Certificate(await leafOf());
    expect(leaf.verify(root.publicKey)).toBe(true);
    expect(leaf.checkIssued(root)).toBe(true);
    expect(leaf.verify(leaf.publicKey)).toBe(false);
    expect(leaf.ca).toBe(false);
    expect(jwkFromPem(leaf.publicKey.export({ type: 'spki', format: 'pem' }).toString())).toEqual(
      jwkFromPem(aws.publicKeyPem),
    );
    expect(leaf.subject).toBe(`O=${ISSUER}\nCN=${aws.kid}`);
    expect(leaf.issuer).toBe(root.subject);
  });

  test('has the extensions of a key that only signs documents', async () => {
    const leaf = new X509Certificate(await leafOf());
    const hex = hexOf(leaf);
    // critical basicConstraints: empty, so no CA
    expect(hex).toContain('300c0603551d130101ff04023000');
    // critical keyUsage: digitalSignature
    expect(hex).toContain('300e0603551d0f0101ff040403020780');
    // subjectKeyIdentifier, authorityKeyIdentifier
    expect(hex).toContain(`301d0603551d0e04160414${keyIdentifier(leaf.publicKey)}`);
    const root = new X509Certificate(rootPem);
    expect(hex).toContain(`301f0603551d23041830168014${keyIdentifier(root.publicKey)}`);
    expect(leaf.keyUsage).toBeUndefined();
  });

  test('belongs to a root that was issued under another name', async () => {
    const leaf = new X509Certificate(await leafOf({ issuer: 'Renamed Ltd' }));
    expect(leaf.subject).toBe(`O=Renamed Ltd\nCN=${aws.kid}`);
    expect(leaf.checkIssued(new X509Certificate(rootPem))).toBe(true);
  });

  test('has a UTF8String as common name: a kid may have characters that PrintableString has not', async () => {
    const leaf = new X509Certificate(await leafOf());
    expect(hexOf(leaf)).toContain(`06035504030c2b${Buffer.from(aws.kid).toString('hex')}`);
  });
});

describe('a serial number', () => {
  const serialOf = (pem: string) => new X509Certificate(pem).serialNumber;

  test('is positive and has 16 octets', async () => {
    for (const pem of [rootPem, await leafOf()]) expect(serialOf(pem)).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  test('and the whole certificate are the same when a publication is repeated', async () => {
    expect(await rootOf(google)).toBe(rootPem);
    expect(await leafOf()).toBe(await leafOf());
  });

  test('is another one as soon as anything in the certificate is', async () => {
    const pems = [
      rootPem,
      await leafOf(),
      await leafOf({ validFrom: FROM + SECOND }),
      await leafOf({ validUntil: TERM.validUntil - SECOND }),
      await leafOf({ issuer: 'Renamed Ltd' }),
      await rootOf(aws),
    ];
    expect(new Set(pems.map(serialOf)).size).toBe(pems.length);
  });
});

describe('no certificate is issued', () => {
  const ecPem = () =>
    generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .publicKey.export({ type: 'spki', format: 'pem' })
      .toString();

  test.each<[what: string, code: string, attempt: () => Promise<string>]>([
    ['by a root key that is not RSA', 'root_unsupported', () => rootOf(ed25519)],
    ['below a root key that is not RSA', 'root_unsupported', () => leafOf({}, ed25519.signer)],
    [
      'with the public key of another root',
      'root_mismatch',
      () => rootOf({ ...google, publicKeyPem: aws.publicKeyPem }),
    ],
    [
      'with an Ed25519 key as the root',
      'root_mismatch',
      () => rootOf({ ...google, publicKeyPem: ed25519.publicKeyPem }),
    ],
    ['below the certificate of another root', 'root_mismatch', () => leafOf({}, aws.signer)],
    [
      'below a certificate that cannot be read',
      'root_mismatch',
      () => leafOf({ rootCertificatePem: 'no PEM' }),
    ],
    [
      'below the certificate of a licence key',
      'root_mismatch',
      async () => leafOf({ rootCertificatePem: await leafOf(), ...google, ...TERM }, aws.signer),
    ],
    ['of an Ed25519 key', 'key_unsupported', () => leafOf(ed25519)],
    ['of an elliptic curve key', 'key_unsupported', () => leafOf({ publicKeyPem: ecPem() })],
    ['of what is no key', 'key_unsupported', () => leafOf({ publicKeyPem: 'no PEM' })],
    ['of the root key as a licence key', 'key_unsupported', () => leafOf(google)],
    ['of a key under the kid of another', 'kid_mismatch', () => leafOf({ kid: ed25519.kid })],
  ])('%s', async (_, code, attempt) => {
    const failure = await attempt().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CertificateError);
    expect(failure).toMatchObject({ code });
  });

  test('of an Ed25519 key, which the error says in a sentence', async () => {
    await expect(leafOf(ed25519)).rejects.toThrow(
      `Only RSA keys get a certificate; leave ${ed25519.kid} out.`,
    );
  });

  test.each([
    ['empty', ''],
    ['blank', ' \u3000'],
    ['of two lines', 'Example\nCN=root'],
    ['with a NUL', 'Example\0.org'],
    ['with a lone surrogate', 'Example \ud83d'],
    ['of 65 characters', '京'.repeat(65)],
  ])('for an issuer that is %s', async (_, issuer) => {
    await expect(rootOf(google, { issuer })).rejects.toMatchObject({ code: 'name_invalid' });
    await expect(leafOf({ issuer })).rejects.toMatchObject({ code: 'name_invalid' });
  });

  test.each([
    ['begins at no number', { validFrom: Number.NaN }],
    ['ends at no number', { validUntil: Number.NaN }],
    ['never ends', { validUntil: Number.POSITIVE_INFINITY }],
    ['begins before 1970', { validFrom: -1 }],
    ['ends after the year 9999', { validUntil: Date.UTC(10_000, 0) }],
    ['is over', { validUntil: FROM + 3600 * SECOND }],
    ['is given in seconds', { validFrom: FROM / SECOND, validUntil: TERM.validUntil / SECOND }],
    ['ends before it begins', { validFrom: FROM + 2 * YEAR, validUntil: FROM + YEAR }],
    ['is shorter than a second', { validFrom: FROM + YEAR, validUntil: FROM + YEAR + 999 }],
  ])('whose validity %s', async (_, term) => {
    await expect(rootOf(google, term)).rejects.toMatchObject({ code: 'validity_invalid' });
    await expect(leafOf(term)).rejects.toMatchObject({ code: 'validity_invalid' });
  });

  test.each([
    ['outlives its root by a second', { validUntil: TERM.validUntil + SECOND }],
    ['begins a second before its root', { validFrom: FROM - SECOND }],
  ])('that %s', async (_, term) => {
    await expect(leafOf(term)).rejects.toMatchObject({ code: 'validity_invalid' });
  });

  test.each<[answer: string, lie: (honest: Signer, message: Uint8Array) => Promise<Uint8Array>]>([
    ['for another message', async (honest, message) => (await honest.sign(message.subarray(1))).bytes],
    ['by another key', async (_, message) => (await aws.signer.sign(message)).bytes],
    ['without its last octet', async (honest, message) => (await honest.sign(message)).bytes.subarray(0, -1)],
    ['of no octets', async () => new Uint8Array()],
  ])('when the KMS answers with a signature %s', async (_, lie) => {
    const honest = google.signer;
    const signer: Signer = {
      ...honest,
      sign: async (message) => ({ ...honest, bytes: await lie(honest, message) }),
    };
    await expect(rootOf({ ...google, signer })).rejects.toMatchObject({ code: 'signature_invalid' });
    await expect(leafOf({}, signer)).rejects.toMatchObject({ code: 'signature_invalid' });
  });

  test("when the KMS is down, and the error is the signer's", async () => {
    await kms.setFault({ kind: 'permission_denied' });
    try {
      await expect(rootOf(google)).rejects.toMatchObject({ code: 'signing_unavailable' });
    } finally {
      await kms.setFault(null);
    }
  });
});
