/**
 * Mutations of valid documents: none verifies unless it says exactly what was signed, and none makes the verifier
 * throw. A caller hands it whatever it finds on a disk or receives from a network.
 */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { AlgorithmName } from '../../shared/algorithms.ts';
import type { JsonObject, JsonValue } from '../../shared/canonical/strict-json.ts';
import {
  importVerificationKey,
  type PublicJwk,
  type VerificationKey,
  verifyDocument,
} from '../../shared/client/verify.ts';
import { decodeDocument } from '../../shared/formats/index.ts';
import { inline } from '../../shared/formats/inline.ts';
import { jws } from '../../shared/formats/jws.ts';
import type { DocumentPayload } from '../../shared/wire/document.ts';
import { jsonDocument, safeNumber, wellFormedText } from '../support/arbitrary-json.ts';
import { documentPayload, NOW } from '../support/records.ts';

const RUNS = { numRuns: 3_000 };

/** Names that the canonical forms escape differently. */
const PAYLOAD = documentPayload({ license_key: 'DEMO-1', customer: { id: 'c-1', name: 'Zoë "東京" 😀' } });

type Pair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

const pairs: Record<AlgorithmName, Pair> = {
  EC_SIGN_ED25519: generateKeyPairSync('ed25519'),
  RSA_SIGN_PKCS1_4096_SHA256: generateKeyPairSync('rsa', { modulusLength: 4096 }),
};
const KINDS = Object.keys(pairs) as AlgorithmName[];

const JOSE = { EC_SIGN_ED25519: 'EdDSA', RSA_SIGN_PKCS1_4096_SHA256: 'RS256' };

let keys: VerificationKey[];

beforeAll(async () => {
  keys = await Promise.all(
    KINDS.map((kind) => {
      const jwk = pairs[kind].publicKey.export({ format: 'jwk' });
      return importVerificationKey({ ...jwk, kid: kind, alg: JOSE[kind] } as PublicJwk);
    }),
  );
});

function signatureOf(kind: AlgorithmName, bytes: Uint8Array) {
  const digest = kind === 'EC_SIGN_ED25519' ? null : 'sha256';
  return { kid: kind, algorithm: kind, bytes: sign(digest, bytes, pairs[kind].privateKey) };
}

function inlineOf(kind: AlgorithmName, payload: DocumentPayload) {
  const bytes = inline.signedBytes(payload, { kid: kind, algorithm: kind });
  return inline.encode(payload, signatureOf(kind, bytes));
}

function jwsOf(kind: AlgorithmName, payload: DocumentPayload) {
  const bytes = jws.signedBytes(payload, { kid: kind, algorithm: kind });
  return jws.encode(payload, signatureOf(kind, bytes));
}

/** Genuine documents. Each says something else, so that none can pass for another. */
const DOCUMENTS: readonly (readonly [string, string])[] = KINDS.flatMap((kind) => [
  [`${kind}, JWS`, jwsOf(kind, { ...PAYLOAD, nonce: `${kind} JWS` })] as const,
  [`${kind}, inline`, JSON.stringify(inlineOf(kind, { ...PAYLOAD, nonce: `${kind} inline` }))] as const,
]);

const verify = (document: string | JsonObject) => verifyDocument(document, { keys, now: NOW });

/** Bytes and texts that mean something to a reader of JSON, of base64 or of a JWS. */
const piece = fc.oneof(
  fc.constantFrom(
    ' ',
    '\n',
    '\t',
    '.',
    '..',
    '=',
    '==',
    '-',
    '_',
    '+',
    '/',
    '"',
    '\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '0',
    '1',
    '.0',
    'e0',
    'null',
    '\u0000',
    '\ufeff',
    '\ud800',
    'é',
    '😀',
    '{}',
    '"kid":"x",',
    '"__proto__":{},',
    '\\u0061',
  ),
  fc.string({ unit: 'binary', maxLength: 3 }),
);

