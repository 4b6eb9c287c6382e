/** JWS documents that are not as an issuer makes them, whether they were signed so or changed afterwards. */
import { describe, expect, test } from 'vitest';
import type { VerificationCode } from '../../../shared/verification.ts';
import type { DocumentPayload } from '../../../shared/wire/document.ts';
import { documentPayload } from '../../support/records.ts';
import {
  base64url,
  claimsOf,
  headerOf,
  inlineOf,
  jwsOf,
  KINDS,
  keys,
  signParts,
  sorted,
  textOf,
} from '../../support/signed-documents.ts';
import { verdict } from '../../support/verdict.ts';

describe.each(KINDS)('a JWS that the key of %s signed, but that no issuer of ours would make', (kind) => {
  const evil = 'https://evil.test/jwks.json';
  const headers: [string, () => object][] = [
    ['crit', () => ({ crit: ['exp'] })],
    ['crit that names b64', () => ({ crit: ['b64'], b64: false })],
    ['an empty crit', () => ({ crit: [] })],
    ['b64', () => ({ b64: false })],
    ['its own key as jwk', () => ({ jwk: keys[kind].jwk })],
    ['jku', () => ({ jku: evil })],
    ['x5u', () => ({ x5u: evil })],
    ['x5c', () => ({ x5c: [base64url('certificate')] })],
    ['x5t', () => ({ 'x5t#S256': base64url('certificate') })],
    ['zip', () => ({ zip: 'DEF' })],
    ['a member nobody knows', () => ({ note: '' })],
    ['no typ', () => ({ typ: undefined })],
    ['typ null', () => ({ typ: null })],
    ['typ JWT', () => ({ typ: 'JWT' })],
    ['typ at+jwt', () => ({ typ: 'at+jwt' })],
    ['typ in upper case', () => ({ typ: 'LICENSE+JWT' })],
  ];

  test.each(headers)('a header with %s', async (_name, members) => {
    expect(await verdict(jwsOf(kind, { header: headerOf(kind, members()) }))).toBe('unsupported_header');
  });

  const wrap = (text: string, member: string) => text.replace('{', `{${member},`);
  const malformed: [string, () => string][] = [
    ['a repeated alg', () => jwsOf(kind, { header: wrap(headerOf(kind), '"alg":"none"') })],
    ['a repeated kid', () => jwsOf(kind, { header: wrap(headerOf(kind), '"kid":"x"') })],
    ['a repeated kid, escaped', () => jwsOf(kind, { header: wrap(headerOf(kind), '"k\\u0069d":"x"') })],
    [
      'a repeated claim',
      () => jwsOf(kind, { payload: wrap(claimsOf(documentPayload()), '"tier":"enterprise"') }),
    ],
    [
      'a repeated claim of the same value',
      () => jwsOf(kind, { payload: wrap(claimsOf(documentPayload()), '"tier":"pro"') }),
    ],
    ['a payload null', () => jwsOf(kind, { payload: 'null' })],
    ['a payload in an array', () => jwsOf(kind, { payload: `[${claimsOf(documentPayload())}]` })],
    ['a payload as a string', () => jwsOf(kind, { payload: JSON.stringify(claimsOf(documentPayload())) })],
    ['an empty payload', () => jwsOf(kind, { payload: '{}' })],
    [
      'a payload of depth 1000',
      () => jwsOf(kind, { payload: `{"a":${'['.repeat(1000)}${']'.repeat(1000)}}` }),
    ],
    ['a payload with a comment', () => jwsOf(kind, { payload: `${claimsOf(documentPayload())}//` })],
    ['a header padded', () => signParts(kind, `${base64url(`${headerOf(kind)} `)}==`, base64url('{}'))],
    [
      'a header with bits after its last byte',
      () => signParts(kind, withStrayBits(headerOf(kind)), base64url(claimsOf(documentPayload()))),
    ],
    [
      'a payload with bits after its last byte',
      () => signParts(kind, base64url(headerOf(kind)), withStrayBits(claimsOf(documentPayload()))),
    ],
    [
      'a header with white space in its base64',
      () => signParts(kind, `${base64url(headerOf(kind))}\n`, base64url(claimsOf(documentPayload()))),
    ],
  ];

  test.each(malformed)('%s', async (_name, document) => {
    expect(await verdict(document())).toBe('malformed_document');
  });

  const incomplete = Object.keys(documentPayload()) as (keyof DocumentPayload)[];

  test.each(incomplete)('a payload without %s', async (member) => {
    const { [member]: _, ...payload } = documentPayload();
    const text = sorted(payload);
    expect(await verdict(jwsOf(kind, { payload: text }))).toBe('malformed_document');
    expect(await verdict(inlineOf(kind, { [member]: undefined }))).toBe('malformed_document');
  });

  const wrong: [string, object][] = [
    ['an expiry that is no instant', { expires_at: 'never' }],
    ['an expiry that is null', { expires_at: null }],
    ['an expiry as a number', { expires_at: 9_999_999_999 }],
    ['an expiry without an offset', { expires_at: '2099-01-01T00:00:00' }],
    ['an expiry on a day that does not exist', { expires_at: '2099-02-30T00:00:00+00:00' }],
    ['an expiry in hour 24', { expires_at: '2099-01-01T24:00:00+00:00' }],
    ['a time of signing that is no instant', { signed_at: '' }],
    ['features that are no list', { features: 'export' }],
    ['features that are no strings', { features: [1] }],
    ['a tier that we do not have', { tier: 'platinum' }],
    ['a customer that is a name', { customer: 'Ada' }],
    ['borrowed as text', { borrowed: 'false' }],
    ['versions as text', { allowed_major_versions: ['17'] }],
  ];

  test.each(wrong)('%s', async (_name, members) => {
    expect(await verdict(jwsOf(kind, { payload: sorted({ ...documentPayload(), ...members }) }))).toBe(
      'malformed_document',
    );
    expect(await verdict(inlineOf(kind, members))).toBe('malformed_document');
  });

  /** base64url of the text, padded with spaces so that its last digit has unused bits, of which one is set. */
  function withStrayBits(text: string): string {
    const spaced = text + ' '.repeat((4 - (Buffer.byteLength(text) % 3)) % 3);
    const encoded = base64url(spaced);
    const last = encoded.slice(-1);
    const stray = String.fromCharCode(last.charCodeAt(0) + 1);
    expect(Buffer.from(encoded, 'base64url')).toEqual(Buffer.from(encoded.slice(0, -1) + stray, 'base64url'));
    return encoded.slice(0, -1) + stray;
  }
});

