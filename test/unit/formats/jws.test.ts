import { describe, expect, test } from 'vitest';
import { ALGORITHMS } from '../../../shared/algorithms.ts';
import { DocumentError } from '../../../shared/formats/format.ts';
import { decodeDocument } from '../../../shared/formats/index.ts';
import { jws } from '../../../shared/formats/jws.ts';
import { documentPayload } from '../../support/records.ts';

const KEY = { kid: 'kid-1', algorithm: 'EC_SIGN_ED25519' } as const;
const SIGNATURE = { ...KEY, bytes: Uint8Array.of(0, 1, 2, 253, 254, 255) };

const payload = documentPayload({
  license_key: 'DEMO-SECRET',
  customer: { id: 'c"1\\', name: 'Zoë 東京 😀\u007f' },
  allowed_major_versions: null,
  features: [],
  nonce: null,
});

/** By hand, RFC 8785: no white space, sorted keys, characters as they are. `iat` and `exp` in whole seconds. */
const PAYLOAD_TEXT =
  '{"allowed_major_versions":null,"borrowed":false,' +
  '"customer":{"id":"c\\"1\\\\","name":"Zoë 東京 😀\u007f"},' +
  '"exp":1767928205,"expires_at":"2026-01-09T03:10:05.678+00:00","features":[],' +
  '"hardware_id":"machine-1","heartbeat_seconds":300,"iat":1767323045,' +
  '"iss":"https://countersign.test","issuer":"https://countersign.test",' +
  '"lease_expires_at":"2026-01-02T03:10:05.678+00:00","license_expires_at":null,' +
  '"license_id":"license-1","nonce":null,"product":"demo-app",' +
  '"session_id":"ses_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacccccccccccccccccccccccccccccccc",' +
  '"signed_at":"2026-01-02T03:04:05.678+00:00","sub":"license-1","tier":"pro"}';

/** base64url of `{"alg":"EdDSA","kid":"kid-1","typ":"license+jwt"}`. */
const HEADER = 'eyJhbGciOiJFZERTQSIsImtpZCI6ImtpZC0xIiwidHlwIjoibGljZW5zZStqd3QifQ';

const base64url = (text: string) => Buffer.from(text).toString('base64url');
const text = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(bytes);
const SIGNED_TEXT = `${HEADER}.${base64url(PAYLOAD_TEXT)}`;

/** The code that decoding fails with. */
function codeOf(document: string): string {
  try {
    jws.decode(document);
  } catch (error) {
    if (error instanceof DocumentError) return error.code;
    throw error;
  }
  return 'decoded';
}

describe('signed bytes', () => {
  test('are header and payload as RFC 7515 and RFC 8785 have them', () => {
    expect(text(jws.signedBytes(payload, KEY))).toBe(SIGNED_TEXT);
  });

  test('of an RSA key say RS256', () => {
    const [header = ''] = text(
      jws.signedBytes(payload, { kid: 'k', algorithm: 'RSA_SIGN_PKCS1_4096_SHA256' }),
    ).split('.');
    expect(Buffer.from(header, 'base64url').toString()).toBe('{"alg":"RS256","kid":"k","typ":"license+jwt"}');
  });

  test('hold no licence key', () => {
    expect(PAYLOAD_TEXT).not.toContain('DEMO-SECRET');
    expect(text(jws.signedBytes(documentPayload({ license_key: 'x' }), KEY))).toBe(
      text(jws.signedBytes(documentPayload(), KEY)),
    );
  });

  test.each([
    ['2026-01-02T03:04:05.000+00:00', 1767323045],
    ['2026-01-02T03:04:05.999+00:00', 1767323045],
    ['2026-01-02T05:04:05.001+02:00', 1767323045],
    ['1969-12-31T23:59:59.999+00:00', -1],
  ])('an instant %s is the second %d: claims never say later than the members', (instant, second) => {
    const bytes = text(jws.signedBytes(documentPayload({ signed_at: instant, expires_at: instant }), KEY));
    const claims = JSON.parse(Buffer.from(bytes.split('.')[1] ?? '', 'base64url').toString());
    expect([claims.iat, claims.exp]).toEqual([second, second]);
  });

  test.each([
    ['half a character', { hardware_id: '\ud83d' }],
    ['a number that is none', { heartbeat_seconds: Number.NaN }],
    ['an instant that is none', { signed_at: 'yesterday' }],
  ])('are not made of %s', (_problem, overrides) => {
    expect(() => jws.signedBytes({ ...payload, ...overrides }, KEY)).toThrow(TypeError);
  });
});

