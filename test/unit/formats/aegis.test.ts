import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALGORITHMS } from '../../../shared/algorithms.ts';
import type { LicenseScope } from '../../../shared/client/verify-license.ts';
import { aegis } from '../../../shared/formats/aegis.ts';
import { instanceFingerprint } from '../../../shared/formats/instance-fingerprint.ts';
import type { AegisPayload } from '../../../shared/wire/issued.ts';
import {
  aegisOf,
  aegisPayload,
  documentCodeOf,
  EXPIRES_AT,
  FINGERPRINT,
  ISSUED_AT,
  LICENSE_ID,
  type LicenseVerdict,
  licenseVerdict,
  seal,
} from '../../support/issued-licenses.ts';
import { base64url, ED, jwsOf, RSA } from '../../support/signed-documents.ts';

const KEY = { kid: 'kid-1', algorithm: ED } as const;
const SIGNATURE = { ...KEY, bytes: new Uint8Array(64).fill(251) };

/** By hand, RFC 8785: no white space, sorted keys, characters as they are. */
const PAYLOAD_TEXT =
  '{"customer":{"id":"c\\"1\\\\","name":"Zoë 東京 Москва دبي 😀\u007f"},"exp":1835395200,"iat":1764644645,' +
  `"instance_fingerprint":"${FINGERPRINT}","iss":"https://countersign.test",` +
  `"jti":"${LICENSE_ID}","license_type":"demo",` +
  '"module":{"allowed_major_versions":[],"technical_name":"sale_forecast"}}';

const payload = aegisPayload({
  customer: { id: 'c"1\\', name: 'Zoë 東京 Москва دبي 😀\u007f' },
  license_type: 'demo',
  module: { technical_name: 'sale_forecast', allowed_major_versions: [] },
});

/** base64url of `{"alg":"EdDSA","kid":"kid-1","typ":"JWT"}`. */
const HEADER = 'eyJhbGciOiJFZERTQSIsImtpZCI6ImtpZC0xIiwidHlwIjoiSldUIn0';
const SIGNED_TEXT = `${HEADER}.${base64url(PAYLOAD_TEXT)}`;

const utf8 = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(bytes);
const without = <T extends object, K extends keyof T>(object: T, member: K): Omit<T, K> => {
  const { [member]: _, ...rest } = object;
  return rest;
};
const perpetual = without(aegisPayload({ license_type: 'perpetual' }), 'exp');

describe('an AEGIS licence', () => {
  test('signs header and payload as RFC 7515 and RFC 8785 have them', () => {
    expect(utf8(aegis.signedBytes(payload, KEY))).toBe(SIGNED_TEXT);
  });

  test('is the signed bytes and the signature', () => {
    const text = aegis.encode(payload, SIGNATURE);
    expect(text).toBe(`${SIGNED_TEXT}.${base64url(SIGNATURE.bytes)}`);
    const { kid, signature, signedBytes, algorithms } = aegis.decode(text);
    expect({ kid, algorithms, signed: utf8(signedBytes) }).toEqual({
      kid: 'kid-1',
      algorithms: [ED],
      signed: SIGNED_TEXT,
    });
    expect([...signature]).toEqual([...SIGNATURE.bytes]);
  });

  test('says everything in its claims', () => {
    expect(aegis.decode(aegisOf(ED, { ...aegisPayload(), note: 'x' })).license).toEqual({
      format: 'aegis',
      licenseId: LICENSE_ID,
      issuer: 'https://countersign.test',
      customer: { id: 'customer-1', name: 'Ada', email: null },
      product: 'sale_forecast',
      licenseType: 'subscription',
      features: [],
      allowedMajorVersions: [16, 17],
      instanceFingerprint: FINGERPRINT,
      issuedAt: ISSUED_AT,
      expiresAt: EXPIRES_AT,
      claims: { ...aegisPayload(), note: 'x' },
    });
  });

  test('without exp and fingerprint never expires and is bound to no instance', () => {
    const { license } = aegis.decode(aegis.encode(without(perpetual, 'instance_fingerprint'), SIGNATURE));
    expect(license).toMatchObject({ expiresAt: null, instanceFingerprint: null, licenseType: 'perpetual' });
  });

  test('is signed with Ed25519 alone, and one of RSA can be no key’s', () => {
    const key = { kid: 'kid-1', algorithm: RSA } as const;
    expect(() => aegis.signedBytes(payload, key)).toThrow(TypeError);
    expect(() => aegis.encode(payload, { ...key, bytes: new Uint8Array(512) })).toThrow(TypeError);
    const { algorithms, claims } = aegis.takeApart(aegisOf(RSA, payload));
    expect([algorithms, claims(ALGORITHMS[RSA]), claims(ALGORITHMS[ED])]).toEqual([[], false, false]);
  });

  test('of another system is verified over the bytes that arrived', () => {
    const claims = JSON.stringify(Object.fromEntries(Object.entries(payload).reverse()), null, 2);
    const text = jwsOf(ED, { header: '{ "typ": "JWT", "kid": "old", "alg": "EdDSA" }', payload: claims });
    const decoded = aegis.decode(text);
    expect(utf8(decoded.signedBytes)).toBe(text.slice(0, text.lastIndexOf('.')));
    expect(decoded).toMatchObject({ kid: 'old', license: { licenseId: LICENSE_ID } });
  });
});

