/** Bodies that are JSON, but larger than allowed or than they say, or that are declared to be something else. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { anyName, type Bodies, postOf } from './bodies.ts';
import { marked } from './fields.ts';
import { certain, headOf, JSON_HEADERS, json, MARKER, pathOf, RAW, type Shot } from './shot.ts';

const MAX_BODY_BYTES = 65_536;
const SIZES = [1, 2, 3].flatMap(() => [MAX_BODY_BYTES - 1, MAX_BODY_BYTES, MAX_BODY_BYTES + 1, 100_000]);

export const sizes = (bodies: Bodies): fc.Arbitrary<Shot> =>
  fc.oneof(
    { weight: 10, arbitrary: sized(bodies, fc.constantFrom(...SIZES)) },
    { weight: 1, arbitrary: sized(bodies, fc.constantFrom(1_000_000)) },
    {
      weight: 4,
      // Content-Length says less or more than there is.
      arbitrary: fc.tuple(anyName, fc.constantFrom(-300, -5, -1, 1, 500, 1e6)).map(([name, lie]): Shot => {
        const body = json(bodies.good(name));
        const claimed = Math.max(0, body.length + lie);
        const bytes = `${headOf(name)}content-length: ${claimed}\r\n\r\n${body}`;
        return {
          ...RAW,
          bytes,
          right: 'refusal',
          halfClose: lie > 0,
        };
      }),
    },
  );

/** Spaces around a refused body up to the limit, and around a good one beyond it. */
function sized({ good, refusedCase }: Bodies, amount: fc.Arbitrary<number>): fc.Arbitrary<Shot> {
  return fc.tuple(refusedCase, amount, fc.boolean()).chain(([{ name, body }, padTo, chunked]) => {
    const isTooLarge = padTo > MAX_BODY_BYTES;
    const more = isTooLarge ? certain('body_too_large') : {};
    return postOf(name, json(isTooLarge ? good(name) : body), { padTo, chunked, ...more });
  });
}

const MEDIA_TYPES = [
  'text/plain',
  'text/json',
  'text/html',
  'application/x-www-form-urlencoded',
  'application/xml',
  '*/*',
  'multipart/form-data; boundary=x',
  'application/jsonp',
  'application',
  'json',
  'application/json/x',
  ';',
  'application/json; charset=utf-16',
  'application/json; charset=iso-8859-1',
  'application/json; charset=x',
  'application/json; boundary=x',
  'application/json, text/plain',
  'application/octet-stream',
  'a/b; c="',
];
const ENCODINGS = ['gzip', 'deflate', 'br', 'zstd', 'x-gzip', 'gzip, gzip', 'compress', 'utf-8', MARKER];

export const media = ({ good }: Bodies): fc.Arbitrary<Shot> =>
  fc.oneof(
    fc
      .tuple(
        anyName,
        fc.oneof(
          fc.constantFrom(...MEDIA_TYPES),
          marked.map((text) => `text/${text}`),
        ),
      )
      .chain(([name, type]) =>
        postOf(name, json(good(name)), {
          headers: [['content-type', type]],
          ...certain('unsupported_media_type'),
        }),
      ),
    fc.tuple(anyName, fc.constantFrom(...ENCODINGS), fc.boolean()).chain(([name, encoding, really]) => {
      const text = json(good(name));
      const body = really ? gzipSync(Buffer.from(text, 'latin1')).toString('latin1') : text;
      const headers = [...JSON_HEADERS, ['content-encoding', encoding] as const];
      return postOf(name, body, { headers, ...certain('unsupported_media_type') });
    }),
    fc.tuple(anyName, fc.constantFrom('agent' as const, 'raw' as const)).map(
      ([name, transport]): Shot => ({
        ...RAW,
        via: transport,
        path: pathOf(name),
        body: json(good(name)),
        ...certain('unsupported_media_type'),
        right: 'refusal',
      }),
    ),
  );
