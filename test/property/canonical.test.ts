import { deepStrictEqual } from 'node:assert/strict';
import { runInThisContext } from 'node:vm';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  base64Decode,
  base64Encode,
  base64urlDecode,
  base64urlEncode,
} from '../../shared/canonical/base64.ts';
import { canonicalJson, canonicalJsonBytes } from '../../shared/canonical/jcs.ts';
import { pythonJson } from '../../shared/canonical/python-json.ts';
import { type JsonValue, parseStrictJson } from '../../shared/canonical/strict-json.ts';
import { CountersignError } from '../../shared/errors.ts';
import { jsonDocument, safeInteger, safeNumber } from '../support/arbitrary-json.ts';
import { codeOf } from '../support/errors.ts';

const RUNS = { numRuns: 2_000 };
const document = jsonDocument(safeNumber);
const integerDocument = jsonDocument(safeInteger);

/** What the strict reader says, or undefined when it refuses with an error of ours; others escape. */
function readOrRefuse(input: Uint8Array | string): { value: JsonValue } | undefined {
  try {
    return { value: parseStrictJson(input) };
  } catch (error) {
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}

describe('parseStrictJson', () => {
  test('reads back what JSON.stringify wrote, with any white space, as text and as bytes', () => {
    fc.assert(
      fc.property(document, fc.constantFrom('', ' ', '\t', '\r\n'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        deepStrictEqual(parseStrictJson(text), value);
        deepStrictEqual(parseStrictJson(new TextEncoder().encode(text)), value);
      }),
      RUNS,
    );
  });

  test('reads every string however it is escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const escaped = value.replace(
          /[\s\S]/g,
          (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
        );
        expect(parseStrictJson(`"${escaped}"`)).toBe(value);
      }),
      RUNS,
    );
  });

  test('refuses a repeated key at any place', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'binary' }), { minLength: 1 }), fc.nat(), (keys, at) => {
        const members = [...keys, keys[at % keys.length]].map((key) => `${JSON.stringify(key)}:0`);
        expect(codeOf(() => parseStrictJson(`{${members.join(',')}}`))).toBe('json_duplicate_key');
      }),
    );
  });

  const edit = fc.record({
    at: fc.nat(),
    remove: fc.nat({ max: 3 }),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 3 }),
      fc
        .constantFrom(
          '"',
          '\\',
          '{',
          '}',
          '[',
          ',',
          ':',
          '-',
          '.',
          'e9',
          '0',
          '\\ud83d',
          '"a":',
          '\ufeff',
          ' ',
        )
        .map((text) => new TextEncoder().encode(text)),
    ),
  });

  test('takes no damaged text that JSON.parse refuses, reads the rest alike, and fails only in our way', () => {
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(document, fc.array(edit, { minLength: 1, maxLength: 3 }), (value, edits) => {
        let bytes = Buffer.from(JSON.stringify(value));
        for (const { at, remove, insert } of edits) {
          const start = at % (bytes.length + 1);
          bytes = Buffer.concat([bytes.subarray(0, start), insert, bytes.subarray(start + remove)]);
        }
        const read = readOrRefuse(bytes);
        if (read === undefined) refused += 1;
        else {
          accepted += 1;
          deepStrictEqual(read.value, withoutMinusZero(meaningOf(bytes.toString())));
        }
      }),
      { numRuns: 5_000 },
    );
    // Both ways were walked: the property is not true for want of cases.
    expect(Math.min(accepted, refused)).toBeGreaterThan(100);
  });

  test('any text at all: a value that JSON.parse agrees with, or a refusal', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '0',
      '1',
      '-',
      '.',
      'e',
      '"a"',
      'true',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 1 }))), (parts) => {
        const text = parts.join('');
        const read = readOrRefuse(text);
        if (read !== undefined) deepStrictEqual(read.value, withoutMinusZero(meaningOf(text)));
      }),
      { numRuns: 5_000 },
    );
  });

  test('an escaped key after a key that is a backslash', () => {
    for (const key of ['\\', '\n', '"', '\u0000', '\\u0000'])
      deepStrictEqual(parseStrictJson(JSON.stringify({ before: 0, [key]: 1 })), { before: 0, [key]: 1 });
  });

  test('any bytes at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void readOrRefuse(bytes)),
      { numRuns: 5_000 },
    );
  });

  test.each([
    ['arrays', '[', ']'],
    ['objects', '{"a":', '}'],
  ])('a million nested %s, whatever the limits', (_name, open, close) => {
    const text = open.repeat(1_000_000) + close.repeat(1_000_000);
    const unlimited = { maxBytes: Number.POSITIVE_INFINITY, maxDepth: Number.POSITIVE_INFINITY };
    expect(codeOf(() => parseStrictJson(text))).toBe('body_too_large');
    expect(codeOf(() => parseStrictJson(text, unlimited))).toBe('json_too_deep');
  });

  test('ten megabytes: refused, and read when the limit allows', () => {
    const text = JSON.stringify(Array.from({ length: 500_000 }, (_, index) => `seat ${index} é 1234`));
    expect(text.length).toBeGreaterThan(10_000_000);
    expect(codeOf(() => parseStrictJson(text))).toBe('body_too_large');
    deepStrictEqual(parseStrictJson(text, { maxBytes: 1e8 }), JSON.parse(text));
  });
});

