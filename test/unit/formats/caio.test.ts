import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { LicenseScope } from '../../../shared/client/verify-license.ts';
import { caioV1 } from '../../../shared/formats/caio-v1.ts';
import { caioV2 } from '../../../shared/formats/caio-v2.ts';
import type { CaioPayload } from '../../../shared/wire/issued.ts';
import {
  caioOf,
  caioPayload,
  caioV1Of,
  documentCodeOf,
  EXPIRES_AT,
  ISSUED_AT,
  type LicenseVerdict,
  licenseVerdict,
  seal,
} from '../../support/issued-licenses.ts';
import { ED, RSA } from '../../support/signed-documents.ts';

const KEY = { kid: 'kid-1', algorithm: ED } as const;
const SIGNATURE = { ...KEY, bytes: new Uint8Array(64).fill(251) };

/** By hand, RFC 8785. */
const PAYLOAD_TEXT =
  '{"customer_id":"acme-de-2","expires_at":null,"features":["Übersicht 📊"],' +
  '"issued_at":"2025-12-02T03:04:05+00:00","license_type":"perpetual","max_instances":3,' +
  '"max_requests_per_day":1000000,"max_services":20,"version":"2.0"}';
const payload = caioPayload({
  license_type: 'perpetual',
  expires_at: null,
  features: ['Übersicht 📊'],
});

const base64 = (data: string | Uint8Array) => Buffer.from(data).toString('base64');
const utf8 = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(bytes);
const json = (overrides: object = {}) => JSON.stringify({ ...caioPayload(), ...overrides });

describe('a CAIO v2 licence', () => {
  test('signs its payload in canonical JSON and says nothing about the key', () => {
    expect(utf8(caioV2.signedBytes(payload, KEY))).toBe(PAYLOAD_TEXT);
  });

  test('is customer id, payload and signature', () => {
    const text = caioV2.encode(payload, SIGNATURE);
    expect(text).toBe(`CAIO-v2-acme-de-2-${base64(PAYLOAD_TEXT)}.${base64(SIGNATURE.bytes)}`);
    const decoded = caioV2.decode(text);
    expect(decoded.kid).toBeUndefined();
    expect(utf8(decoded.signedBytes)).toBe(PAYLOAD_TEXT);
    expect([...decoded.signature]).toEqual([...SIGNATURE.bytes]);
  });

  test('says everything in its payload', () => {
    const { license } = caioV2.decode(caioOf(ED, json({ note: 'x' })));
    expect(license).toEqual({
      format: 'caio-v2',
      licenseId: null,
      issuer: null,
      customer: { id: 'acme-de-2', name: null, email: null },
      product: null,
      licenseType: 'enterprise',
      features: ['reports', 'export'],
      allowedMajorVersions: null,
      instanceFingerprint: null,
      issuedAt: ISSUED_AT,
      expiresAt: EXPIRES_AT,
      claims: { ...caioPayload(), note: 'x' },
    });
  });

  test.each(['a', '-', '--', '-a', 'a-', '_', 'CAIO-v2-a', 'v1-b-c', '0'])(
    'of the customer %s comes back',
    (customerId) => {
      const text = caioV2.encode(caioPayload({ customer_id: customerId }), SIGNATURE);
      expect(caioV2.decode(text).license.customer.id).toBe(customerId);
    },
  );

  test.each([
    [64, [ED]],
    [512, [RSA]],
    [63, []],
    [256, []],
  ])('with a signature of %d bytes is of %j', (length, algorithms) => {
    const text = `CAIO-v2-acme-de-2-${base64(json())}.${base64(new Uint8Array(length))}`;
    expect(caioV2.decode(text).algorithms).toEqual(algorithms);
  });

  test.each([
    ['2026-01-02T03:04:05.678901', Date.UTC(2026, 0, 2, 3, 4, 5, 678)],
    ['2026-01-02T03:04:05', Date.UTC(2026, 0, 2, 3, 4, 5)],
    ['2026-01-02T03:04:05Z', Date.UTC(2026, 0, 2, 3, 4, 5)],
    ['2026-01-02T03:04:05-02:30', Date.UTC(2026, 0, 2, 5, 34, 5)],
    ['2028-02-29T00:00:00', Date.UTC(2028, 1, 29)],
  ])('that ends at %s ends at %d: without an offset it is UTC', (instant, milliseconds) => {
    expect(caioV2.decode(caioOf(ED, json({ expires_at: instant }))).license.expiresAt).toBe(milliseconds);
  });

  test('of another system that is perpetual and has an end, ends', () => {
    const { license } = caioV2.decode(caioOf(ED, json({ license_type: 'perpetual' })));
    expect(license.expiresAt).toBe(EXPIRES_AT);
  });
});

