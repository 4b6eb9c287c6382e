/** Every small change of a genuine document: each bit, each character, each value. None is accepted. */
import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../../../shared/canonical/strict-json.ts';
import { inlineOf, jwsOf, KINDS, replaceAt, sorted, textOf } from '../../support/signed-documents.ts';
import { verdict } from '../../support/verdict.ts';

describe.each(KINDS)('exhaustively, with %s', (kind) => {
  const BATCH = 64;

  /** The indices of those documents that are accepted. */
  async function accepted(documents: (string | object)[]): Promise<number[]> {
    const found: number[] = [];
    for (let start = 0; start < documents.length; start += BATCH) {
      const batch = documents.slice(start, start + BATCH);
      const results = await Promise.all(batch.map((document) => verdict(document)));
      for (const [i, result] of results.entries()) if (result === 'valid') found.push(start + i);
    }
    return found;
  }

  test('no bit of a JWS can be flipped', async () => {
    const document = jwsOf(kind);
    const flipped = Array.from(document).flatMap((character, at) =>
      Array.from({ length: 8 }, (_, bit) =>
        replaceAt(document, at, String.fromCharCode(character.charCodeAt(0) ^ (1 << bit))),
      ),
    );
    expect(flipped.length).toBe(document.length * 8);
    expect(await accepted(flipped)).toEqual([]);
  });

  test('no character of a JWS can be left out or doubled', async () => {
    const document = jwsOf(kind);
    const edited = Array.from(document).flatMap((character, at) => [
      replaceAt(document, at, ''),
      replaceAt(document, at, character + character),
    ]);
    expect(await accepted(edited)).toEqual([]);
  });

  test('no character of any value of an inline document can be changed, left out or doubled', async () => {
    const document = inlineOf(kind);
    const changed = variants(document).map((variant) => variant as object);
    // Every character of every value was changed, and the signature alone has this many.
    expect(changed.length).toBeGreaterThan(4 * document.signature.length);
    expect(changed.every((variant) => sorted(variant) !== sorted(document))).toBe(true);
    expect(await accepted(changed)).toEqual([]);
    expect(await accepted(changed.map(textOf))).toEqual([]);
  });

  /** All values that differ from this one in a character, a number, an element or a member. */
  function variants(value: JsonValue): JsonValue[] {
    if (typeof value === 'string') return [...stringVariants(value), null, [value]];
    if (typeof value === 'number') return [value + 1, value - 1, -value, value * 10, String(value), null];
    if (typeof value === 'boolean') return [!value, Number(value), String(value), null];
    if (value === null) return [false, 0, '', 'null', [], {}];
    if (Array.isArray(value)) return arrayVariants(value);
    return Object.entries(value).flatMap(([key, member]) =>
      variants(member).map((variant) => ({ ...value, [key]: variant })),
    );
  }

  function arrayVariants(array: readonly JsonValue[]): JsonValue[] {
    const inside = array.flatMap((element, at) =>
      variants(element).map((variant) => array.with(at, variant)),
    );
    const shorter = array.map((_, at) => array.toSpliced(at, 1));
    return [...inside, ...shorter, array.toReversed(), [...array, 'more'], [...array, ...array], null];
  }

  function stringVariants(text: string): string[] {
    const inside = Array.from(text).flatMap((character, at) => [
      ...[1, 2, 4, 8, 16, 32].map((bit) =>
        replaceAt(text, at, String.fromCharCode(character.charCodeAt(0) ^ bit)),
      ),
      replaceAt(text, at, ''),
      replaceAt(text, at, character + character),
    ]);
    return [...inside, `${text} `, ` ${text}`, ''].filter((variant) => variant !== text);
  }
});
