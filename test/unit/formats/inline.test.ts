import { describe, expect, test } from 'vitest';
import { ALGORITHMS } from '../../../shared/algorithms.ts';
import type { JsonObject } from '../../../shared/canonical/strict-json.ts';
import { DocumentError } from '../../../shared/formats/format.ts';
import { decodeDocument } from '../../../shared/formats/index.ts';
import { decodeInlineObject, inline } from '../../../shared/formats/inline.ts';
import type { Signature } from '../../../shared/ports/signer.ts';
import type { InlineDocument } from '../../../shared/wire/document.ts';
import { documentPayload } from '../../support/records.ts';

const KEY = { kid: 'kid-1', algorithm: 'EC_SIGN_ED25519' } as const;
const SIGNATURE: Signature = { ...KEY, bytes: Uint8Array.of(0, 1, 2, 253, 254, 255) };

/** Names that Python escapes, and a licence that allows all versions. */
const payload = documentPayload({
  license_key: 'DEMO-1',
  customer: { id: 'c"1\\', name: 'Zoë 東京 😀\u007f' },
  allowed_major_versions: null,
  features: [],
  nonce: null,
});

/** By hand: no white space, keys by code point, `\u` escapes for all that is not printable ASCII. */
const SIGNED_TEXT =
  '{"allowed_major_versions":null,"borrowed":false,' +
  '"customer":{"id":"c\\"1\\\\","name":"Zo\\u00eb \\u6771\\u4eac \\ud83d\\ude00\\u007f"},' +
  '"expires_at":"2026-01-09T03:10:05.678+00:00","features":[],"hardware_id":"machine-1",' +
  '"heartbeat_seconds":300,"issuer":"https://countersign.test","kid":"kid-1",' +
  '"lease_expires_at":"2026-01-02T03:10:05.678+00:00","license_expires_at":null,' +
  '"license_id":"license-1","license_key":"DEMO-1","nonce":null,"product":"demo-app",' +
  '"session_id":"ses_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacccccccccccccccccccccccccccccccc",' +
  '"signed_at":"2026-01-02T03:04:05.678+00:00","tier":"pro"}';

const text = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(bytes);
const encoded = () => inline.encode(payload, SIGNATURE);

/** The code that decoding fails with. */
function codeOf(decode: () => unknown): string {
  try {
    decode();
  } catch (error) {
    if (error instanceof DocumentError) return error.code;
    throw error;
  }
  return 'decoded';
}

describe('signed bytes', () => {
  test('are what Python prints', () => {
    expect(text(inline.signedBytes(payload, KEY))).toBe(SIGNED_TEXT);
  });

  test('do not depend on the order of the members', () => {
    const reversed = Object.fromEntries(Object.entries(payload).reverse()) as typeof payload;
    expect(text(inline.signedBytes(reversed, KEY))).toBe(SIGNED_TEXT);
  });

  test('name the key, so another key signs other bytes', () => {
    const bytes = text(inline.signedBytes(payload, { ...KEY, kid: 'kid-2' }));
    expect(bytes).toBe(SIGNED_TEXT.replace('"kid-1"', '"kid-2"'));
  });

  test.each([
    ['a licence key is missing', documentPayload()],
    ['a number is a fraction', { ...payload, heartbeat_seconds: 0.5 }],
    ['a number is beyond 2^53', { ...payload, heartbeat_seconds: 2 ** 53 }],
    ['a string is half a character', { ...payload, hardware_id: '\ud83d' }],
  ])('are not made when %s', (_problem, broken) => {
    expect(() => inline.signedBytes(broken, KEY)).toThrow(TypeError);
  });
});

