import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../../shared/canonical/jcs.ts';
import { pythonJson } from '../../../shared/canonical/python-json.ts';
import type { JsonValue } from '../../../shared/canonical/strict-json.ts';
import { MAX_JSON_DEPTH } from '../../../shared/constants.ts';

/** Nests `depth` arrays. */
const nested = (depth: number): JsonValue => (depth === 1 ? [] : [nested(depth - 1)]);

const cycle: unknown[] = [];
cycle.push({ again: cycle });

const holed: unknown[] = [1];
holed.length = 2;

class Custom {
  readonly a = 1;
}

const refused: [string, unknown, string][] = [
  ['undefined', undefined, "''"],
  ['an undefined member', { a: { b: undefined } }, "'/a/b'"],
  ['an undefined element', [1, undefined], "'/1'"],
  ['a hole', holed, "'/1'"],
  ['a function', { toJSON: () => 1 }, "'/toJSON'"],
  ['a symbol', [Symbol('x')], "'/0'"],
  ['a bigint', { n: 1n }, "'/n'"],
  ['NaN', { n: Number.NaN }, "'/n'"],
  ['infinity', [Number.POSITIVE_INFINITY], "'/0'"],
  ['minus infinity', Number.NEGATIVE_INFINITY, "''"],
  ['a date', { at: new Date(0) }, "'/at'"],
  ['a map', new Map([['a', 1]]), "''"],
  ['bytes', { a: new Uint8Array(2) }, "'/a'"],
  ['a boxed number', [Object(1)], "'/0'"],
  ['an instance of a class', new Custom(), "''"],
  ['a lone surrogate in a value', ['\ud800'], "'/0'"],
  ['a lone surrogate in a key', { 'a\udc00': 1 }, "'/a\ufffd'"],
  ['a cycle', cycle, 'levels of nesting'],
  ['too deep', nested(MAX_JSON_DEPTH + 1), 'levels of nesting'],
  ['escapes in the pointer', { 'a/b~c': undefined }, "'/a~1b~0c'"],
];

describe.each([
  ['canonicalJson', canonicalJson],
  ['pythonJson', pythonJson],
])('%s', (_name, encode) => {
  test.each(refused)('refuses %s', (_case, value, where) => {
    const attempt = () => encode(value as JsonValue);
    expect(attempt).toThrow(TypeError);
    expect(attempt).toThrow(where);
  });

  test('names the member, never its value', () => {
    expect(() => encode({ name: 'hunter2\ud800' })).toThrow(/^(?!.*hunter2)/);
  });

  test('writes what a strict reader may return', () => {
    expect(encode(nested(MAX_JSON_DEPTH))).toBe('['.repeat(32) + ']'.repeat(32));
    expect(encode({ z: [true, false, null], a: -0, ['__proto__']: { b: 'x' } })).toBe(
      '{"__proto__":{"b":"x"},"a":0,"z":[true,false,null]}',
    );
    expect(encode(Object.assign(Object.create(null), { a: 1 }))).toBe('{"a":1}');
  });

  test('writes one value twice when it appears twice', () => {
    const shared = { x: 1 };
    expect(encode([shared, shared])).toBe('[{"x":1},{"x":1}]');
  });
});