/** One damage to a text; positions are relative, so that they fit a text of any length. */
type Mutation = (text: string) => string;

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const span = fc.tuple(place, fc.oneof(fc.nat({ max: 4 }), fc.nat({ max: 200 })));
const at = (text: string, where: number) => Math.floor(where * text.length);

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, fc.nat({ max: 7 })).map(
    ([where, bit]): Mutation =>
      (text) => {
        const start = at(text, where);
        return (
          text.slice(0, start) +
          String.fromCharCode(text.charCodeAt(start) ^ (1 << bit)) +
          text.slice(start + 1)
        );
      },
  ),
  fc.tuple(place, piece).map(
    ([where, inserted]): Mutation =>
      (text) =>
        text.slice(0, at(text, where)) + inserted + text.slice(at(text, where)),
  ),
  fc.tuple(span, piece).map(
    ([[where, length], inserted]): Mutation =>
      (text) =>
        text.slice(0, at(text, where)) + inserted + text.slice(at(text, where) + length),
  ),
  // A slice is left out, written twice, or moved.
  span.map(
    ([where, length]): Mutation =>
      (text) =>
        text.slice(0, at(text, where)) + text.slice(at(text, where) + length),
  ),
  span.map(
    ([where, length]): Mutation =>
      (text) => {
        const end = at(text, where) + length;
        return text.slice(0, end) + text.slice(at(text, where));
      },
  ),
  fc.tuple(span, place).map(
    ([[where, length], target]): Mutation =>
      (text) => {
        const start = at(text, where);
        const rest = text.slice(0, start) + text.slice(start + length);
        return (
          rest.slice(0, at(rest, target)) + text.slice(start, start + length) + rest.slice(at(rest, target))
        );
      },
  ),
  // Both ends are cut.
  place.map(
    (where): Mutation =>
      (text) =>
        text.slice(0, at(text, where)),
  ),
  place.map(
    (where): Mutation =>
      (text) =>
        text.slice(at(text, where)),
  ),
  // White space where JSON allows it, which says the same.
  fc.constantFrom<Mutation>(
    (text) => ` ${text}`,
    (text) => `${text}\n`,
    (text) => text.replaceAll('":', '": '),
    (text) => text.replaceAll('"tier"', '"\\u0074ier"'),
  ),
  // The head of one document and the tail of another.
  fc.tuple(fc.nat({ max: DOCUMENTS.length - 1 }), place).map(
    ([index, where]): Mutation =>
      (text) => {
        const other = DOCUMENTS[index]?.[1] ?? '';
        return text.slice(0, at(text, where)) + other.slice(at(other, where));
      },
  ),
);

/** What a document says, read by no code of ours; a JWS says its text. */
const meaning = (text: string): unknown => (text.trimStart().startsWith('{') ? JSON.parse(text) : text);

/** An accepted text has to be a genuine document, to a foreign reader and in the bytes that were signed. */
function expectGenuine(text: string): void {
  const original = DOCUMENTS.find(([, document]) => isDeepStrictEqual(meaning(text), meaning(document)))?.[1];
  if (original === undefined) throw new Error(`nobody signed ${JSON.stringify(text)}`);
  const [signed, accepted] = [decodeDocument(original), decodeDocument(text)];
  expect(accepted.signedBytes).toEqual(signed.signedBytes);
  expect(accepted.signature).toEqual(signed.signature);
}

describe.each(DOCUMENTS)('%s', (_name, document) => {
  test('is valid as it is', async () => {
    expect(await verify(document)).toMatchObject({ valid: true, payload: { hardware_id: 'machine-1' } });
  });

  test('mutated, is refused or says the same, and nothing is thrown', async () => {
    let accepted = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
        const mutated = mutations.reduce((text, mutate) => mutate(text), document);
        const result = await verify(mutated);
        if (!result.valid) {
          refused += 1;
          return;
        }
        accepted += 1;
        expectGenuine(mutated);
      }),
      RUNS,
    );
    // Both ways were walked: mutations that change nothing are accepted, the others are not.
    expect(accepted).toBeGreaterThan(0);
    expect(refused).toBeGreaterThan(RUNS.numRuns / 2);
  });

  test('mutated at random bytes, as UTF-8 that is damaged and read again', async () => {
    const edits = fc.array(fc.tuple(place, fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(edits, async (changes) => {
        const bytes = Buffer.from(document);
        for (const [where, value] of changes) bytes[Math.floor(where * bytes.length)] = value;
        const mutated = bytes.toString();
        if ((await verify(mutated)).valid) expectGenuine(mutated);
      }),
      RUNS,
    );
  });
});