describe('an encoded document', () => {
  test('is the payload, its key, its signature in padded base64 and the name of the KMS for the algorithm', () => {
    expect(encoded()).toEqual({
      ...payload,
      kid: 'kid-1',
      signature: 'AAEC/f7/',
      signature_algorithm: 'EC_SIGN_ED25519',
    });
    expect(inline.encode(payload, { ...SIGNATURE, bytes: Uint8Array.of(255) }).signature).toBe('/w==');
  });

  test.each(['RSA_SIGN_PKCS1_4096_SHA256', 'EC_SIGN_ED25519'] as const)('of %s says so', (algorithm) => {
    const document = inline.encode(payload, { ...SIGNATURE, algorithm });
    expect(document.signature_algorithm).toBe(algorithm);
    for (const row of Object.values(ALGORITHMS)) {
      expect(inline.decode(JSON.stringify(document)).claims(row)).toBe(row.name === algorithm);
    }
  });

  test('is not made without a licence key', () => {
    expect(() => inline.encode(documentPayload(), SIGNATURE)).toThrow(TypeError);
  });

  test('takes the key id from the signature, which may be another than was asked', () => {
    expect(inline.encode(payload, { ...SIGNATURE, kid: 'kid-2' }).kid).toBe('kid-2');
  });
});