describe('canonicalJson', () => {
  test('is a fixed point of reading and writing, and keeps the value', () => {
    fc.assert(
      fc.property(document, (value) => {
        const read = parseStrictJson(canonicalJsonBytes(value));
        deepStrictEqual(read, value);
        expect(canonicalJson(read)).toBe(canonicalJson(value));
      }),
      RUNS,
    );
  });

  test('does not depend on the order in which members were added', () => {
    fc.assert(
      fc.property(document, (value) => {
        expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
      }),
      RUNS,
    );
  });

  test('agrees with the npm package canonicalize', () => {
    const anyFinite = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(jsonDocument(anyFinite), (value) => {
        expect(canonicalJson(value)).toBe(canonicalize(value));
      }),
      RUNS,
    );
  });
});

describe('pythonJson', () => {
  test('is ASCII, a fixed point, and keeps the value, read with integersOnly', () => {
    fc.assert(
      fc.property(integerDocument, (value) => {
        const text = pythonJson(value);
        const read = parseStrictJson(text, { integersOnly: true });
        expect(text).toMatch(/^[ -~]*$/);
        deepStrictEqual(read, value);
        expect(pythonJson(reversed(read))).toBe(text);
      }),
      RUNS,
    );
  });
});

describe.each([
  ['base64', base64Encode, base64Decode, 'base64'],
  ['base64url', base64urlEncode, base64urlDecode, 'base64url'],
] as const)('%s', (_name, encode, decode, encoding) => {
  test('encodes as Node does and reads back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(encode(bytes)).toBe(Buffer.from(bytes).toString(encoding));
        expect(decode(encode(bytes))).toEqual(bytes);
      }),
    );
  });

  test('has one spelling for each sequence of bytes', () => {
    const digits = fc.constantFrom(...'AQgwBCDZaz019+/-_= \n');
    fc.assert(
      fc.property(fc.string({ unit: digits, maxLength: 8 }), (text) => {
        const bytes = decode(text);
        if (bytes !== undefined) expect(encode(bytes)).toBe(text);
      }),
      { numRuns: 20_000 },
    );
  });
});

/**
 * What a JSON text means. Node 24's JSON.parse takes an escaped key for another one once it has read a key with a
 * backslash (nodejs/node#63785), so what it accepts is read as the JavaScript that it is too, where a plain
 * `__proto__` would be no key.
 */
function meaningOf(text: string): unknown {
  JSON.parse(text);
  return runInThisContext(`(${text.replace(/"__proto__"(?=\s*:)/g, '["__proto__"]')})`);
}

/** The one difference we make on purpose: the strict reader has no -0. */
function withoutMinusZero(value: unknown): unknown {
  if (typeof value === 'number') return value + 0;
  if (Array.isArray(value)) return value.map(withoutMinusZero);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutMinusZero(member)]));
}

/** The same document with the members of every object added in the opposite order. */
function reversed(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(reversed);
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}
