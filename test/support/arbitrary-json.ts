/**
 * Random JSON documents for property tests, with the characters and numbers that canonical encodings differ on.
 */

import fc from 'fast-check';
import type { JsonValue } from '../../shared/canonical/strict-json.ts';

/** Edges of every rule about characters: escapes, DEL, separators, both sides of the surrogates, astral. */
const EDGES = [
  '\u0000',
  '\u001f',
  '"',
  '\\',
  '/',
  '~',
  '\u007f',
  '\u0080',
  'é',
  '\u2028',
  '\ud7ff',
  '\ue000',
];
const ASTRAL = ['\uff5e', '\uffff', '\u{10000}', '😀', '\u{10ffff}', '東'];

/** Well-formed text: every assigned and unassigned code point but surrogates, edges more often than chance. */
export const wellFormedText: fc.Arbitrary<string> = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...EDGES, ...ASTRAL),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 12,
});

export const safeInteger: fc.Arbitrary<number> = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -100, max: 100 }),
  fc.constantFrom(0, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
);

/** Finite doubles that are no unsafe integers and not -0: what a strict reader may return. */
export const safeNumber: fc.Arbitrary<number> = fc.oneof(
  safeInteger,
  fc
    .double({
      noNaN: true,
      noDefaultInfinity: true,
      min: Number.MIN_SAFE_INTEGER,
      max: Number.MAX_SAFE_INTEGER,
    })
    .map((value) => value + 0),
);

/** Documents up to 6 levels deep, with numbers from `number`. */
export function jsonDocument(number: fc.Arbitrary<number>): fc.Arbitrary<JsonValue> {
  const key = fc.oneof(wellFormedText, fc.constantFrom('__proto__', 'toString', 'toJSON', '1', '10', '9'));
  const scalar = fc.oneof(fc.constant(null), fc.boolean(), number, wellFormedText);
  return fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      scalar,
      fc.array(tie('value'), { maxLength: 5 }),
      // Not `fc.dictionary`, which would assign `__proto__` instead of defining it.
      fc.array(fc.tuple(key, tie('value')), { maxLength: 6 }).map((entries) => Object.fromEntries(entries)),
    ),
  })).value;
}