describe('an encoded document', () => {
  test('is the signed bytes and the signature', () => {
    expect(jws.encode(payload, SIGNATURE)).toBe(`${SIGNED_TEXT}.AAEC_f7_`);
  });

  test('is decoded to the same', () => {
    const decoded = decodeDocument(jws.encode(payload, SIGNATURE));
    expect(decoded.kid).toBe('kid-1');
    expect(text(decoded.signedBytes)).toBe(SIGNED_TEXT);
    expect([...decoded.signature]).toEqual([...SIGNATURE.bytes]);
    expect(decoded.payload).toEqual(JSON.parse(PAYLOAD_TEXT));
  });

  test.each(['RSA_SIGN_PKCS1_4096_SHA256', 'EC_SIGN_ED25519'] as const)(
    'of %s fits no other',
    (algorithm) => {
      const decoded = jws.decode(jws.encode(payload, { ...SIGNATURE, algorithm }));
      for (const row of Object.values(ALGORITHMS)) expect(decoded.claims(row)).toBe(row.name === algorithm);
    },
  );
});

describe('refuses', () => {
  const header = (members: object) =>
    base64url(JSON.stringify({ alg: 'EdDSA', kid: 'kid-1', typ: 'license+jwt', ...members }));
  const withHeader = (members: object) => `${header(members)}.${base64url('{}')}.AAEC`;
  const withHeaderText = (raw: string) => `${base64url(raw)}.${base64url('{}')}.AAEC`;
  const withPayload = (raw: string) => `${HEADER}.${base64url(raw)}.AAEC`;
  const whole = jws.encode(payload, SIGNATURE);
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

  test('nothing in the document that the other rows break', () => {
    expect(codeOf(withHeader({}))).toBe('decoded');
    expect(codeOf(withPayload('{}'))).toBe('decoded');
    expect(codeOf(whole)).toBe('decoded');
  });

  const malformed: [string, string][] = [
    ['nothing', ''],
    ['no part', '..'],
    ['one part', HEADER],
    ['two parts', SIGNED_TEXT],
    ['four parts', `${whole}.AAEC`],
    ['five parts, as a JWE has', `${whole}.AAEC.AAEC`],
    ['a dot before', `.${whole}`],
    ['a dot after', `${whole}.`],
    ['a space before', ` ${whole}`],
    ['a line break after', `${whole}\n`],
    ['a line break in the payload', whole.replace('.', '.\n')],
    ['padding of the header', whole.replace('.', '==.')],
    ['padding of the signature', `${SIGNED_TEXT}._w==`],
    ['the standard alphabet in the signature', `${SIGNED_TEXT}.AAEC/f7/`],
    ['bits after the last byte of the signature', `${SIGNED_TEXT}._x`],
    ['a single digit of signature', `${SIGNED_TEXT}.AAECA`],
    ['bits after the last byte of the header', whole.replace('ifQ.', 'ifR.')],
    ['a header of digits that are none', whole.replace('eyJ', 'ey%')],
    ['an empty header', `.${base64url('{}')}.AAEC`],
    ['an empty payload', `${HEADER}..AAEC`],
    ['a header that is no JSON', withHeaderText('alg=EdDSA')],
    ['a header null', withHeaderText('null')],
    ['a header in an array', withHeaderText('[{"alg":"EdDSA","kid":"kid-1","typ":"license+jwt"}]')],
    ['a header that is a string', withHeaderText('"EdDSA"')],
    ['a payload that is no JSON', withPayload('license')],
    ['a payload null', withPayload('null')],
    ['a payload in an array', withPayload('[{}]')],
    ['a payload that is a string', withPayload('"{}"')],
    ['a payload with a byte order mark', withPayload('\ufeff{}')],
    [
      'a payload that is no UTF-8',
      `${HEADER}.${Buffer.from('{"a":"\xff"}', 'latin1').toString('base64url')}.AAEC`,
    ],
    ['a payload of depth 33', withPayload(`{"a":${nested(32)}}`)],
    ['a payload of depth 1000', withPayload(`{"a":${nested(1000)}}`)],
    ['a payload of more than 64 KiB', withPayload(`{"a":"${'x'.repeat(65_536)}"}`)],
    ['a repeated alg', withHeaderText('{"alg":"EdDSA","alg":"EdDSA","kid":"kid-1","typ":"license+jwt"}')],
    [
      'a repeated kid',
      withHeaderText('{"alg":"EdDSA","kid":"kid-1","\\u006bid":"kid-2","typ":"license+jwt"}'),
    ],
    ['a repeated typ', withHeaderText('{"alg":"EdDSA","kid":"kid-1","typ":"JWT","typ":"license+jwt"}')],
    ['a repeated claim', withPayload('{"tier":"pro","tier":"enterprise"}')],
    ['a repeated nested claim', withPayload('{"customer":{"id":"a","id":"b"}}')],
    ['no alg', withHeader({ alg: undefined })],
    ['alg null', withHeader({ alg: null })],
    ['alg a number', withHeader({ alg: 1 })],
    ['alg an array', withHeader({ alg: ['EdDSA'] })],
    ['no kid', withHeader({ kid: undefined })],
    ['kid null', withHeader({ kid: null })],
    ['kid a number', withHeader({ kid: 1 })],
    ['kid an array', withHeader({ kid: ['kid-1'] })],
    ['kid an object', withHeader({ kid: { toString: 'kid-1' } })],
  ];

  test.each(malformed)('as malformed: %s', (name, document) => {
    expect(codeOf(document), name).toBe('malformed_document');
  });

  const unsupported: [string, object][] = [
    ['no typ', { typ: undefined }],
    ['typ null', { typ: null }],
    ['typ JWT', { typ: 'JWT' }],
    ['typ in upper case', { typ: 'LICENSE+JWT' }],
    ['typ as a media type', { typ: 'application/license+jwt' }],
    ['typ in an array', { typ: ['license+jwt'] }],
    ['crit', { crit: ['exp'] }],
    ['an empty crit', { crit: [] }],
    ['crit null', { crit: null }],
    ['b64', { b64: false }],
    ['b64 true', { b64: true }],
    ['jwk', { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'AA' } }],
    ['jku', { jku: 'https://evil.test/jwks.json' }],
    ['x5u', { x5u: 'https://evil.test/chain.pem' }],
    ['x5c', { x5c: ['AA=='] }],
    ['x5t', { x5t: 'AA' }],
    ['cty', { cty: 'JWT' }],
    ['zip', { zip: 'DEF' }],
    ['enc', { enc: 'A128GCM' }],
    ['a member nobody knows', { x: 1 }],
    ['a member in other case', { Alg: 'none' }],
  ];

  test.each(unsupported)('as unsupported: %s', (_name, members) => {
    expect(codeOf(withHeader(members))).toBe('unsupported_header');
  });

  test('as unsupported: a member __proto__', () => {
    const raw = '{"__proto__":{},"alg":"EdDSA","kid":"kid-1","typ":"license+jwt"}';
    expect(codeOf(withHeaderText(raw))).toBe('unsupported_header');
  });

  test('and says why, without the document', () => {
    expect(() => jws.decode('top.secret')).toThrow('This is no JWS: it does not have three parts.');
  });
});