describe('recognizing', () => {
  const withHeader = (header: string) => `${base64url(header)}.e30.AA`;
  const cases: [string, string, boolean][] = [
    ['typ JWT', withHeader('{"typ":"JWT"}'), true],
    ['typ JWT and more', withHeader('{"alg":"none","typ":"JWT","crit":[]}'), true],
    ['a broken payload', `${base64url('{"typ":"JWT"}')}..`, true],
    ['typ license+jwt', withHeader('{"alg":"EdDSA","kid":"k","typ":"license+jwt"}'), false],
    ['typ jwt', withHeader('{"typ":"jwt"}'), false],
    ['typ in an array', withHeader('{"typ":["JWT"]}'), false],
    ['typ twice', withHeader('{"typ":"license+jwt","typ":"JWT"}'), false],
    ['no typ', withHeader('{"alg":"EdDSA","kid":"k"}'), false],
    ['a header that is null', withHeader('null'), false],
    ['a header that is no base64url', '!.e30.AA', false],
    ['two parts', `${base64url('{"typ":"JWT"}')}.e30`, true],
    ['four parts', `${withHeader('{"typ":"JWT"}')}.AA`, false],
    ['nothing', '', false],
    ['65,536 characters', withHeader('{"typ":"JWT"}').padEnd(65_536, 'A'), true],
    ['65,537 characters', withHeader('{"typ":"JWT"}').padEnd(65_537, 'A'), false],
  ];

  test.each(cases)('looks at the header: %s', (_what, text, isRecognized) => {
    expect(aegis.recognizes(text)).toBe(isRecognized);
  });
});