describe.each(KINDS)('a JWS of %s whose parts are changed after signing', (kind) => {
  const parts = () => jwsOf(kind).split('.') as [string, string, string];
  const changes: [string, () => string, VerificationCode][] = [
    [
      'the payload with spaces',
      () => encodePayload(claimsOf(documentPayload()).replaceAll(',', ', ')),
      'signature_invalid',
    ],
    [
      'the payload with a line break',
      () => encodePayload(`${claimsOf(documentPayload())}\n`),
      'signature_invalid',
    ],
    [
      'the payload in another order',
      () =>
        encodePayload(
          textOf(Object.fromEntries(Object.entries(JSON.parse(claimsOf(documentPayload()))).reverse())),
        ),
      'signature_invalid',
    ],
    [
      'the payload with an escape',
      () => encodePayload(claimsOf(documentPayload()).replace('"pro"', '"\\u0070ro"')),
      'signature_invalid',
    ],
    [
      'the payload with another tier',
      () => encodePayload(claimsOf(documentPayload({ tier: 'enterprise' }))),
      'signature_invalid',
    ],
    [
      'the header with spaces',
      () => [base64url(`${headerOf(kind)} `), parts()[1], parts()[2]].join('.'),
      'signature_invalid',
    ],
    [
      'the header in another order',
      () =>
        [
          base64url(textOf({ typ: 'license+jwt', ...JSON.parse(headerOf(kind)) })),
          parts()[1],
          parts()[2],
        ].join('.'),
      'signature_invalid',
    ],
    [
      'header and payload swapped',
      () => [parts()[1], parts()[0], parts()[2]].join('.'),
      'unsupported_header',
    ],
    ['one part', () => parts()[0], 'malformed_document'],
    ['two parts', () => parts().slice(0, 2).join('.'), 'malformed_document'],
    ['four parts', () => [...parts(), parts()[2]].join('.'), 'malformed_document'],
    ['four parts, the last one empty', () => `${parts().join('.')}.`, 'malformed_document'],
    ['no header', () => `.${parts().slice(1).join('.')}`, 'malformed_document'],
    ['no payload, as detached content', () => `${parts()[0]}..${parts()[2]}`, 'malformed_document'],
    ['white space around it', () => ` ${parts().join('.')} `, 'malformed_document'],
    ['other separators', () => parts().join('\u2024'), 'malformed_document'],
    [
      'the JSON serialization',
      () => textOf({ protected: parts()[0], payload: parts()[1], signature: parts()[2] }),
      'malformed_document',
    ],
    ['a Bearer prefix', () => `Bearer ${parts().join('.')}`, 'malformed_document'],
  ];

  test.each(changes)('%s', async (_name, document, code) => {
    expect(document()).not.toBe(parts().join('.'));
    expect(await verdict(document())).toBe(code);
  });

  function encodePayload(text: string): string {
    const [header, payload, signature] = parts();
    const changed = base64url(text);
    expect(changed).not.toBe(payload);
    return [header, changed, signature].join('.');
  }
});