describe('decoding CAIO v2 refuses', () => {
  const whole = caioOf(ED, json());
  const [head = '', signature = ''] = whole.split('.');
  const malformed: [string, string][] = [
    ['a prefix alone', 'CAIO-v2-'],
    ['no customer id', whole.replace('acme-de-2-', '')],
    ['an empty customer id', whole.replace('acme-de-2', '')],
    ['another customer id', whole.replace('acme-de-2', 'acme-de-3')],
    ['the end of the customer id', whole.replace('acme-de-2', 'de-2')],
    ['a customer id in other case', whole.replace('acme', 'Acme')],
    ['a customer id with a space', whole.replace('acme', 'ac me')],
    [
      'a customer id that was signed with a dot',
      caioOf(ED, json({ customer_id: 'a.b' }), { customerId: 'a.b' }),
    ],
    ['a customer id that is a number', caioOf(ED, json({ customer_id: 1 }), { customerId: '1' })],
    ['no signature', head],
    ['an empty signature', `${head}.`],
    ['two signatures', `${whole}.${signature}`],
    ['a signature without padding', whole.replace(/=+$/, '')],
    ['a signature with more padding', `${whole}=`],
    ['a signature in base64url', `${head}.${signature.slice(0, -4)}-_==`],
    [
      'bits after the last byte of the signature',
      `${head}.${base64(new Uint8Array(64)).replace('A==', 'B==')}`,
    ],
    ['white space before', ` ${whole}`],
    ['a line break after', `${whole}\n`],
    ['a prefix in lower case', whole.replace('CAIO', 'caio')],
    ['a payload that is no JSON', caioOf(ED, 'license')],
    ['a payload in an array', caioOf(ED, `[${json()}]`)],
    ['a payload with a repeated member', caioOf(ED, json().replace('{', '{"version":"1",'))],
    ['a payload with a byte order mark', caioOf(ED, `\ufeff${json()}`)],
    ['a number beyond 2^53', caioOf(ED, json().replace('1000000', '9007199254740993'))],
    ['more than 65,536 characters', caioOf(ED, json({ note: 'x'.repeat(49_000) }))],
    ['hyphens only', 'CAIO-v2-'.padEnd(65_536, '-')],
    ...Object.keys(caioPayload())
      .filter((name) => name !== 'customer_id')
      .map((name): [string, string] => [`no ${name}`, caioOf(ED, json({ [name]: undefined }))]),
    ['a type that there is not', caioOf(ED, json({ license_type: 'demo' }))],
    ['an end that is no instant', caioOf(ED, json({ expires_at: 'never' }))],
    ['an end on a day that does not exist', caioOf(ED, json({ expires_at: '2026-02-29T00:00:00+00:00' }))],
    ['an end in seconds', caioOf(ED, json({ expires_at: 1_835_395_200 }))],
    ['features that are no list', caioOf(ED, json({ features: 'reports' }))],
    ['half an instance', caioOf(ED, json({ max_instances: 0.5 }))],
  ];

  test('nothing of a licence that the other rows break', () => {
    expect(documentCodeOf(() => caioV2.decode(whole))).toBe('decoded');
    expect(documentCodeOf(() => caioV2.decode(caioOf(ED, json({ note: '' }))))).toBe('decoded');
    const twoPads = `${head}.${base64(new Uint8Array(64))}`;
    expect(documentCodeOf(() => caioV2.decode(twoPads))).toBe('decoded');
  });

  test.each(malformed)('%s', (_what, text) => {
    expect(documentCodeOf(() => caioV2.decode(text))).toBe('malformed_document');
  });
});

describe('encoding CAIO v2 refuses, as a TypeError,', () => {
  const refused: [string, object][] = [
    ['an empty customer id', { customer_id: '' }],
    ['a customer id with a dot', { customer_id: 'acme.de' }],
    ['a customer id with a line break', { customer_id: 'acme\n' }],
    ['a customer id with an umlaut', { customer_id: 'müller' }],
    ['a perpetual licence with an end', { license_type: 'perpetual' }],
    ['no end at all', { expires_at: undefined }],
    ['an end that is no instant', { expires_at: '2028-02-29' }],
    ['a type that there is not', { license_type: 'demo' }],
    ['half an instance', { max_instances: 0.5 }],
    ['a member that the format does not know', { name: 'Ada' }],
    ['half a character', { features: ['\ud83d'] }],
    ['text that nobody reads', { features: ['x'.repeat(49_000)] }],
  ];

  test.each(refused)('%s', (_what, overrides) => {
    const broken = { ...caioPayload(), ...overrides } as CaioPayload;
    expect(() => caioV2.encode(broken, SIGNATURE)).toThrow(TypeError);
  });

  test.each([0, 63, 65, 512])('a signature of Ed25519 with %d bytes', (length) => {
    const signature = { ...SIGNATURE, bytes: new Uint8Array(length) };
    expect(() => caioV2.encode(caioPayload(), signature)).toThrow(TypeError);
  });
});

