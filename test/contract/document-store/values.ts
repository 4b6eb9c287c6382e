/** Whatever is stored comes back as it was. */
import { describe, expect, it } from 'vitest';
import type { Value } from '../../../shared/ports/document-store.ts';
import { BELOW_EMOJI, EMOJI, type Fixture, freshCollection, freshPath } from './fixture.ts';

export function valuesContract({ fieldsAt, ids, read, set }: Fixture): void {
  describe('values', () => {
    const values: Record<string, Value> = {
      zero: 0,
      negative: -7,
      'the largest safe integer': Number.MAX_SAFE_INTEGER,
      'the smallest safe integer': Number.MIN_SAFE_INTEGER,
      '2^53': 2 ** 53,
      '2^60': 2 ** 60,
      fraction: 0.1,
      'a large number': Number.MAX_VALUE,
      'a small number': Number.MIN_VALUE,
      'a time': 1_767_225_600_123,
      booleans: [true, false],
      null: null,
      'the empty string': '',
      'the empty array': [],
      'the empty map': {},
      'control characters': 'a\u0000b\t\n\r"\\/\u007f\u2028',
      unicode: `é e\u0301 ${BELOW_EMOJI} ${EMOJI} 漢 \u{10FFFF}`,
      'a mixed array': [1, 'a', null, true, { a: [1] }, {}],
      'nested maps': { a: { b: { c: { d: [{ e: 1 }] } } } },
      'odd names': { 'a.b': 1, ' ': 2, '"': 3, '`': 4, $: 5, '0': 6, constructor: 7, toString: 8, é: 9 },
      'something like a tag': { integerValue: '1', toJSON: 'x' },
    };
    for (const [title, value] of Object.entries(values)) {
      it(`keeps ${title}`, async () => {
        const path = freshPath();
        await set(path, { value, nested: { value } });
        expect(await fieldsAt(path)).toEqual({ value, nested: { value } });
      });
    }

    it('makes 0 of -0', async () => {
      const path = freshPath();
      await set(path, { value: -0, list: [-0] });
      expect(await fieldsAt(path)).toEqual({ value: 0, list: [0] });
    });

    it('keeps ids of any letters', async () => {
      const collection = freshCollection();
      for (const id of ['a b', 'é', EMOJI, '%2F', '..a', '__a', '"', "'", '*', '0', 'x'.repeat(1500)]) {
        await set(`${collection}/${id}`, { id });
        expect(await read(`${collection}/${id}`)).toMatchObject({
          path: `${collection}/${id}`,
          fields: { id },
        });
      }
      expect(await ids({ collection })).toHaveLength(11);
    });
  });
}
