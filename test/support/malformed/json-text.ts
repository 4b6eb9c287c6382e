/** Bodies whose bytes are at fault: random ones, good ones that a byte or an edit breaks, and JSON that is too deep. */
import fc from 'fast-check';
import { anyName, type Bodies, postOf } from './bodies.ts';
import { REQUIRED } from './fields.ts';
import { certain, flip, json, MARKER, type Name, type Shot } from './shot.ts';

export const randomBytes = (): fc.Arbitrary<Shot> =>
  fc
    .tuple(anyName, fc.uint8Array({ minLength: 0, maxLength: 600 }))
    .chain(([name, bytes]) => postOf(name, Buffer.from(bytes).toString('latin1')));

/** A good body whose text is edited so that no strict reader takes it, and the codes that may say so. */
const BREAKS: readonly (readonly [edit: (text: string, name: Name) => string, codes: string[]])[] = [
  [(text) => `${text.slice(0, -1)},${text.slice(1)}`, ['json_duplicate_key']],
  [(text, name) => `{"${REQUIRED[name][0]}":1,${text.slice(1)}`, ['json_duplicate_key']],
  [
    (text, name) =>
      `{"\\u${`${REQUIRED[name][0]}`.charCodeAt(0).toString(16).padStart(4, '0')}${REQUIRED[name][0]?.slice(1)}":1,${text.slice(1)}`,
    ['json_duplicate_key'],
  ],
  [(text) => `{"${MARKER}":"\\ud800",${text.slice(1)}`, ['json_lone_surrogate']],
  [(text) => `{"${MARKER}":"\\udc00\\ud800",${text.slice(1)}`, ['json_lone_surrogate']],
  [(text) => `{"\\ud83d${MARKER}":1,${text.slice(1)}`, ['json_lone_surrogate']],
  [(text) => `{"${MARKER}":"\xed\xa0\x80",${text.slice(1)}`, ['invalid_json']],
  [(text) => `{"${MARKER}":"\xc0\x80",${text.slice(1)}`, ['invalid_json']],
  [(text) => `{"${MARKER}":1e400,${text.slice(1)}`, ['json_non_finite_number']],
  [(text) => `{"${MARKER}":-1e400,${text.slice(1)}`, ['json_non_finite_number']],
  [(text) => `{"${MARKER}":9007199254740993,${text.slice(1)}`, ['json_unsafe_integer']],
  [(text) => `{"${MARKER}":[1e20],${text.slice(1)}`, ['json_unsafe_integer']],
  [(text) => `{"${MARKER}":NaN,${text.slice(1)}`, ['invalid_json']],
  [(text) => `{"${MARKER}":01,${text.slice(1)}`, ['invalid_json']],
  [(text) => `{'${MARKER}':1,${text.slice(1)}`, ['invalid_json']],
  [(text) => `{/*${MARKER}*/${text.slice(1)}`, ['invalid_json']],
  [(text) => `{"${MARKER}":"\u0001",${text.slice(1)}`, ['invalid_json']],
  [(text) => `${text.slice(0, -1)},}`, ['invalid_json']],
  [(text) => `${text}${text}`, ['invalid_json']],
  [(text) => `${text}\u0000`, ['invalid_json']],
  [(text) => `\xef\xbb\xbf${text}`, ['invalid_json']],
  [(text) => `[${text}]`, ['invalid_request']],
  [(text) => JSON.stringify(text), ['invalid_request', 'invalid_json']],
  [(text) => Buffer.from(text, 'utf16le').toString('latin1'), ['invalid_json']],
];

export const mutated = ({ good, thriceWrong }: Bodies): fc.Arbitrary<Shot> =>
  fc.oneof(
    fc
      .tuple(anyName, fc.array(fc.tuple(fc.nat(4000), fc.nat(7)), { minLength: 1, maxLength: 2 }))
      .chain(([name, flips]) =>
        postOf(
          name,
          (name === 'release' ? flips.slice(0, 1) : flips).reduce(
            (text, [at, bit]) => flip(text, at, bit),
            json(thriceWrong(name)),
          ),
        ),
      ),
    fc.tuple(anyName, fc.nat(4000)).chain(([name, at]) => {
      const text = json(good(name));
      return postOf(name, text.slice(0, at % text.length), certain('invalid_json'));
    }),
    fc
      .tuple(anyName, fc.constantFrom(...BREAKS))
      .chain(([name, [edit, codes]]) => postOf(name, edit(json(good(name)), name), certain(...codes))),
    fc
      .constantFrom(
        '1.5',
        '0.5',
        '1e-7',
        '1E400',
        '-1',
        '0',
        '9007199254740993',
        '60.0000001',
        '"60"',
        '1e999999',
      )
      .chain((number) => {
        const text = json(good('borrow')).replace(':60', `:${number}`);
        return postOf(
          'borrow',
          text,
          certain('invalid_request', 'json_non_finite_number', 'json_unsafe_integer'),
        );
      }),
  );

const nested = (depth: number, isArray: boolean) =>
  isArray ? `${'['.repeat(depth)}${']'.repeat(depth)}` : `${'{"x":'.repeat(depth)}1${'}'.repeat(depth)}`;

export const depths = ({ good, refusedCase }: Bodies): fc.Arbitrary<Shot> =>
  fc
    .tuple(refusedCase, fc.constantFrom(31, 32, 33, 1000, 10_000), fc.boolean())
    .chain(([{ name, body }, depth, isArray]) => {
      const isTooDeep = depth > 32;
      // The body itself is the first level.
      const text = json(isTooDeep ? good(name) : body).slice(1);
      const shot = `{"${MARKER}":${nested(depth - 1, isArray)},${text}`;
      return postOf(name, shot, isTooDeep ? certain('json_too_deep') : {});
    });