describe('what CAIO v2 covers:', () => {
  const cases: [string, LicenseScope, LicenseVerdict][] = [
    ['its customer', { customerId: 'acme-de-2' }, 'valid'],
    ['the beginning of its customer', { customerId: 'acme' }, 'holder_mismatch'],
    ['a name, which it does not have', { name: '' }, 'holder_mismatch'],
    ['an address, which it does not have', { email: '' }, 'holder_mismatch'],
    ['a product, which it does not have', { product: 'caio' }, 'product_mismatch'],
    ['any version', { version: '99' }, 'valid'],
    ['any instance', { instanceFingerprint: 'sha256:' }, 'valid'],
    ['its features, in any order, twice', { features: ['export', 'reports', 'export'] }, 'valid'],
    ['no features', { features: [] }, 'valid'],
    ['a feature too many', { features: ['export', 'admin'] }, 'feature_missing'],
    ['the beginning of a feature', { features: ['repo'] }, 'feature_missing'],
  ];

  test.each(cases)('%s', async (_what, scope, expected) => {
    expect(await licenseVerdict(seal(caioV2, caioPayload()), { scope })).toBe(expected);
  });

  test('nothing where its features are none', async () => {
    const text = seal(caioV2, caioPayload({ features: [] }));
    expect(await licenseVerdict(text, { scope: { features: [] } })).toBe('valid');
    expect(await licenseVerdict(text, { scope: { features: [''] } })).toBe('feature_missing');
  });
});

describe('a CAIO v1 licence', () => {
  const metadata = JSON.stringify({ ...caioPayload(), license_type: 'legacy' }, null, 1);

  test('is taken apart into the bytes that the MAC is of, the MAC and the licence', () => {
    const mac = createHmac('sha256', 'a secret of this test').update(metadata).digest();
    const decoded = caioV1.decode(caioV1Of(metadata, { mac: mac.toString('hex') }));
    expect(utf8(decoded.message)).toBe(metadata);
    expect([...decoded.mac]).toEqual([...mac]);
    expect(decoded.license).toMatchObject({
      format: 'caio-v1',
      customer: { id: 'acme-de-2' },
      licenseType: 'legacy',
      features: ['reports', 'export'],
      issuedAt: ISSUED_AT,
      expiresAt: EXPIRES_AT,
      claims: { license_type: 'legacy', version: '2.0' },
    });
  });

  test('may lack everything, and then its customer is not the one that nobody signed', () => {
    expect(caioV1.decode(caioV1Of('{}')).license).toEqual({
      format: 'caio-v1',
      licenseId: null,
      issuer: null,
      customer: { id: null, name: null, email: null },
      product: null,
      licenseType: 'unspecified',
      features: [],
      allowedMajorVersions: null,
      instanceFingerprint: null,
      issuedAt: 0,
      expiresAt: null,
      claims: {},
    });
  });

  test('is never issued', () => {
    expect(Object.keys(caioV1).sort()).toEqual(['decode', 'name', 'recognizes']);
  });

  const whole = caioV1Of(metadata);
  const malformed: [string, string][] = [
    ['a prefix alone', 'CAIO-v1-'],
    ['no MAC', whole.slice(0, -65)],
    ['a MAC that is short', whole.slice(0, -1)],
    ['a MAC that is long', `${whole}a`],
    ['a MAC in upper case', caioV1Of(metadata, { mac: 'AB'.repeat(32) })],
    ['a MAC that is not hexadecimal', caioV1Of(metadata, { mac: 'xy'.repeat(32) })],
    ['a line break after', `${whole}\n`],
    ['another customer id', whole.replace('acme-de-2', 'acme-de-3')],
    ['an empty customer id', whole.replace('acme-de-2', '')],
    ['metadata without padding', caioV1Of('{}').replace('e30=', 'e30')],
    ['metadata that is no JSON', caioV1Of('license')],
    ['metadata in an array', caioV1Of('[]')],
    ['metadata with a repeated member', caioV1Of('{"features":[],"features":[]}')],
    ['an end that is no instant', caioV1Of('{"expires_at":"never"}')],
    ['an end that is a number', caioV1Of('{"expires_at":0}')],
    ['features that are no list', caioV1Of('{"features":"all"}')],
    ['a customer id that is null', caioV1Of('{"customer_id":null}')],
    ['more than 65,536 characters', caioV1Of(`{"note":"${'x'.repeat(49_100)}"}`)],
  ];

  test.each(malformed)('is refused with %s', (_what, text) => {
    expect(documentCodeOf(() => caioV1.decode(whole))).toBe('decoded');
    expect(documentCodeOf(() => caioV1.decode(text))).toBe('malformed_document');
  });
});
