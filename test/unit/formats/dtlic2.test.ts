import { describe, expect, test } from 'vitest';
import type { LicenseScope } from '../../../shared/client/verify-license.ts';
import { type Dtlic2Terms, dtlic2 } from '../../../shared/formats/dtlic2.ts';
import {
  documentCodeOf,
  dtlic2Of,
  dtlic2Terms,
  EXPIRES_AT,
  ISSUED_AT,
  type LicenseVerdict,
  licenseVerdict,
  seal,
} from '../../support/issued-licenses.ts';
import { base64url, ED, RSA } from '../../support/signed-documents.ts';

const KEY = { kid: 'kid-1', algorithm: ED } as const;
const SIGNATURE = { ...KEY, bytes: new Uint8Array(64).fill(251) };

/** By hand, RFC 8785. */
const PAYLOAD_TEXT =
  '{"email":"Zoe@Example.com","expires_at":null,"issued_at":"2025-12-02T03:04:05+00:00","kid":"kid-1",' +
  '"license_key":"DT1-CORE-5dd8e1db-d90c4656","name":"Zoë 東京 Москва دبي 😀","tier":"pro"}';
const terms = dtlic2Terms({ name: 'Zoë 東京 Москва دبي 😀', tier: 'pro', expires_at: null });

const utf8 = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(bytes);
const json = (overrides: object = {}) => JSON.stringify({ ...dtlic2Terms(), kid: 'kid-1', ...overrides });

describe('a DTLIC2 licence', () => {
  test('signs its payload with the key in it, in canonical JSON', () => {
    expect(utf8(dtlic2.signedBytes(terms, KEY))).toBe(PAYLOAD_TEXT);
  });

  test('is prefix, payload and signature', () => {
    const text = dtlic2.encode(terms, SIGNATURE);
    expect(text).toBe(`DTLIC2:${base64url(PAYLOAD_TEXT)}.${base64url(SIGNATURE.bytes)}`);
    const { kid, algorithms, signature, signedBytes } = dtlic2.decode(text);
    expect({ kid, algorithms, signed: utf8(signedBytes) }).toEqual({
      kid: 'kid-1',
      algorithms: [ED],
      signed: PAYLOAD_TEXT,
    });
    expect([...signature]).toEqual([...SIGNATURE.bytes]);
  });

  test('says everything in its payload', () => {
    expect(dtlic2.decode(dtlic2Of(ED, json({ note: 'x' }))).license).toEqual({
      format: 'dtlic2',
      licenseId: 'DT1-CORE-5dd8e1db-d90c4656',
      issuer: null,
      customer: { id: null, name: 'Zoë Müller', email: 'Zoe@Example.com' },
      product: null,
      licenseType: 'core',
      features: [],
      allowedMajorVersions: null,
      instanceFingerprint: null,
      issuedAt: ISSUED_AT,
      expiresAt: EXPIRES_AT,
      claims: { ...dtlic2Terms(), kid: 'kid-1', note: 'x' },
    });
  });

  test('of another system is verified over the bytes that arrived', () => {
    const payload = JSON.stringify({ kid: 'old', ...dtlic2Terms() }, null, 2);
    const decoded = dtlic2.decode(dtlic2Of(ED, payload));
    expect(utf8(decoded.signedBytes)).toBe(payload);
    expect(decoded.kid).toBe('old');
  });
});

describe('decoding refuses', () => {
  const whole = dtlic2Of(ED, json());
  const [head = '', signature = ''] = whole.split('.');
  const malformed: [string, string][] = [
    ['a prefix alone', 'DTLIC2:'],
    ['a prefix in lower case', whole.replace('DTLIC2', 'dtlic2')],
    ['an older prefix', whole.replace('DTLIC2', 'DTLIC1')],
    ['no signature', head],
    ['an empty signature', `${head}.`],
    ['an empty payload', `DTLIC2:.${signature}`],
    ['three parts', `${whole}.${signature}`],
    ['padding', `${whole}==`],
    ['the standard alphabet', `${head}.+/${signature.slice(2)}`],
    ['bits after the last byte', `${head}.${signature.slice(0, -1)}B`],
    ['white space before', ` ${whole}`],
    ['a space after the prefix', whole.replace(':', ': ')],
    ['a line break after', `${whole}\n`],
    ['a line break inside', `${whole.slice(0, 76)}\n${whole.slice(76)}`],
    ['a payload that is no JSON', dtlic2Of(ED, 'license')],
    ['a payload null', dtlic2Of(ED, 'null')],
    ['a payload in an array', dtlic2Of(ED, `[${json()}]`)],
    ['a repeated member', dtlic2Of(ED, json().replace('{', '{"tier":"pro",'))],
    ['a repeated member, escaped', dtlic2Of(ED, json().replace('{', '{"\\u0074ier":"pro",'))],
    ['more than 65,536 characters', dtlic2Of(ED, json({ note: 'x'.repeat(49_000) }))],
    ...Object.keys(JSON.parse(json())).map((name): [string, string] => [
      `no ${name}`,
      dtlic2Of(ED, json({ [name]: undefined })),
    ]),
    ['a key that is a number', dtlic2Of(ED, json({ kid: 1 }))],
    ['a tier that there is not', dtlic2Of(ED, json({ tier: 'enterprise' }))],
    ['a tier in upper case', dtlic2Of(ED, json({ tier: 'PRO' }))],
    ['no name', dtlic2Of(ED, json({ name: '' }))],
    ['a name null', dtlic2Of(ED, json({ name: null }))],
    ['an end without an offset', dtlic2Of(ED, json({ expires_at: '2028-02-29T00:00:00' }))],
    ['an end that is a date', dtlic2Of(ED, json({ expires_at: '2028-02-29' }))],
    ['an end on a day that does not exist', dtlic2Of(ED, json({ expires_at: '2027-02-29T00:00:00Z' }))],
  ];

  test('nothing of a licence that the other rows break', () => {
    expect(documentCodeOf(() => dtlic2.decode(whole))).toBe('decoded');
    expect(documentCodeOf(() => dtlic2.decode(dtlic2Of(ED, json({ expires_at: null }))))).toBe('decoded');
  });

  test.each(malformed)('%s', (_what, text) => {
    expect(documentCodeOf(() => dtlic2.decode(text))).toBe('malformed_document');
  });
});

