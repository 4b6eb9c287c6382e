/** What a client accepts: genuine documents of known keys, within their lifetime and scope. */
import { describe, expect, test } from 'vitest';
import { ALGORITHMS } from '../../../shared/algorithms.ts';
import type { JsonObject } from '../../../shared/canonical/strict-json.ts';
import { importVerificationKey, type PublicJwk, verifyDocument } from '../../../shared/client/verify.ts';
import { CLIENT_CLOCK_SKEW_SECONDS } from '../../../shared/constants.ts';
import type { Scope } from '../../../shared/decide/scope.ts';
import { VERIFICATION_CODES, type VerificationCode } from '../../../shared/verification.ts';
import type { DocumentPayload } from '../../../shared/wire/document.ts';
import { documentPayload, NOW } from '../../support/records.ts';
import {
  claimsOf,
  ED,
  headerOf,
  inlineOf,
  jwsOf,
  KINDS,
  type Kind,
  keys,
  RSA,
  resign,
  textOf,
  trusted,
} from '../../support/signed-documents.ts';
import { verdict } from '../../support/verdict.ts';

describe.each(KINDS)('a genuine document, %s,', (kind) => {
  test.each([
    ['a JWS', () => jwsOf(kind)],
    ['inline as text', () => textOf(inlineOf(kind))],
    ['inline as an object', () => inlineOf(kind)],
    ['inline with white space', () => JSON.stringify(inlineOf(kind), null, '\t')],
    ['inline in another order', () => textOf(Object.fromEntries(Object.entries(inlineOf(kind)).reverse()))],
  ])('%s: valid', async (_format, document) => {
    const result = await verifyDocument(document() as string | JsonObject, { keys: trusted, now: NOW });
    expect(result).toMatchObject({ valid: true, kid: keys[kind].kid, payload: documentPayload() });
  });

  test('gives the payload without what belongs to the format', async () => {
    const result = await verifyDocument(jwsOf(kind), { keys: trusted, now: NOW });
    expect(result).toEqual({ valid: true, kid: keys[kind].kid, payload: documentPayload() });
    const inline = await verifyDocument(inlineOf(kind), { keys: trusted, now: NOW });
    const payload = { ...documentPayload(), license_key: 'DEMO-1' };
    expect(inline).toEqual({ valid: true, kid: keys[kind].kid, payload });
  });

  test('verifies with keys that are looked up, and with no others', async () => {
    const asked: string[] = [];
    const find = async (kid: string) => {
      asked.push(kid);
      return trusted.find((key) => key.kid === kid);
    };
    expect(await verdict(jwsOf(kind), { keys: find })).toBe('valid');
    expect(asked).toEqual([keys[kind].kid]);
    expect(await verdict(jwsOf(kind), { keys: async () => undefined })).toBe('unknown_key');
    expect(await verdict(jwsOf(kind), { keys: [] })).toBe('unknown_key');
  });
});

describe('a kid that is not registered', () => {
  const unknown = [
    '',
    'kid',
    'KID-EC_SIGN_ED25519',
    ' kid-EC_SIGN_ED25519',
    'kid-EC_SIGN_ED25519\u0000',
    '../../etc/passwd',
    '/dev/null',
    'https://evil.test/key.json',
    'file:///etc/passwd',
    'data:application/json,{}',
    "' OR '1'='1",
    "x'; DROP TABLE keys; --",
    '__proto__',
    'constructor',
    'toString',
    'length',
    '0',
    '-1',
    'undefined',
    'null',
    '*',
    'k'.repeat(10_000),
  ];

  test.each(unknown.map((kid) => [kid.slice(0, 40), kid]))('%j', async (_shown, kid) => {
    for (const kind of KINDS) {
      expect(await verdict(jwsOf(kind, { header: headerOf(kind, { kid }) }))).toBe('unknown_key');
      expect(await verdict(textOf(inlineOf(kind, { kid })))).toBe('unknown_key');
    }
  });

  test.each([
    ['a number', 0],
    ['true', true],
    ['null', null],
    ['an array', ['kid-EC_SIGN_ED25519']],
    ['an object', {}],
    ['missing', undefined],
  ])('of the wrong kind: %s', async (_name, kid) => {
    for (const kind of KINDS) {
      expect(await verdict(jwsOf(kind, { header: headerOf(kind, { kid }) }))).toBe('malformed_document');
      expect(await verdict(textOf(inlineOf(kind, { kid })))).toBe('malformed_document');
      expect(await verdict(inlineOf(kind, { kid }))).toBe('malformed_document');
    }
  });
});