describe('a document is decoded to the bytes that were signed', () => {
  const document = encoded();
  const readings: [string, string | JsonObject][] = [
    ['as it was written', JSON.stringify(document)],
    ['as an object', document],
    ['with white space', JSON.stringify(document, null, 2)],
    ['with white space around it', ` \r\n\t${JSON.stringify(document)}\n`],
    [
      'with its members in another order',
      JSON.stringify(Object.fromEntries(Object.entries(document).reverse())),
    ],
    [
      'with its characters escaped in upper case',
      JSON.stringify(document).replace(/[^\x20-\x7e]/g, escapeUnit),
    ],
  ];

  test.each(readings)('%s', (_how, received) => {
    const decoded = decodeDocument(received);
    const { signature: _, signature_algorithm: __, ...signed } = document;
    expect(text(decoded.signedBytes)).toBe(SIGNED_TEXT);
    expect(decoded.kid).toBe('kid-1');
    expect(decoded.payload).toEqual(signed);
    expect([...decoded.signature]).toEqual([...SIGNATURE.bytes]);
  });

  test('and members that we do not know are among them', () => {
    const decoded = decodeInlineObject({
      a: 1,
      kid: 'k',
      signature: '',
      signature_algorithm: 'x',
      B: [true],
    });
    expect(text(decoded.signedBytes)).toBe('{"B":[true],"a":1,"kid":"k"}');
  });

  test('and so is a member named __proto__', () => {
    const decoded = inline.decode('{"__proto__":1,"kid":"k","signature":"","signature_algorithm":"x"}');
    expect(text(decoded.signedBytes)).toBe('{"__proto__":1,"kid":"k"}');
  });

  function escapeUnit(unit: string): string {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}`;
  }
});

test('an unsigned document, as one is handed out when the operator asks for it, is told apart', () => {
  const unsigned = {
    ...documentPayload(),
    license_key: 'DEMO-1',
    kid: null,
    signature: null,
    signature_algorithm: null,
  };
  expect(() => inline.decode(JSON.stringify(unsigned))).toThrow(
    expect.objectContaining({ code: 'document_unsigned' }),
  );
});

describe('malformed', () => {
  const whole = JSON.stringify(encoded());
  const edit = (members: object): string => JSON.stringify({ ...encoded(), ...members });
  const without = (member: keyof InlineDocument): string =>
    JSON.stringify({ ...encoded(), [member]: undefined });
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

  const texts: [string, string][] = [
    ['nothing', ''],
    ['white space', ' '],
    ['null', 'null'],
    ['a number', '1'],
    ['a string', JSON.stringify(whole)],
    ['an array', `[${whole}]`],
    ['an empty object', '{}'],
    ['a cut document', whole.slice(0, -1)],
    ['text after the document', `${whole}x`],
    ['two documents', whole + whole],
    ['a byte order mark before it', `\ufeff${whole}`],
    ['a comment', whole.replace('{', '{/* */')],
    ['no kid', without('kid')],
    ['kid null', edit({ kid: null })],
    ['kid a number', edit({ kid: 1 })],
    ['kid an array', edit({ kid: ['kid-1'] })],
    ['kid an object', edit({ kid: { kid: 'kid-1' } })],
    ['no algorithm', without('signature_algorithm')],
    ['algorithm null', edit({ signature_algorithm: null })],
    ['algorithm an array', edit({ signature_algorithm: ['EC_SIGN_ED25519'] })],
    ['no signature', without('signature')],
    ['signature a number', edit({ signature: 1 })],
    ['signature an array', edit({ signature: ['AAEC/f7/'] })],
    ['signature base64url', edit({ signature: 'AAEC_f7_' })],
    ['signature unpadded', edit({ signature: '/w' })],
    ['signature half padded', edit({ signature: '/w=' })],
    ['signature padded too far', edit({ signature: '/w======' })],
    ['signature with padding in the middle', edit({ signature: '/w==AAEC' })],
    ['signature with bits after its last byte', edit({ signature: '/x==' })],
    ['signature with a space', edit({ signature: 'AAEC f7/' })],
    ['signature with a line break', edit({ signature: 'AAEC/f7/\n' })],
    ['signature with a character that is no base64', edit({ signature: 'AAEC/f7é' })],
    ['a repeated member', whole.replace('{', '{"tier":"free",')],
    ['a repeated member, escaped', whole.replace('{', '{"\\u0074ier":"free",')],
    ['a repeated signature', whole.replace('{', '{"signature":"AAEC/f7/",')],
    ['a repeated nested member', whole.replace('"customer":{', '"customer":{"id":"x",')],
    ['an integer written as a float', whole.replace(':300', ':300.0')],
    ['an integer written with an exponent', whole.replace(':300', ':3e2')],
    ['a fraction', whole.replace(':300', ':300.5')],
    ['minus zero', whole.replace(':300', ':-0')],
    ['an integer beyond 2^53', whole.replace(':300', ':9007199254740993')],
    ['a number beyond all doubles', whole.replace(':300', ':1e999')],
    ['half a character', whole.replace('"machine-1"', '"\\ud83d"')],
    ['depth 33', whole.replace('"features":[]', `"features":${nested(32)}`)],
    ['depth 1000', whole.replace('"features":[]', `"features":${nested(1000)}`)],
    ['depth 1000 that is never closed', '{"a":'.repeat(1000)],
    ['more than 64 KiB', edit({ more: 'x'.repeat(65_536) })],
  ];

  test.each(texts)('%s', (name, document) => {
    expect(document).not.toBe(whole);
    expect(
      codeOf(() => inline.decode(document)),
      name,
    ).toBe('malformed_document');
  });

  const deep = JSON.parse(nested(1000));
  const objects: [string, object][] = [
    ['an empty object', {}],
    ['an array', []],
    ['an array that holds a document', [encoded()]],
    ['a fraction', { ...encoded(), heartbeat_seconds: 300.5 }],
    ['an integer beyond 2^53', { ...encoded(), heartbeat_seconds: 2 ** 53 }],
    ['not a number', { ...encoded(), heartbeat_seconds: Number.NaN }],
    ['a member that is undefined', { ...encoded(), nonce: undefined }],
    ['a date', { ...encoded(), signed_at: new Date(0) }],
    ['half a character', { ...encoded(), hardware_id: '\ud83d' }],
    ['depth 1000', { ...encoded(), features: deep }],
    [
      'a kid that is only inherited',
      Object.assign(Object.create({ kid: 'kid-1' }), { signature: 'AAEC', signature_algorithm: 'x' }),
    ],
  ];

  test.each(objects)('as an object: %s', (_name, document) => {
    expect(codeOf(() => decodeInlineObject(document as JsonObject))).toBe('malformed_document');
  });

  test('says what is wrong, without the document', () => {
    const decode = () => inline.decode(edit({ signature: 'top secret' }));
    expect(decode).toThrow('This is not an inline licence document: its "signature" is not base64.');
  });
});