describe('encoding refuses, as a TypeError,', () => {
  const refused: [string, object][] = [
    ['a tier that there is not', { tier: 'enterprise' }],
    ['no name', { name: '' }],
    ['no e-mail address', { email: '' }],
    ['no licence key', { license_key: '' }],
    ['an end that is a date', { expires_at: '2028-02-29' }],
    ['no end at all', { expires_at: undefined }],
    ['a member that the format does not know', { customer_id: 'acme' }],
    ['half a character', { name: '\ude00' }],
    ['text that nobody reads', { name: 'x'.repeat(49_000) }],
  ];

  test.each(refused)('%s', (_what, overrides) => {
    const broken = { ...dtlic2Terms(), ...overrides } as Dtlic2Terms;
    expect(() => dtlic2.encode(broken, SIGNATURE)).toThrow(TypeError);
  });

  test('an RSA key', () => {
    const rsa = { ...SIGNATURE, algorithm: RSA } as const;
    expect(() => dtlic2.signedBytes(dtlic2Terms(), rsa)).toThrow(TypeError);
    expect(() => dtlic2.encode(dtlic2Terms(), rsa)).toThrow(TypeError);
  });
});

describe('its holder', () => {
  const decomposed = { name: 'Zoe\u0308 Mu\u0308ller', email: 'ZOE@EXAMPLE.COM' };
  const cases: [string, LicenseScope, LicenseVerdict][] = [
    ['as it was signed', { name: 'Zoë Müller', email: 'Zoe@Example.com' }, 'valid'],
    ['in decomposed letters, the address in other case', decomposed, 'valid'],
    ['with white space around', { name: ' Zoë Müller\n', email: '\tzoe@example.com ' }, 'valid'],
    ['in other case', { name: 'zoë müller' }, 'holder_mismatch'],
    ['with one more space', { name: 'Zoë  Müller' }, 'holder_mismatch'],
    ['without diacritics', { name: 'Zoe Muller' }, 'holder_mismatch'],
    ['without a name', { name: '' }, 'holder_mismatch'],
    ['at another address', { name: 'Zoë Müller', email: 'zoe@example.org' }, 'holder_mismatch'],
    ['at an address with a space inside', { email: 'z oe@example.com' }, 'holder_mismatch'],
    ['without an address', { email: '' }, 'holder_mismatch'],
    ['at the right address in another name', { name: 'Ada', email: 'zoe@example.com' }, 'holder_mismatch'],
    ['by a customer id, which it does not have', { customerId: '' }, 'holder_mismatch'],
    ['who asks for a product, which it does not name', { product: 'datatools' }, 'product_mismatch'],
    ['who asks for a feature, which it does not list', { features: ['core'] }, 'feature_missing'],
    ['who runs any version anywhere', { version: 'x', instanceFingerprint: 'x' }, 'valid'],
  ];

  test.each(cases)('%s', async (_what, scope, expected) => {
    expect(await licenseVerdict(seal(dtlic2, dtlic2Terms()), { scope })).toBe(expected);
  });

  test('is compared in the same forms when it was signed in others', async () => {
    const text = seal(dtlic2, dtlic2Terms({ name: ' Zoe\u0308 Mu\u0308ller', email: 'ZOE@example.com ' }));
    const scope = { name: 'Zoë Müller', email: 'zoe@example.com' };
    expect(await licenseVerdict(text, { scope })).toBe('valid');
  });
});
