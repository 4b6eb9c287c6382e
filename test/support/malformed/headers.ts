/** Headers that are refused, and junk in headers that must not turn a refusal into anything else. */
import fc from 'fast-check';
import { anyName, type Bodies } from './bodies.ts';
import { headOf, JSON_HEADERS, json, MARKER, type Name, pathOf, RAW, rightFor, type Shot } from './shot.ts';

const BAD_IDEMPOTENCY_KEYS = [
  '',
  ' ',
  `a ${MARKER}`,
  'a\tb',
  'x'.repeat(256),
  'x'.repeat(5000),
  '\xe9',
  '\x80',
  `\xff${MARKER}`,
];
const JUNK_HEADERS = [
  'x-forwarded-for',
  'forwarded',
  'x-http-method-override',
  'authorization',
  'cookie',
  'traceparent',
  'x-cloud-trace-context',
  'function-execution-id',
  'origin',
  'referer',
  'accept',
  'accept-encoding',
  'range',
  'if-none-match',
  'user-agent',
  'x-api-key',
  'ce-type',
  'ce-specversion',
  '__proto__',
  'te',
  'x-http-method',
  'x-original-url',
  'via',
  'access-control-request-method',
  'idempotency-key',
  'date',
];
const headerText = fc
  .string({
    unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code === 0x7f ? 32 : code)),
    maxLength: 80,
  })
  .map((text) => `${MARKER} ${text}`);
const BAD_HOSTS = [
  '',
  ' ',
  'a b',
  '<script>',
  '[::',
  'a.test:99999',
  'a.test:x',
  `${MARKER}@b`,
  '\xff',
  'a/b',
  '..',
  '%00',
  '[]',
  '#',
];
const FRAMING: readonly (readonly [string, string])[] = [
  ['transfer-encoding', 'identity'],
  ['transfer-encoding', 'xchunked'],
  ['transfer-encoding', 'chunked, identity'],
  ['transfer-encoding', '\x0bchunked'],
  ['transfer-encoding', MARKER],
  ['content-length', '-1'],
  ['content-length', '+5'],
  ['content-length', '0x10'],
  ['content-length', '5 5'],
  ['content-length', '99999999999999999999'],
  ['content-length', '5, 6'],
];

/** A refused body with more headers. */
function refusedWith(
  { refusedCase }: Bodies,
  more: (name: Name) => fc.Arbitrary<readonly (readonly [string, string])[]>,
): fc.Arbitrary<Shot> {
  return refusedCase.chain(({ name, body }) =>
    more(name).map(
      (headers): Shot => ({
        ...RAW,
        path: pathOf(name),
        headers: [...JSON_HEADERS, ...headers],
        body: json(body),
        right: rightFor(name),
      }),
    ),
  );
}

export const headers = (bodies: Bodies): fc.Arbitrary<Shot> => {
  const { good, refusedCase } = bodies;
  return fc.oneof(
    fc
      .tuple(
        fc.constantFrom('acquire' as const, 'borrow' as const, 'release' as const),
        fc.constantFrom(...BAD_IDEMPOTENCY_KEYS),
      )
      .map(
        ([name, key]): Shot => ({
          ...RAW,
          path: pathOf(name),
          headers: [...JSON_HEADERS, ['idempotency-key', key]],
          body: json(good(name)),
          codes: ['invalid_request'],
        }),
      ),
    fc.tuple(anyName, fc.constantFrom<readonly [string, string][]>([['content-type', 'text/plain']])).map(
      ([name, second]): Shot => ({
        ...RAW,
        path: pathOf(name),
        headers: [...JSON_HEADERS, ...second],
        body: json(good(name)),
        codes: ['unsupported_media_type'],
      }),
    ),
    fc.tuple(anyName, fc.constantFrom(...FRAMING)).map(
      ([name, framing]): Shot => ({
        ...RAW,
        bytes: `${headOf(name)}${framing.join(': ')}\r\n\r\n${json(good(name))}`,
      }),
    ),
    fc
      .tuple(
        fc.constantFrom('agent' as const, 'raw' as const),
        fc.integer({ min: 17_000, max: 60_000 }),
        anyName,
      )
      .map(
        ([transport, length, name]): Shot => ({
          ...RAW,
          via: transport,
          path: pathOf(name),
          headers: [...JSON_HEADERS, ['x-huge', MARKER.padEnd(length, 'x')]],
          body: json(good(name)),
          codes: ['headers_too_large'],
        }),
      ),
    refusedWith(bodies, () =>
      fc.array(fc.tuple(fc.constantFrom(...JUNK_HEADERS), headerText), { minLength: 1, maxLength: 4 }),
    ),
    refusedWith(bodies, () =>
      fc
        .constantFrom('junk', '\r', 'x'.repeat(65), 'a b', '{"a":1}', '<b>')
        .map((id) => [['x-request-id', `${MARKER}\xe9${id}`]] as const),
    ),
    refusedWith(bodies, () =>
      fc.constantFrom(
        [['expect', '100-continue']] as const,
        [['expect', MARKER]] as const,
        [
          ['upgrade', 'websocket'],
          ['sec-websocket-key', 'eA=='],
        ] as const,
        [['upgrade', 'h2c']] as const,
      ),
    ),
    refusedCase.chain(({ name, body }) =>
      fc.constantFrom(...BAD_HOSTS).map((host): Shot => {
        const text = json(body);
        const bytes = `POST ${pathOf(name)} HTTP/1.1\r\nHost: ${host}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
        return { ...RAW, bytes, right: rightFor(name) };
      }),
    ),
  );
};
