/** The state of a key in a client: how it is imported, and when it is looked at. The table itself is run elsewhere. */
import { describe, expect, test } from 'vitest';
import { importVerificationKey, type PublicJwk, verifyDocument } from '../../../shared/client/verify.ts';
import { KEY_STATES } from '../../../shared/keys/states.ts';
import { VERIFICATION_CODES } from '../../../shared/verification.ts';
import { NOW } from '../../support/records.ts';
import { ED, inlineOf, jwsOf, KINDS, keys, resign, trusted } from '../../support/signed-documents.ts';
import { verdict } from '../../support/verdict.ts';

const SUNSET = { state: 'retiring', sunset_at: '2026-01-02T03:04:05.678Z' };

const importWith = (members: object) => importVerificationKey({ ...keys[ED].jwk, ...members });

describe('the state of a JWK', () => {
  test('is active when there is none', async () => {
    expect(await verdict(jwsOf(ED), { keys: [await importVerificationKey(keys[ED].jwk)] })).toBe('valid');
  });

  test.each(KEY_STATES.filter((state) => state !== 'retiring'))('%s is taken over', async (state) => {
    for (const sunset of [{}, { sunset_at: null }]) {
      const key = await importWith({ state, ...sunset });
      expect([key.state, key.sunsetAt]).toEqual([state, undefined]);
    }
  });

  test('retiring is taken over with its end, to the millisecond and from any offset', async () => {
    const key = await importWith(SUNSET);
    expect([key.state, key.sunsetAt]).toEqual(['retiring', NOW]);
    expect((await importWith({ ...SUNSET, sunset_at: '2026-01-02T05:04:05.678+02:00' })).sunsetAt).toBe(NOW);
    expect(await verdict(jwsOf(ED), { keys: [key], now: NOW - 1 })).toBe('valid');
    expect(await verdict(jwsOf(ED), { keys: [key], now: NOW })).toBe('key_retired');
  });

  test.each<[string, object]>([
    ['a state of a later version', { state: 'suspended' }],
    ['a state __proto__', { state: '__proto__' }],
    ['a state null', { state: null }],
    ['a state in an array', { state: ['active'] }],
    ['a state in other case', { state: 'Active' }],
    ['retiring without an end', { state: 'retiring' }],
    ['retiring with null', { state: 'retiring', sunset_at: null }],
    ['an end that is a number', { ...SUNSET, sunset_at: NOW }],
    ['an end that is no time', { ...SUNSET, sunset_at: 'never' }],
    ['an end without an offset', { ...SUNSET, sunset_at: '2026-01-02T03:04:05' }],
    ['an end without a state', { sunset_at: SUNSET.sunset_at }],
    ['an active key with an end', { ...SUNSET, state: 'active' }],
  ])('is refused: %s', async (_, members) => {
    await expect(importWith(members)).rejects.toThrow(TypeError);
  });
});

describe('the state of a key', () => {
  const withState = (state: (typeof KEY_STATES)[number]) => trusted.map((key) => ({ ...key, state }));

  test.each([
    ['retired', 'key_retired'],
    ['compromised', 'key_compromised'],
  ] as const)('%s is told before anything else of the document', async (state, code) => {
    for (const kind of KINDS) {
      const forged = resign(jwsOf(kind), () => Buffer.alloc(64));
      expect(await verdict(forged, { keys: withState(state) })).toBe(code);
      const confused = { ...inlineOf(kind), signature_algorithm: 'none' };
      expect(await verdict(confused, { keys: withState(state) })).toBe(code);
      const late = Date.UTC(2100, 0, 1);
      expect(await verdict(jwsOf(kind), { keys: withState(state), now: late })).toBe(code);
    }
  });

  test('compromised: its material is not touched', async () => {
    const untouchable = new Proxy({} as CryptoKey, {
      get: () => {
        throw new Error('the key was used');
      },
    });
    const barred = trusted.map((key) => ({ ...key, key: untouchable, state: 'compromised' as const }));
    expect(await verdict(jwsOf(ED), { keys: barred })).toBe('key_compromised');
  });

  test.each([
    ['retired', 'key_retired'],
    ['compromised', 'key_compromised'],
  ] as const)('%s needs the kid alone', async (state, code) => {
    const barred = [{ kid: keys[ED].kid, state }, ...trusted];
    expect(await verifyDocument(jwsOf(ED), { keys: barred, now: NOW })).toEqual({
      valid: false,
      code,
      detail: VERIFICATION_CODES[code],
    });
    expect(await verdict(jwsOf(ED), { keys: async () => barred[0] })).toBe(code);
  });

  test.each(['active', 'retiring'] as const)('%s does not make a forged document genuine', async (state) => {
    const forged = resign(jwsOf(ED), () => Buffer.alloc(64));
    const valid = trusted.map((key) => ({ ...key, state, sunsetAt: NOW + 1 }));
    expect(await verdict(forged, { keys: valid })).toBe('signature_invalid');
    expect(await verdict(jwsOf(ED), { keys: valid })).toBe('valid');
  });

  test('of one key says nothing about another', async () => {
    const [ed, rsa] = trusted;
    if (ed === undefined || rsa === undefined) throw new Error('no test keys');
    const mixed = [{ ...ed, state: 'compromised' as const }, rsa];
    expect(await verdict(jwsOf(ED), { keys: mixed })).toBe('key_compromised');
    expect(await verdict(jwsOf('RSA_SIGN_PKCS1_4096_SHA256'), { keys: mixed })).toBe('valid');
  });
});

test('a JWK without its type is refused, as a barred record of a directory is', async () => {
  const { kty: _, ...rest } = keys[ED].jwk;
  await expect(importVerificationKey(rest as PublicJwk)).rejects.toThrow(TypeError);
});
