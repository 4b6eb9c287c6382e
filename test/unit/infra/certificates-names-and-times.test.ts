/** What names and times become in a certificate, over the whole range of both. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keyCertificate, rootCertificate } from '../../../infra/certificates.ts';
import { createKmsClient, googlePublicKey, googleSigner, type KmsClient } from '../../../infra/kms/google.ts';
import { jwkFromPem, thumbprint } from '../../../infra/kms/public-key.ts';
import type { Signer } from '../../../shared/ports/signer.ts';
import { startTestKms, TEST_KEYS, type TestKms } from '../../support/kms.ts';

interface Term {
  readonly issuer: string;
  readonly validFrom: number;
  readonly validUntil: number;
}

const SECOND = 1000;
const BOUNDARIES = [
  '2049-12-31T23:59:59Z',
  '2050-01-01T00:00:00Z',
  '2096-02-29T23:59:59Z',
  '2100-03-01T00:00:00Z',
  '2400-02-29T00:00:00Z',
  '9999-12-31T23:59:59Z',
].map((text) => Date.parse(text));

const someTime = fc
  .integer({ min: Date.UTC(2048, 0) / SECOND, max: Date.UTC(9999, 0) / SECOND })
  .map((seconds) => seconds * SECOND);
const term: fc.Arbitrary<Term> = fc
  .tuple(
    fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
      .filter((text) => text.trim() !== '' && !/\p{Cc}/u.test(text) && [...text].length <= 64),
    fc.uniqueArray(fc.oneof(fc.constantFrom(...BOUNDARIES), someTime), { minLength: 2, maxLength: 2 }),
  )
  .map(([issuer, times]) => ({ issuer, validFrom: Math.min(...times), validUntil: Math.max(...times) }));
/** From each boundary to the next. */
const examples = BOUNDARIES.slice(1).map((validUntil, index): [Term] => [
  { issuer: '東京', validFrom: BOUNDARIES[index] ?? 0, validUntil },
]);

let kms: TestKms;
let client: KmsClient;
let root: Signer;
let publicKeyPem: string;

beforeAll(async () => {
  kms = await startTestKms();
  client = createKmsClient({ endpoint: kms.endpoint });
  const publicKey = await googlePublicKey(client, TEST_KEYS.rsa);
  publicKeyPem = publicKey.pem;
  const kid = thumbprint(jwkFromPem(publicKeyPem));
  root = googleSigner(client, { versionName: TEST_KEYS.rsa, publicKey, kid });
});

afterAll(async () => {
  await client?.close();
  await kms?.stop();
});

const rootOf = async (options: Term) =>
  new X509Certificate(await rootCertificate(root, { publicKeyPem, ...options }));
const organizationOf = (certificate: X509Certificate) => certificate.toLegacyObject().subject.O;

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050; here with tag and length. */
function encoded(at: number): string {
  const digits = `${new Date(at).toISOString().replace(/\.\d+|\D/g, '')}Z`;
  return at < Date.UTC(2050, 0) ? `\x17\x0d${digits.slice(2)}` : `\x18\x0f${digits}`;
}

test('names and times come back as they were given, the times in the ASN.1 type of their year', async () => {
  await fc.assert(
    fc.asyncProperty(term, async (options) => {
      const { issuer, validFrom, validUntil } = options;
      const certificate = await rootOf(options);
      expect(organizationOf(certificate)).toBe(issuer);
      expect([+certificate.validFromDate, +certificate.validToDate]).toEqual([validFrom, validUntil]);
      expect(certificate.raw.toString('latin1')).toContain(encoded(validFrom) + encoded(validUntil));
    }),
    { numRuns: 60, examples },
  );
});

test('a chain holds under any name and at any time', async () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const leafPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const kid = thumbprint(jwkFromPem(leafPem));
  await fc.assert(
    fc.asyncProperty(term, async (options) => {
      const issuer = await rootOf(options);
      const rootCertificatePem = issuer.toString();
      const leaf = new X509Certificate(
        await keyCertificate(root, { rootCertificatePem, publicKeyPem: leafPem, kid, ...options }),
      );
      expect([leaf.checkIssued(issuer), leaf.verify(issuer.publicKey)]).toEqual([true, true]);
      expect([leaf.validFrom, leaf.validTo]).toEqual([issuer.validFrom, issuer.validTo]);
    }),
    { numRuns: 30, examples },
  );
});

test('times are cut down to the second', async () => {
  const validFrom = Date.parse('2028-02-29T12:00:00.999Z');
  const validUntil = Date.parse('2049-12-31T23:59:59.999Z');
  const certificate = await rootOf({ issuer: 'Example Ltd', validFrom, validUntil });
  expect(certificate.validFromDate.toISOString()).toBe('2028-02-29T12:00:00.000Z');
  expect(certificate.validToDate.toISOString()).toBe('2049-12-31T23:59:59.000Z');
});

test('a name may have 64 characters, also ones of four octets', async () => {
  const issuer = '😀'.repeat(64);
  const [validFrom = 0, validUntil = 0] = BOUNDARIES;
  expect(organizationOf(await rootOf({ issuer, validFrom, validUntil }))).toBe(issuer);
});