describe.each([
  [
    'a JWS',
    (members: Partial<DocumentPayload>) => jwsOf(ED, { payload: claimsOf(documentPayload(members)) }),
  ],
  ['inline', (members: Partial<DocumentPayload>) => inlineOf(ED, members)],
] as const)('the lifetime of a document, %s', (_format, documentOf) => {
  const skew = CLIENT_CLOCK_SKEW_SECONDS * 1000;
  const at = (offset: number) => new Date(NOW + offset).toISOString().replace('Z', '+00:00');
  const cases: [string, number, number, VerificationCode | 'valid'][] = [
    ['signed now', 0, 1000, 'valid'],
    ['signed in the future by what clocks may differ', skew, 2 * skew, 'valid'],
    ['signed in the future by 1 ms more', skew + 1, 2 * skew, 'document_not_yet_valid'],
    ['signed long ago', -365 * 86_400_000, 1000, 'valid'],
    ['1 ms before its end', -1000, 1, 'valid'],
    ['at its end', -1000, 0, 'document_expired'],
    ['1 ms after its end', -1000, -1, 'document_expired'],
    ['that ended before it began is told the future first', skew + 1, -1, 'document_not_yet_valid'],
  ];

  test.each(cases)('%s', async (_rule, signedAt, expiresAt, code) => {
    const document = documentOf({ signed_at: at(signedAt), expires_at: at(expiresAt) });
    expect(await verdict(document)).toBe(code);
  });

  test('is read with its offset from UTC', async () => {
    const local = (offset: number) => at(offset + 2 * 3_600_000).replace('+00:00', '+02:00');
    expect(await verdict(documentOf({ expires_at: local(1) }))).toBe('valid');
    expect(await verdict(documentOf({ expires_at: local(0) }))).toBe('document_expired');
  });

  test('is read from the document and not from exp, which is rounded to seconds', async () => {
    expect(await verdict(documentOf({ expires_at: at(1) }))).toBe('valid');
  });

  test('does not depend on the end of the lease, after which there is grace', async () => {
    expect(await verdict(documentOf({ lease_expires_at: at(-1) }))).toBe('valid');
  });

  test('is over for a clock that does not work', async () => {
    expect(await verdict(documentOf({}), { now: Number.NaN })).not.toBe('valid');
  });
});

describe('the scope of a document', () => {
  const cases: [Scope, VerificationCode | 'valid'][] = [
    [{}, 'valid'],
    [{ product: 'demo-app' }, 'valid'],
    [{ product: 'other-app' }, 'product_mismatch'],
    [{ version: '17.2' }, 'valid'],
    [{ version: '18.0' }, 'version_mismatch'],
    [{ hardwareId: 'machine-1' }, 'valid'],
    [{ hardwareId: 'machine-2' }, 'hardware_mismatch'],
    [{ features: ['export', 'reports'] }, 'valid'],
    [{ features: ['export', 'admin'] }, 'feature_missing'],
    [{ nonce: 'nonce-1' }, 'valid'],
    [{ nonce: 'nonce-2' }, 'nonce_mismatch'],
  ];

  test.each(cases)('%o: %s', async (scope, code) => {
    for (const kind of KINDS) {
      expect(await verdict(jwsOf(kind), { scope })).toBe(code);
      expect(await verdict(inlineOf(kind), { scope })).toBe(code);
    }
  });

  test('is looked at last: signature, then lifetime, then scope', async () => {
    const scope = { product: 'other-app' };
    const broken = resign(jwsOf(ED), () => Buffer.alloc(64));
    const late = Date.parse(documentPayload().expires_at);
    expect(await verdict(broken, { scope, now: late })).toBe('signature_invalid');
    expect(await verdict(jwsOf(ED), { scope, now: late })).toBe('document_expired');
    expect(await verdict(jwsOf(ED), { scope })).toBe('product_mismatch');
  });

  test('a refusal says a sentence of the table', async () => {
    const result = await verifyDocument(jwsOf(ED), { keys: trusted, now: NOW, scope: { product: 'x' } });
    expect(result).toEqual({
      valid: false,
      code: 'product_mismatch',
      detail: VERIFICATION_CODES.product_mismatch,
    });
  });
});

describe('importVerificationKey', () => {
  test.each(KINDS)('takes public material only, and its algorithm from our table: %s', async (kind) => {
    const jwk = {
      ...keys[kind].private.export({ format: 'jwk' }),
      kid: 'k',
      alg: keys[kind].alg,
    } as PublicJwk;
    const key = await importVerificationKey({ ...jwk, use: 'sig', key_ops: ['sign'], ext: false });
    expect(key.kid).toBe('k');
    expect(key.algorithm).toBe(ALGORITHMS[kind]);
    expect([key.key.type, key.key.usages]).toEqual(['public', ['verify']]);
    expect(await verdict(jwsOf(kind, { header: headerOf(kind, { kid: 'k' }) }), { keys: [key] })).toBe(
      'valid',
    );
  });

  const wrong: [string, Kind, object][] = [
    ['an RSA key for EdDSA', RSA, { alg: 'EdDSA' }],
    ['an Ed25519 key for RS256', ED, { alg: 'RS256' }],
    ['an RSA key for PS256', RSA, { alg: 'PS256' }],
    ['a key for HS256', RSA, { alg: 'HS256' }],
    ['a key for none', ED, { alg: 'none' }],
    ['no alg', ED, { alg: undefined }],
    ['no kty', ED, { kty: undefined }],
    ['a symmetric key', ED, { kty: 'oct', k: 'AA' }],
    ['a symmetric key that says RS256', RSA, { kty: 'oct', k: 'AA' }],
    ['an EC key', ED, { kty: 'EC', alg: 'ES256' }],
    ['an alg __proto__', ED, { alg: '__proto__' }],
    ['an alg in an array', ED, { alg: ['EdDSA'] }],
  ];

  test.each(wrong)('refuses %s', async (_name, kind, members) => {
    const jwk = { ...keys[kind].jwk, ...members } as PublicJwk;
    await expect(importVerificationKey(jwk)).rejects.toThrow(TypeError);
  });

  test.each([
    ['no x', ED, { x: undefined }],
    ['an x that is too short', ED, { x: 'AAAA' }],
    ['another curve', ED, { crv: 'X25519' }],
    ['no n', RSA, { n: undefined }],
    ['no e', RSA, { e: undefined }],
  ] as const)('rejects material that is broken: %s', async (_name, kind, members) => {
    await expect(importVerificationKey({ ...keys[kind].jwk, ...members } as PublicJwk)).rejects.toThrow();
  });
});