describe('decoding refuses', () => {
  const claims = aegisPayload();
  const module = claims.module;
  const malformed: [string, object][] = [
    ['no claims', {}],
    ...Object.keys(without(claims, 'instance_fingerprint')).map((name): [string, object] => [
      `no ${name}`,
      without(claims, name as keyof AegisPayload),
    ]),
    ['a jti that is no UUID', { ...claims, jti: 'license-1' }],
    ['iat as text', { ...claims, iat: '1764644645' }],
    ['iat before 1970', { ...claims, iat: -1 }],
    ['half a second', { ...claims, iat: 1.5 }],
    ['exp null', { ...claims, exp: null }],
    ['exp after the year 9999', { ...claims, exp: 253_402_300_800 }],
    ['a perpetual licence that ends', { ...claims, license_type: 'perpetual' }],
    ['a demo without end', { ...perpetual, license_type: 'demo' }],
    ['a type that there is not', { ...claims, license_type: 'trial' }],
    ['a customer that is a name', { ...claims, customer: 'Ada' }],
    ['a customer without an id', { ...claims, customer: { name: 'Ada' } }],
    ['a module without versions', { ...claims, module: without(module, 'allowed_major_versions') }],
    ['versions as text', { ...claims, module: { ...module, allowed_major_versions: ['17'] } }],
    ['a version that is negative', { ...claims, module: { ...module, allowed_major_versions: [-1] } }],
    ['a fingerprint in upper case', { ...claims, instance_fingerprint: FINGERPRINT.toUpperCase() }],
    ['a fingerprint that is short', { ...claims, instance_fingerprint: FINGERPRINT.slice(0, -1) }],
    ['a fingerprint and a line break', { ...claims, instance_fingerprint: `${FINGERPRINT}\n` }],
    ['a fingerprint null', { ...claims, instance_fingerprint: null }],
    ['a time before which it does not hold', { ...claims, nbf: 0 }],
    ['an audience', { ...claims, aud: 'https://countersign.test' }],
  ];

  test('nothing of a licence that the other rows break', () => {
    expect(documentCodeOf(() => aegis.decode(aegisOf(ED, claims)))).toBe('decoded');
    expect(documentCodeOf(() => aegis.decode(aegisOf(ED, perpetual)))).toBe('decoded');
  });

  test.each(malformed)('%s', (_what, broken) => {
    expect(documentCodeOf(() => aegis.decode(aegisOf(ED, broken)))).toBe('malformed_document');
    // The payload is looked at after the signature: taking apart does not mind.
    expect(documentCodeOf(() => aegis.takeApart(aegisOf(ED, broken)))).toBe('decoded');
  });

  test.each([
    ['crit', { crit: ['exp'] }],
    ['its own key', { jwk: {} }],
    ['cty', { cty: 'JWT' }],
    ['typ of a session', { typ: 'license+jwt' }],
  ])('a header with %s', (_what, header) => {
    expect(documentCodeOf(() => aegis.decode(aegisOf(ED, claims, header)))).toBe('unsupported_header');
  });

  test.each([
    [
      'a repeated claim',
      jwsOf(ED, { header: '{"alg":"EdDSA","kid":"k","typ":"JWT"}', payload: '{"a":1,"a":1}' }),
    ],
    ['white space behind', `${aegisOf(ED, claims)}\n`],
    ['padding', `${aegisOf(ED, claims)}==`],
    ['more than 65,536 characters', `${aegisOf(ED, claims)}${'A'.repeat(65_536)}`],
  ])('%s', (_what, text) => {
    expect(documentCodeOf(() => aegis.decode(text))).toBe('malformed_document');
  });
});

describe('encoding refuses, as a TypeError that shows no value,', () => {
  const refused: [string, object][] = [
    ['a subscription without exp', without(aegisPayload(), 'exp')],
    ['a demo without exp', without(aegisPayload({ license_type: 'demo' }), 'exp')],
    ['a perpetual licence with exp', aegisPayload({ license_type: 'perpetual' })],
    ['exp undefined', { ...perpetual, exp: undefined }],
    ['half a second', aegisPayload({ iat: 0.5 })],
    ['a jti that is no UUID', aegisPayload({ jti: 'top-secret' })],
    ['half a character', aegisPayload({ customer: { id: 'top-secret', name: '\ud83d' } })],
    ['a claim that the format does not know', { ...aegisPayload(), note: 'top-secret' }],
    [
      'a member of the customer that it does not know',
      aegisPayload({ customer: { id: '1', name: 'A', email: 'top-secret' } as AegisPayload['customer'] }),
    ],
    ['text that nobody reads', aegisPayload({ customer: { id: '1', name: 'x'.repeat(49_000) } })],
  ];

  test.each(refused)('%s', (_what, broken) => {
    const encode = () => aegis.encode(broken as AegisPayload, SIGNATURE);
    expect(encode).toThrow(TypeError);
    expect(encode).not.toThrow(/top-secret/);
  });
});

