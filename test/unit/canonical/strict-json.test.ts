import { deepStrictEqual } from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import {
  type JsonValue,
  parseStrictJson,
  type StrictJsonOptions,
} from '../../../shared/canonical/strict-json.ts';
import { MAX_BODY_BYTES, MAX_JSON_DEPTH, MAX_JSON_DEPTH_CEILING } from '../../../shared/constants.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import { codeOf } from '../../support/errors.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('accepts', () => {
  const accepted: [string, JsonValue][] = [
    ['null', null],
    ['true', true],
    [' \t\r\n false \t\r\n ', false],
    ['0', 0],
    ['-0', 0],
    ['-0.0', 0],
    ['-0e5', 0],
    ['-1e-400', 0],
    ['1.5e2', 150],
    ['1E+2', 100],
    ['-12.25', -12.25],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['-9007199254740991', -Number.MAX_SAFE_INTEGER],
    ['9007199254740991.0', Number.MAX_SAFE_INTEGER],
    ['""', ''],
    [String.raw`"\"\\\/\b\f\n\r\t\u0041"`, '"\\/\b\f\n\r\tA'],
    ['"\u007f\u2028😀"', '\u007f\u2028😀'],
    [String.raw`"\ud83d\uDE00"`, '😀'],
    ['[]', []],
    ['[ ]', []],
    ['[1 , [2], {"a":3}]', [1, [2], { a: 3 }]],
    ['{}', {}],
    ['{ }', {}],
    ['{ "a" : { "b" : [ ] } , "": null }', { a: { b: [] }, '': null }],
    ['{"toString":1,"constructor":2,"hasOwnProperty":3}', { toString: 1, constructor: 2, hasOwnProperty: 3 }],
    ['{"10":1,"9":2}', { 9: 2, 10: 1 }],
  ];

  test.each(accepted)('%s', (text, value) => {
    deepStrictEqual(parseStrictJson(text), value);
    deepStrictEqual(parseStrictJson(utf8(text)), value);
  });

  test('a key __proto__ as an ordinary member', () => {
    const value = parseStrictJson('{"__proto__":{"admin":true},"a":1}') as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(['__proto__', 'a']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(value.admin).toBeUndefined();
    expect(Object.keys({ ...value })).toEqual(['__proto__', 'a']);
    expect(JSON.stringify(value)).toBe('{"__proto__":{"admin":true},"a":1}');
  });
});

describe('refuses', () => {
  const refused: [ErrorCode, (string | Uint8Array)[]][] = [
    [
      'invalid_json',
      ['', ' ', new Uint8Array(0), 'nul', 'truex', 'True', 'NaN', 'Infinity', 'undefined', 'tru'],
    ],
    ['invalid_json', ['01', '-', '+1', '.5', '1.', '1.e1', '1e', '1e+', '0x10', '1_000', '- 1', '--1']],
    [
      'invalid_json',
      ['[', ']', '[1', '[1,', '[1,]', '[,1]', '[1 2]', '[1}', '1 2', '[] []', '// no', '[1]/**/'],
    ],
    [
      'invalid_json',
      ['{', '}', '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '{a:1}', "{'a':1}", '{"a" 1}'],
    ],
    ['invalid_json', ['{"a":1]', '{"a":1 "b":2}', '{1:1}', '{"a"::1}', '{,"a":1}', '{"a":}']],
    [
      'invalid_json',
      ['"', '"a', '"a\\', '"a\\"', "'a'", '"\\x41"', '"\\u12"', '"\\u12G4"', '"\\u"', '"\\U0041"'],
    ],
    ['invalid_json', ['"\n"', '"\u0000"', '"\u001f"', '"\\\n"', '\u00a01', '1\u2028', '\u000b1', '\u0000']],
    ['invalid_json', ['\ufeff1', bytes('ef bb bf 31'), bytes('ff fe 31 00'), bytes('31 00'), '[\ud800]']],
    // Overlong, cut off, beyond U+10FFFF, a surrogate encoded as three bytes, a stray continuation.
    [
      'invalid_json',
      [bytes('22 c0 af 22'), bytes('22 e2 82 22'), bytes('22 f4 90 80 80 22'), bytes('22 e2 82')],
    ],
    ['invalid_json', [bytes('22 ed a0 80 22'), bytes('22 80 22')]],
    [
      'json_duplicate_key',
      ['{"a":1,"a":1}', String.raw`{"a":1,"\u0061":2}`, '{"":1,"b":2,"":3}', '[{"a":{"b":1,"b":2}}]'],
    ],
    [
      'json_duplicate_key',
      ['{"__proto__":1,"__proto__":2}', '{"é":1,"\\u00e9":2}', '{"1":1,"1":2}', '{"a":1,"a":'],
    ],
    ['json_lone_surrogate', ['"\ud800"', '"\udc00"', '"\udc00\ud800"', '{"\ud800":1}', '"a\udfff\\n"']],
    [
      'json_lone_surrogate',
      ['"\\ud800"', '"\\uDFFF"', '"\\ude00\\ud83d"', '{"\\ud83d":1}', '"\\ud83d\\u0041"'],
    ],
    // Half escaped, half raw: well formed only after unescaping.
    ['json_lone_surrogate', ['"\\ud83d\ude00"', '"\ud83d\\ude00"']],
    [
      'json_non_finite_number',
      ['1e400', '-1e400', '[1e309]', '1e99999999999999999999', `1${'0'.repeat(400)}`],
    ],
    [
      'json_unsafe_integer',
      ['9007199254740992', '-9007199254740992', '9007199254740993', '9007199254740993.0'],
    ],
    [
      'json_unsafe_integer',
      ['1e20', '1e300', '9007199254740991.5', '123456789012345678901234567890', '{"a":-1e16}'],
    ],
    ['json_too_deep', [nested(MAX_JSON_DEPTH + 1), '['.repeat(33), '{"a":'.repeat(33), '[{"a":'.repeat(17)]],
    [
      'body_too_large',
      [`"${'a'.repeat(MAX_BODY_BYTES)}"`, 'x'.repeat(MAX_BODY_BYTES + 1), '['.repeat(1_000_000)],
    ],
    ['body_too_large', [new Uint8Array(MAX_BODY_BYTES + 1), `"${'é'.repeat(MAX_BODY_BYTES / 2)}"`]],
  ];

  test.each(refused.flatMap(([code, inputs]) => inputs.map((input) => [code, show(input), input] as const)))(
    '%s: %s',
    (code, _shown, input) => {
      expect(codeOf(() => parseStrictJson(input))).toBe(code);
    },
  );

  test('a foreign lone surrogate outside every string as a syntax error', () => {
    expect(codeOf(() => parseStrictJson('\ud800'))).toBe('invalid_json');
  });
});

describe('limits', () => {
  const cases: [string, string, StrictJsonOptions, ErrorCode | undefined][] = [
    ['depth 32', nested(32), {}, undefined],
    ['depth 33', nested(33), {}, 'json_too_deep'],
    ['a scalar at depth 0', '1', { maxDepth: 0 }, undefined],
    ['an array at depth 1', '[]', { maxDepth: 0 }, 'json_too_deep'],
    ['a sibling is no deeper', '[[],[],[]]', { maxDepth: 2 }, undefined],
    ['raised depth', nested(100), { maxDepth: 100 }, undefined],
    ['the ceiling', nested(MAX_JSON_DEPTH_CEILING), { maxDepth: 1e9 }, undefined],
    ['above the ceiling', nested(MAX_JSON_DEPTH_CEILING + 1), { maxDepth: 1e9 }, 'json_too_deep'],
    ['a million levels', nested(1_000_000), { maxBytes: 1e9, maxDepth: 1e9 }, 'json_too_deep'],
    ['a million open objects', '{"a":'.repeat(1_000_000), { maxBytes: 1e9, maxDepth: 1e9 }, 'json_too_deep'],
    ['exactly 64 KiB', `"${'a'.repeat(MAX_BODY_BYTES - 2)}"`, {}, undefined],
    ['one byte more', `"${'a'.repeat(MAX_BODY_BYTES - 1)}"`, {}, 'body_too_large'],
    ['64 KiB of two-byte characters', `"${'é'.repeat(MAX_BODY_BYTES / 2 - 1)}"`, {}, undefined],
    ['two bytes more', `"${'é'.repeat(MAX_BODY_BYTES / 2)}"`, {}, 'body_too_large'],
    ['size is judged before syntax', '{"a" 1}', { maxBytes: 3 }, 'body_too_large'],
    ['raised size', ` ${' '.repeat(MAX_BODY_BYTES)}1`, { maxBytes: 1e6 }, undefined],
  ];

  test.each(cases)('%s', (_name, text, options, code) => {
    for (const input of [text, utf8(text)]) {
      if (code === undefined) expect(() => parseStrictJson(input, options)).not.toThrow();
      else expect(codeOf(() => parseStrictJson(input, options))).toBe(code);
    }
  });
});

describe('integersOnly', () => {
  test.each(['1.0', '1.5', '1e5', '1E5', '1e-5', '-0', '-0.0', '0.0', '[{"a":2.0}]'])(
    'refuses %s',
    (text) => {
      expect(codeOf(() => parseStrictJson(text, { integersOnly: true }))).toBe('invalid_json');
      expect(() => parseStrictJson(text)).not.toThrow();
    },
  );

  test.each(['0', '-1', '10', '-10', '9007199254740991', '"1.0e5"'])('accepts %s', (text) => {
    deepStrictEqual(parseStrictJson(text, { integersOnly: true }), JSON.parse(text));
  });

  test('an integer beyond 2^53 keeps its own code', () => {
    expect(codeOf(() => parseStrictJson('9007199254740993', { integersOnly: true }))).toBe(
      'json_unsafe_integer',
    );
  });
});

describe('messages', () => {
  const messages: [string | Uint8Array, string][] = [
    ['{"a":1,"a":2}', 'character 7'],
    ['{"a":secret}', 'character 5'],
    ['["ok","\\ud800"]', 'character 6'],
    ['[1,1e999]', 'character 3'],
    ['[', 'character 1'],
    ['"secret', 'character 7'],
    ['"secret\\', 'character 8'],
    [bytes('22 73 65 63 72 65 74 ff 22'), 'byte 7'],
    [bytes('22 e2 82'), 'byte 3'],
    [bytes('c3 a9 80'), 'byte 2'],
  ];

  test.each(messages)('%s says where: %s', (input, where) => {
    const error = thrownBy(() => parseStrictJson(input));
    expect(error.message).toContain(where);
  });

  test.each([
    '{"hunter2":1,"hunter2":2}',
    '{"a":"hunter2\\ud800"}',
    '{"a":"hunter2\\x"}',
    '{"a":"hunter2',
    'hunter2',
    '{"a":1}hunter2',
  ])('never quote the input: %s', (text) => {
    const error = thrownBy(() => parseStrictJson(text));
    expect(`${error.message}${String(error.cause)}`).not.toContain('hunter2');
  });
});

function thrownBy(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('Expected an error.');
}

function show(input: string | Uint8Array): string {
  const text =
    typeof input === 'string' ? JSON.stringify(input) : `bytes ${Buffer.from(input).toString('hex')}`;
  return text.length > 60 ? `${text.slice(0, 60)}… (${input.length})` : text;
}
