/**
 * The canonical form of inline licence documents: byte for byte what Python's
 * `json.dumps(data, sort_keys=True, separators=(',', ':'))` prints. Clients in the field rebuild these bytes
 * from the JSON they received and verify the signature over them.
 *
 * ```ts
 * pythonJson({ seats: 5, name: 'Zoë' }); // {"name":"Zo\u00eb","seats":5}
 * ```
 *
 * It differs from JCS in two ways: everything outside printable ASCII is escaped (`ensure_ascii`, the
 * default), and keys are ordered by code point, where JavaScript orders by UTF-16 code unit.
 *
 * Numbers are integers only. Python prints the float 1.0 as `1.0` and the integer as `1`; JavaScript has one
 * value for both, so no writer here could choose. Issue therefore refuses fractions, and a verifier parses
 * with `integersOnly` to refuse the spellings that would have been floats in Python.
 */

import { type CanonicalDialect, writeCanonical } from './json-writer.ts';
import type { JsonValue } from './strict-json.ts';

const PYTHON: CanonicalDialect = {
  compareKeys: compareCodePoints,
  string: asciiString,
  number: (value) => (Number.isSafeInteger(value) ? String(value) : undefined),
};

const utf8 = new TextEncoder();

/**
 * The text Python would print for `value`. `-0` is written `0`, which is also how Python reads `-0`.
 *
 * @throws {TypeError} naming the JSON pointer: a number that is not an integer within ±(2^53-1), and all
 *   that `canonicalJson` refuses. At issue, callers turn it into an error of their own.
 */
export function pythonJson(value: JsonValue): string {
  return writeCanonical(value, PYTHON);
}

/** The bytes to sign; all of them ASCII. Throws as `pythonJson` does. */
export function pythonJsonBytes(value: JsonValue): Uint8Array<ArrayBuffer> {
  return utf8.encode(pythonJson(value));
}

/**
 * `JSON.stringify` already agrees with Python on ASCII (\b \f \n \r \t \" \\, lower-case \u001f) but for DEL,
 * which Python escapes: its encoder passes only space to tilde. Code units, not code points, so that an
 * astral character becomes the two escapes of its surrogate pair.
 */
function asciiString(value: string): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, escapeCodeUnit);
}

function escapeCodeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * The order of two well-formed strings by code point. It is the order of their first different code units,
 * except that a surrogate (U+D800 to U+DFFF) stands for a code point above every other unit: U+FF5E comes
 * before U+1F600, whose first unit is D83D.
 */
function compareCodePoints(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const difference = codePointRank(left.charCodeAt(index)) - codePointRank(right.charCodeAt(index));
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Lifts surrogates above U+FFFF, keeping their order among themselves. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