describe('what it covers', () => {
  const versions = (allowed: number[]) =>
    seal(
      aegis,
      aegisPayload({ module: { technical_name: 'sale_forecast', allowed_major_versions: allowed } }),
    );
  const bound = seal(aegis, aegisPayload());
  const unbound = seal(aegis, without(perpetual, 'instance_fingerprint'));
  const cases: [string, string, LicenseScope, LicenseVerdict][] = [
    ['nothing asked', bound, {}, 'valid'],
    ['nothing asked, in words', bound, { product: undefined, version: undefined, name: undefined }, 'valid'],
    ['the module', bound, { product: 'sale_forecast' }, 'valid'],
    ['the beginning of the module', bound, { product: 'sale' }, 'product_mismatch'],
    ['an empty module', bound, { product: '' }, 'product_mismatch'],
    ['a version', bound, { version: '17' }, 'valid'],
    ['a version of three numbers', bound, { version: '17.0.1' }, 'valid'],
    ['a version with text behind', bound, { version: '16.0-beta' }, 'valid'],
    ['a version above', bound, { version: '18.0' }, 'version_mismatch'],
    ['a version that begins alike', bound, { version: '170' }, 'version_mismatch'],
    ['the beginning of a version', bound, { version: '1' }, 'version_mismatch'],
    ['an empty version', bound, { version: '' }, 'version_mismatch'],
    ['a version with a letter before', bound, { version: 'v17' }, 'version_mismatch'],
    ['a version where none is allowed', versions([]), { version: '17' }, 'version_mismatch'],
    ['version 0', versions([0]), { version: '0.9' }, 'valid'],
    ['a version without its number', versions([0]), { version: '.9' }, 'version_mismatch'],
    ['its instance', bound, { instanceFingerprint: FINGERPRINT }, 'valid'],
    ['another', bound, { instanceFingerprint: FINGERPRINT.replace('0', '1') }, 'hardware_mismatch'],
    ['an empty instance', bound, { instanceFingerprint: '' }, 'hardware_mismatch'],
    ['an instance where it has none', unbound, { instanceFingerprint: FINGERPRINT }, 'valid'],
    ['its customer', bound, { customerId: 'customer-1', name: 'Ada' }, 'valid'],
    ['a customer that begins alike', bound, { customerId: 'customer-10' }, 'holder_mismatch'],
    ['its customer in other case', bound, { customerId: 'Customer-1' }, 'holder_mismatch'],
    ['an address that it does not have', bound, { name: 'Ada', email: 'ada@test' }, 'holder_mismatch'],
    ['a feature', bound, { features: ['export'] }, 'feature_missing'],
  ];

  test.each(cases)('%s', async (_what, text, scope, expected) => {
    expect(await licenseVerdict(text, { scope })).toBe(expected);
  });
});

describe('the fingerprint of an instance', () => {
  test.each([
    ['5f0c1d1e-0001-4002-8003-0123456789ab', 'erp.example.com'],
    ['', ''],
    ['Ä', 'münchen.example'],
  ])('of %j and %j is the SHA-256 of both with a colon between', async (dbUuid, domain) => {
    const hex = createHash('sha256').update(`${dbUuid}:${domain}`, 'utf8').digest('hex');
    expect(await instanceFingerprint(dbUuid, domain)).toBe(`sha256:${hex}`);
  });

  test('keeps leading zeros', async () => {
    // Of the first domains, one whose digest begins with a zero digit.
    const digests = await Promise.all(
      Array.from({ length: 64 }, (_, i) => instanceFingerprint('id', `${i}.test`)),
    );
    expect(digests.some((digest) => digest.startsWith('sha256:0'))).toBe(true);
    for (const digest of digests) expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  });
});
