/** Methods that an endpoint does not have, and paths that lead nowhere or almost to one. */
import { METHODS } from 'node:http';
import fc from 'fast-check';
import { anyName, type Bodies } from './bodies.ts';
import { marked } from './fields.ts';
import { JSON_HEADERS, json, MARKER, POST_PATHS, pathOf, RAW, rightFor, type Shot } from './shot.ts';

const GET_PATHS = [
  '/health',
  '/info',
  '/openapi.json',
  '/docs',
  '/.well-known/jwks.json',
  '/api/v1/keys',
  '/docs/assets/start.js',
];
const KNOWN_METHODS = METHODS.filter((method) => method !== 'CONNECT');

export const methods = ({ good }: Bodies): fc.Arbitrary<Shot> =>
  fc.oneof(
    fc
      .tuple(
        fc.constantFrom(...POST_PATHS),
        fc.constantFrom(...KNOWN_METHODS),
        fc.boolean(),
        fc.constantFrom('', '/'),
      )
      .filter(([, method]) => method !== 'POST')
      .map(
        ([name, method, withBody, slash]): Shot => ({
          via: method === 'TRACE' ? 'raw' : 'agent',
          method,
          path: pathOf(name) + slash,
          headers: JSON_HEADERS,
          ...(withBody && { body: json(good(name)) }),
          right: method === 'OPTIONS' ? 'options' : 'refusal',
          codes: ['method_not_allowed'],
        }),
      ),
    fc.tuple(fc.constantFrom(...GET_PATHS), fc.constantFrom(...KNOWN_METHODS)).map(([path, method]): Shot => {
      const right = method === 'OPTIONS' ? 'options' : ['GET', 'HEAD'].includes(method) ? 'page' : 'refusal';
      return { via: 'agent', method, path, headers: [], right, codes: ['method_not_allowed'] };
    }),
    fc
      .tuple(
        anyName,
        fc.constantFrom('FOO', 'get', 'Post', 'POSTT', 'P', MARKER, 'GET\u0000', '\xff\xfe', 'BREW', ''),
      )
      .map(
        ([name, method]): Shot => ({
          ...RAW,
          method,
          path: pathOf(name),
          headers: JSON_HEADERS,
          body: json(good(name)),
        }),
      ),
  );

const FIXED_PATHS = [
  '//',
  '/',
  '/../',
  '/%00',
  '/%zz',
  '/%',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/..;/',
  '/\\',
  '/a\\b',
  '/;x=1',
  '/favicon.ico',
  '/robots.txt',
  '/favicon.ico/',
  '/FAVICON.ICO',
  '/favicon.ico/x',
  '/robots.txt?x',
  '/.env',
  '/api',
  '/api/v1',
  '/api/v1/licenses',
  '/api/v1/licenses/',
  '/api/v2/licenses/acquire',
  '/metrics',
  '/docs/assets/',
  '/docs/assets/..%2f..%2fpackage.json',
  '/docs/assets/__proto__',
  '/api/v1/keys/x.pem',
  '/api/v1/keys/.pem',
  '/api/v1/keys/%2e%2e.pem',
  '/api/v1/keys/__proto__.pem',
  '/*',
  '/\xff\xfe',
  '/\xf0\x9f\x98\x80',
  '/%ff',
  '/%c0%ae%c0%ae/',
  '/%ED%A0%80',
  '/%F0%9F%98%80',
  '/a%0d%0ab',
  '/#',
  'http://a.test/favicon.ico',
  'http://a.test/nowhere',
  'http://[/',
  'https://a.test:99999/',
  '*',
  '?',
  '/?%',
];
const printable = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 60,
});
const unknownPath = fc.oneof(
  fc.constantFrom(...FIXED_PATHS),
  marked.map((text) => `/${text}`),
  printable.map((text) => `/${MARKER}${text}`),
  printable.map((text) => `/docs/assets/${MARKER}${text}`),
  printable.map((text) => `/api/v1/keys/${MARKER}${text}`),
  fc.integer({ min: 2000, max: 40_000 }).map((length) => `/${MARKER.padEnd(length, 'x')}`),
);
/** Paths near those of endpoints, where some sloppy router might find them. */
const PATH_EDITS: readonly ((path: string) => string)[] = [
  (path) => `/${path}`,
  (path) => path.toUpperCase(),
  (path) => `${path}%20`,
  (path) => `${path}%00`,
  (path) => `${path}/x`,
  (path) => `${path}.json`,
  (path) => `${path};${MARKER}`,
  (path) => path.replaceAll('/', '%2f').replace('%2f', '/'),
  (path) => path.replace('/v1', ''),
  (path) => `/x${path}`,
  (path) => path.replace('/api', '/api/.%00'),
];
const QUERIES = [
  '?',
  '?%',
  '?%zz',
  '?%00',
  '?a[b][c]=1',
  '?__proto__[x]=1',
  `?x=${MARKER}`,
  '?\xff',
  '/?a=b&a=c',
  '/',
  '///?',
];

export const paths = ({ good, refusedCase }: Bodies): fc.Arbitrary<Shot> =>
  fc.oneof(
    fc.tuple(fc.constantFrom('GET', 'POST', 'DELETE', 'OPTIONS'), unknownPath).map(
      ([method, path]): Shot => ({
        ...RAW,
        method,
        path,
        headers: JSON_HEADERS,
        right: method === 'OPTIONS' ? 'options' : 'refusal',
      }),
    ),
    fc
      .tuple(fc.constant('HEAD'), marked)
      .map(([method, text]): Shot => ({ ...RAW, method, path: `/${text}` })),
    fc.tuple(anyName, fc.constantFrom(...PATH_EDITS)).map(
      ([name, edit]): Shot => ({
        ...RAW,
        path: edit(pathOf(name)),
        headers: JSON_HEADERS,
        body: json(good(name)),
      }),
    ),
    fc.tuple(refusedCase, fc.constantFrom(...QUERIES)).map(
      ([{ name, body }, query]): Shot => ({
        ...RAW,
        path: pathOf(name) + query,
        headers: JSON_HEADERS,
        body: json(body),
        right: rightFor(name),
      }),
    ),
  );
