import { describe, expect, test } from 'vitest';
import { canonicalJson, canonicalJsonBytes } from '../../../shared/canonical/jcs.ts';
import { parseStrictJson } from '../../../shared/canonical/strict-json.ts';
import { codeOf } from '../../support/errors.ts';
import vectors from '../../vectors/jcs.json' with { type: 'json' };

describe('RFC 8785', () => {
  test('§3.2.2 and §3.2.4: the sample and its bytes', () => {
    const bytes = canonicalJsonBytes(JSON.parse(vectors.sample.input));
    expect(Buffer.from(bytes).toString('hex')).toBe(vectors.sample.output_hex);
    // Its 1E30 is beyond what we accept from outside, though not beyond what JCS can write.
    expect(codeOf(() => parseStrictJson(vectors.sample.input))).toBe('json_unsafe_integer');
  });

  test('§3.2.3: keys by UTF-16 code unit', () => {
    const text = canonicalJson(parseStrictJson(vectors.sorting.input));
    expect([...text.matchAll(/:"([^"]*)"/g)].map((match) => match[1])).toEqual(
      vectors.sorting.values_in_order,
    );
  });

  test.each(vectors.numbers)('Appendix B: $ieee754 is $json', ({ ieee754, json }) => {
    const value = Buffer.from(ieee754, 'hex').readDoubleBE();
    if (json === null) expect(() => canonicalJson(value)).toThrow(TypeError);
    else expect(canonicalJson(value)).toBe(json);
  });
});

test.each([
  ['control characters', '\u0000\b\t\n\u000b\f\r\u001f', String.raw`"\u0000\b\t\n\u000b\f\r\u001f"`],
  ['everything else as it is', '/<\u007f\u2028é😀', '"/<\u007f\u2028é😀"'],
  ['quotes and backslashes', '"\\', String.raw`"\"\\"`],
  ['empty containers', { a: [], b: {} }, '{"a":[],"b":{}}'],
  ['digits ordered as text', { 10: 1, 9: 2, 1: 3 }, '{"1":3,"10":1,"9":2}'],
])('%s', (_name, value, text) => {
  expect(canonicalJson(value)).toBe(text);
});