describe.each(KINDS)('an inline document of %s as an object', (kind) => {
  const document: JsonObject = inlineOf(kind, PAYLOAD);
  const members = fc.constantFrom(...Object.keys(document));

  test('with any member set to anything is refused', async () => {
    const member = fc.oneof(members, fc.constantFrom('__proto__', 'toJSON', 'constructor'), wellFormedText);
    await fc.assert(
      fc.asyncProperty(member, jsonDocument(safeNumber), async (name, value) => {
        const changed = { ...document };
        const unchanged =
          Object.hasOwn(document, name) && JSON.stringify(document[name]) === JSON.stringify(value);
        fc.pre(!unchanged);
        Object.defineProperty(changed, name, { value, enumerable: true, configurable: true, writable: true });
        expect((await verify(changed)).valid).toBe(false);
        expect((await verify(JSON.stringify(changed))).valid).toBe(false);
      }),
      RUNS,
    );
  });

  test('without any of its members is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(members, { minLength: 1 }), async (removed) => {
        const rest = Object.fromEntries(Object.entries(document).filter(([name]) => !removed.includes(name)));
        expect((await verify(rest)).valid).toBe(false);
      }),
    );
  });
});

describe('what nobody signed', () => {
  test('any text is refused', async () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.oneof(piece, wellFormedText)).map((pieces) => pieces.join('')),
      fc
        .array(fc.base64String(), { minLength: 3, maxLength: 3 })
        .map((parts) => parts.join('.').replaceAll('=', '')),
    );
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        expect((await verify(text)).valid).toBe(false);
      }),
      RUNS,
    );
  });

  test('any JSON, as an object, as text and as the parts of a JWS, is refused', async () => {
    const base64url = (value: JsonValue) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const value = jsonDocument(safeNumber);
    await fc.assert(
      fc.asyncProperty(value, value, async (a, b) => {
        expect((await verify(JSON.stringify(a))).valid).toBe(false);
        expect((await verify(`${base64url(a)}.${base64url(b)}.AAAA`)).valid).toBe(false);
        if (typeof a === 'object' && a !== null) expect((await verify(a as JsonObject)).valid).toBe(false);
      }),
      RUNS,
    );
  });
});

test('every payload that can be signed verifies and comes back as it was', async () => {
  const payloads = fc.record({
    name: wellFormedText,
    hardware: wellFormedText,
    features: fc.array(wellFormedText, { maxLength: 4 }),
    versions: fc.option(fc.array(fc.maxSafeInteger(), { maxLength: 4 }), { nil: null }),
    nonce: fc.option(wellFormedText, { nil: null }),
    seconds: fc.maxSafeInteger(),
    borrowed: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(payloads, fc.constantFrom(...KINDS), async (given, kind) => {
      const payload = documentPayload({
        license_key: given.hardware,
        customer: { id: given.name, name: given.name },
        hardware_id: given.hardware,
        features: given.features,
        allowed_major_versions: given.versions,
        nonce: given.nonce,
        heartbeat_seconds: given.seconds,
        borrowed: given.borrowed,
      });
      const { license_key: _, ...withoutKey } = payload;
      expect(await verify(jwsOf(kind, payload))).toEqual({ valid: true, kid: kind, payload: withoutKey });
      const answer = inlineOf(kind, payload);
      const expected = { valid: true, kid: kind, payload };
      expect(await verify(answer)).toEqual(expected);
      expect(await verify(JSON.stringify(answer))).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});
