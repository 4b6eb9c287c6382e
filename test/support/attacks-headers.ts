/** Headers of a JWS that bring a key, rules, a type or a kid of their own. `typ` is otherwise that of the genuine one. */
import { createPublicKey } from 'node:crypto';
import {
  type Attack,
  type Genuine,
  type Make,
  openJws,
  refusedWith,
  resealed,
  type Signatory,
} from './attacks-forgery.ts';

const EVIL_URL = 'https://evil.test/jwks.json';

export const jwkOf = (key: Signatory) => ({
  ...createPublicKey(key.private).export({ format: 'jwk' }),
  kid: key.kid,
  alg: key.alg,
});
const derOf = (key: Signatory) =>
  createPublicKey(key.private).export({ type: 'spki', format: 'der' }).toString('base64');

/** Members that bring a key or rules of their own, as the owner of a key would write them. */
const HEADER_MEMBERS: Readonly<Record<string, (key: Signatory) => object>> = {
  crit: () => ({ crit: ['exp'] }),
  'crit that names b64': () => ({ crit: ['b64'], b64: false }),
  'crit that names an extension it has': () => ({ crit: ['urn:evil'], 'urn:evil': true }),
  'crit that names alg': () => ({ crit: ['alg'] }),
  'an empty crit': () => ({ crit: [] }),
  'crit null': () => ({ crit: null }),
  'crit as a text': () => ({ crit: 'exp' }),
  b64: () => ({ b64: false }),
  jwk: (key) => ({ jwk: jwkOf(key) }),
  'jwk null': () => ({ jwk: null }),
  jku: () => ({ jku: EVIL_URL }),
  x5u: () => ({ x5u: EVIL_URL }),
  x5c: (key) => ({ x5c: [derOf(key)] }),
  x5t: () => ({ x5t: 'AAAA' }),
  'x5t#S256': () => ({ 'x5t#S256': 'AAAA' }),
  zip: () => ({ zip: 'DEF' }),
  cty: () => ({ cty: 'JWT' }),
  enc: () => ({ enc: 'A256GCM' }),
  'a member __proto__': () => JSON.parse('{"__proto__":{"alg":"none"}}') as object,
  'a member nobody knows': () => ({ note: '' }),
  'no typ': () => ({ typ: undefined }),
  'typ null': () => ({ typ: null }),
  'typ at+jwt': () => ({ typ: 'at+jwt' }),
};

const HEADERS = Object.entries(HEADER_MEMBERS).flatMap(([name, membersOf]) =>
  refusedWith<string, 'unsupported_header'>('unsupported_header', {
    [`a header with ${name}, signed so by the key itself`]: ({ document, key }) =>
      resealed(document, key, membersOf(key)),
    [`a header with ${name}, signed by a stranger`]: ({ document, stranger }) =>
      resealed(document, stranger, membersOf(stranger)),
    [`a header with ${name} and the kid of the stranger who signed`]: ({ document, stranger }) =>
      resealed(document, stranger, { ...membersOf(stranger), kid: stranger.kid }),
  }),
);

const TYPES = refusedWith<string, 'unsupported_header'>('unsupported_header', {
  'its typ in upper case': ({ document, key }) =>
    resealed(document, key, { typ: typeOf(document).toUpperCase() }),
  'its typ as a media type': ({ document, key }) =>
    resealed(document, key, { typ: `application/${typeOf(document)}` }),
  'its typ in an array': ({ document, key }) => resealed(document, key, { typ: [typeOf(document)] }),
});

/** The type of any JWT. The service takes those for licences of another format and has codes of its own for them. */
export const TYPED_JWT: Readonly<Record<'own' | 'forged' | 'foreign', Make<string>>> = {
  own: ({ document, key }) => resealed(document, key, { typ: 'JWT' }),
  forged: ({ document, stranger }) => resealed(document, stranger, { typ: 'JWT' }),
  foreign: ({ document, stranger }) => resealed(document, stranger, { typ: 'JWT', kid: stranger.kid }),
};

const typeOf = (document: string) => String(openJws(document).header.typ);

/** Kids that a lookup by path, URL, query or property would find something under. */
export const UNKNOWN_KIDS = [
  '',
  '.',
  '../../etc/passwd',
  '..\\..\\windows\\win.ini',
  '/dev/null',
  '%2e%2e%2fkey',
  'https://evil.test/key.json',
  '//evil.test/key',
  'file:///etc/passwd',
  'data:application/json,{}',
  "' OR '1'='1",
  "x'; DROP TABLE keys; --",
  "x' UNION SELECT 'key",
  '$(id)',
  '__proto__',
  'constructor',
  'prototype',
  'hasOwnProperty',
  'length',
  '0',
  '-1',
  'undefined',
  'null',
  '*',
  'kid\u0000',
  'k'.repeat(10_000),
];

export const KIDS_OF_ANOTHER_TYPE: readonly unknown[] = [0, true, null, ['kid'], {}, undefined];

const shown = (kid: unknown) => JSON.stringify(kid)?.slice(0, 40);

const KIDS: Attack<string>[] = [
  ...UNKNOWN_KIDS.map((kid) => ({
    name: `the kid ${shown(kid)}, signed so`,
    make: ({ document, key }: Genuine<string>) => resealed(document, key, { kid }),
    code: 'unknown_key' as const,
  })),
  ...KIDS_OF_ANOTHER_TYPE.map((kid) => ({
    name: `the kid ${shown(kid)}, which is no text`,
    make: ({ document, key }: Genuine<string>) => resealed(document, key, { kid }),
    code: 'malformed_document' as const,
  })),
  ...refusedWith<string, 'unknown_key'>('unknown_key', {
    'the kid of the stranger who signed': ({ document, stranger }) =>
      resealed(document, stranger, { kid: stranger.kid }),
    'the kid with a space before it': ({ document, key }) => resealed(document, key, { kid: ` ${key.kid}` }),
    'the kid with a NUL after it': ({ document, key }) =>
      resealed(document, key, { kid: `${key.kid}\u0000` }),
    'the kid in upper case': ({ document, key }) => resealed(document, key, { kid: key.kid.toUpperCase() }),
  }),
];

export const HEADER_ATTACKS: Attack<string>[] = [...HEADERS, ...TYPES, ...KIDS];
