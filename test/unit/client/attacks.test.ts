/** The table of attacks, offline: each is refused with its code, and what it was made of is accepted. */
import { describe, expect, test } from 'vitest';
import { importVerificationKey, type PublicJwk } from '../../../shared/client/verify.ts';
import {
  type Genuine,
  type InlineObject,
  inlineAttacks,
  inlineControls,
  jwsAttacks,
  jwsControls,
} from '../../support/attacks.ts';
import { ALG_NAMES } from '../../support/attacks-algorithms.ts';
import { type Signatory, sealInline, sealJws } from '../../support/attacks-forgery.ts';
import { TYPED_JWT } from '../../support/attacks-headers.ts';
import { documentPayload } from '../../support/records.ts';
import {
  claimsOf,
  ED,
  headerOf,
  inlineOf,
  jwsOf,
  KINDS,
  type Kind,
  keys,
  newKeyPair,
  RSA,
  testKey,
  trusted,
} from '../../support/signed-documents.ts';
import { verdict } from '../../support/verdict.ts';

/** The canonical forms write this name differently, and Unicode has two spellings of it. */
const customer = { id: 'customer-1', name: 'Société 東京 😀' };
const payload = documentPayload({ customer });

const strangers: Record<Kind, Signatory> = {
  [ED]: { ...testKey(ED, await newKeyPair[ED]()), kid: 'stranger' },
  [RSA]: { ...testKey(RSA, await newKeyPair[RSA]()), kid: 'stranger' },
};

const signatories = (kind: Kind) => ({
  key: keys[kind],
  other: keys[kind === ED ? RSA : ED],
  stranger: strangers[kind],
});

const genuineJws = (kind: Kind): Genuine<string> => ({
  document: sealJws(keys[kind], headerOf(kind), claimsOf(payload)),
  ...signatories(kind),
});

const genuineInline = (kind: Kind): Genuine<InlineObject> => ({
  document: sealInline(keys[kind], { ...payload, license_key: 'DEMO-1', kid: keys[kind].kid }),
  ...signatories(kind),
});

/** A document is judged as an object and as text; a text as it is. */
async function verdicts(document: string | object): Promise<Set<string>> {
  const forms = typeof document === 'string' ? [document] : [document, JSON.stringify(document)];
  return new Set(await Promise.all(forms.map((form) => verdict(form))));
}

describe.each(KINDS)('%s', (kind) => {
  describe('a JWS', () => {
    const genuine = genuineJws(kind);

    test.each(jwsControls(kind))('$name: accepted', async ({ make }) => {
      expect(await verdict(make(genuine))).toBe('valid');
    });

    test.each(jwsAttacks(kind))('$name: $code', async ({ make, code }) => {
      expect(await verdict(make(genuine))).toBe(code);
      expect(await verdict(genuine.document)).toBe('valid');
    });
  });

  test.each(Object.entries(TYPED_JWT))('a JWS with typ JWT, %s: unsupported_header', async (_name, make) => {
    expect(await verdict(make(genuineJws(kind)))).toBe('unsupported_header');
  });

  describe('an inline document', () => {
    const genuine = genuineInline(kind);

    test.each(inlineControls(kind))('$name: accepted', async ({ make }) => {
      expect(await verdicts(make(genuine))).toEqual(new Set(['valid']));
    });

    test.each(inlineAttacks(kind))('$name: $code', async ({ make, code }) => {
      expect(await verdicts(make(genuine))).toEqual(new Set([code]));
      expect(await verdict(genuine.document)).toBe('valid');
    });
  });
});

describe.each(KINDS)('keys of %s', (kind) => {
  const own = kind === ED ? 'EdDSA' : 'RS256';

  test.each(ALG_NAMES.filter((alg) => alg !== own))('cannot be registered for %j', async (alg) => {
    const jwk = { ...keys[kind].jwk, alg } as PublicJwk;
    await expect(importVerificationKey(jwk)).rejects.toThrow(TypeError);
  });

  test('do not verify what another key of the same algorithm signed under their kid', async () => {
    const sibling = {
      ...(await importVerificationKey(testKey(kind, await newKeyPair[kind]()).jwk)),
      kid: 'sibling',
    };
    const registered = { keys: [...trusted, sibling] };
    const jws = jwsOf(kind, { header: headerOf(kind, { kid: 'sibling' }) });
    expect(await verdict(jws, registered)).toBe('signature_invalid');
    expect(await verdict(inlineOf(kind, { kid: 'sibling' }), registered)).toBe('signature_invalid');
  });
});

test('a key of 2048 bits signs nothing that is long enough, though it is registered', async () => {
  const small = testKey(RSA, await newKeyPair[RSA](2048));
  const registered = { keys: [await importVerificationKey(small.jwk)] };
  expect(await verdict(sealJws(small, headerOf(RSA), claimsOf(payload)), registered)).toBe(
    'signature_invalid',
  );
  const inline = sealInline(small, { ...payload, license_key: 'DEMO-1', kid: small.kid });
  expect(await verdict(inline, registered)).toBe('signature_invalid');
});
