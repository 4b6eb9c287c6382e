/** The table of attacks on the key manifest: each is refused with its code, and what it was made of is accepted. */
import { describe, expect, test } from 'vitest';
import { verifyManifest } from '../../../shared/client/manifest.ts';
import { importVerificationKey } from '../../../shared/client/verify.ts';
import { ALG_NAMES } from '../../support/attacks-algorithms.ts';
import { type Genuine, openJws, type Signatory, sealJws } from '../../support/attacks-forgery.ts';
import { TYPED_JWT } from '../../support/attacks-headers.ts';
import { MANIFEST_CONTROLS, manifestAttacks } from '../../support/attacks-manifest.ts';
import { NOW, SECOND } from '../../support/records.ts';
import {
  ED,
  headerOf,
  jwsOf,
  KINDS,
  type Kind,
  keys,
  newKeyPair,
  RSA,
  testKey,
} from '../../support/signed-documents.ts';
import { verdict } from '../../support/verdict.ts';

const VERSION = 7;
const SECONDS_NOW = Math.floor(NOW / SECOND);

const strangers: Record<Kind, Signatory> = {
  [ED]: { ...testKey(ED, await newKeyPair[ED]()), kid: 'stranger' },
  [RSA]: { ...testKey(RSA, await newKeyPair[RSA]()), kid: 'stranger' },
};

/** Signed by the key of this kind as root; the other one is the licence key that it lists. */
function genuineOf(kind: Kind): Genuine<string> {
  const other = keys[kind === ED ? RSA : ED];
  const payload = {
    iss: 'https://countersign.test',
    iat: SECONDS_NOW,
    exp: SECONDS_NOW + 3600,
    version: VERSION,
    keys: [
      { ...other.jwk, state: 'active' },
      { kid: 'gone', alg: 'EdDSA', state: 'compromised' },
    ],
  };
  const document = sealJws(keys[kind], headerOf(kind, { typ: 'license-keys+jwt' }), payload);
  return { document, key: keys[kind], other, stranger: strangers[kind] };
}

/** `valid` or the code, to a client that pins the key of this kind and has seen the genuine version. */
async function codeOf(kind: Kind, text: string | object): Promise<string> {
  const root = await importVerificationKey(keys[kind].jwk);
  const result = await verifyManifest(text as string, { root, now: NOW, minimumVersion: VERSION });
  return result.valid ? 'valid' : result.code;
}

describe.each(KINDS)('a manifest whose root is of %s', (kind) => {
  const genuine = genuineOf(kind);

  test.each(Object.entries(MANIFEST_CONTROLS))('%s: accepted', async (_name, make) => {
    expect(await codeOf(kind, make(genuine))).toBe('valid');
  });

  test.each(manifestAttacks(kind))('$name: $code', async ({ make, code }) => {
    expect(await codeOf(kind, make(genuine))).toBe(code);
    expect(await codeOf(kind, genuine.document)).toBe('valid');
  });

  test.each(Object.entries(TYPED_JWT))('typ JWT, %s: malformed_manifest', async (_name, make) => {
    expect(await codeOf(kind, make(genuine))).toBe('malformed_manifest');
  });

  const values: [string, unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['a number', 0],
    ['an object', {}],
    ['itself in an array', [genuine.document]],
    ['its bytes', Buffer.from(genuine.document)],
  ];

  test.each(values)('%s in the place of its text', async (_name, value) => {
    expect(await codeOf(kind, value as string)).toBe('malformed_manifest');
  });
});

describe('what a manifest says of a key', () => {
  const { document, key } = genuineOf(ED);
  const license = { ...keys[RSA].jwk, state: 'active' };

  /** What a client that takes its keys from such a manifest says about a document. */
  async function verdictWith(entries: readonly object[], token: string): Promise<string> {
    const { header, payload } = openJws(document);
    const root = await importVerificationKey(keys[ED].jwk);
    const manifest = await verifyManifest(sealJws(key, header, { ...payload, keys: entries }), {
      root,
      now: NOW,
    });
    if (!manifest.valid) throw new Error(manifest.detail);
    return verdict(token, { keys: manifest.keys });
  }

  const jwsWith = (kid: string) => jwsOf(RSA, { header: headerOf(RSA, { kid }) });

  test.each([
    ['retired', 'key_retired'],
    ['compromised', 'key_compromised'],
  ])('a %s key that carries its JWK is barred all the same', async (state, code) => {
    expect(await verdictWith([license], jwsOf(RSA))).toBe('valid');
    expect(await verdictWith([{ ...license, state }], jwsOf(RSA))).toBe(code);
    expect(await verdictWith([{ ...license, state, n: 'AAAA' }], jwsOf(RSA))).toBe(code);
  });

  test.each(['__proto__', 'constructor', 'toString', 'length', '0'])(
    'a key that is called %s is a key like others, and no default',
    async (kid) => {
      expect(await verdictWith([{ ...license, kid }], jwsWith(kid))).toBe('valid');
      expect(await verdictWith([{ ...license, kid }], jwsOf(RSA))).toBe('unknown_key');
      expect(await verdictWith([license], jwsWith(kid))).toBe('unknown_key');
      expect(Object.hasOwn(Object.prototype, 'alg')).toBe(false);
    },
  );

  test('a member __proto__ of a key is not where its material comes from', async () => {
    const { n: _, ...others } = license as Record<string, unknown>;
    const inherited = JSON.parse(
      JSON.stringify(others).replace('{', `{"__proto__":${JSON.stringify(license)},`),
    );
    await expect(verdictWith([inherited], jwsOf(RSA))).rejects.toThrow('not a key manifest');
  });

  test.each(ALG_NAMES.filter((alg) => alg !== 'RS256' && alg !== 'EdDSA'))(
    'a key for %j is left out, so that no document is verified with it',
    async (alg) => {
      for (const claim of ALG_NAMES) {
        const header = headerOf(RSA, { alg: claim });
        expect(await verdictWith([{ ...license, alg }], jwsOf(RSA, { header }))).toBe('unknown_key');
      }
    },
  );
});
