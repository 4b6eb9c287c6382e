/** Which documents a query finds. */
import { beforeAll, describe, expect, it } from 'vitest';
import { DOCUMENT_ID, type Fields } from '../../../shared/ports/document-store.ts';
import { BELOW_EMOJI, type Condition, EMOJI, type Fixture, freshCollection } from './fixture.ts';

export function queryContract({ collectionOf, ids, set, store }: Fixture): void {
  describe('query', () => {
    it('finds nothing in a collection that does not exist', async () => {
      expect(await store.query({ collection: freshCollection() })).toEqual([]);
    });

    it('orders by id when not told otherwise', async () => {
      const collection = await collectionOf({
        b: {},
        [EMOJI]: {},
        a: {},
        [BELOW_EMOJI]: {},
        B: {},
        '10': {},
        '9': {},
      });
      expect(await ids({ collection })).toEqual(['10', '9', 'B', 'a', 'b', BELOW_EMOJI, EMOJI]);
      expect(await ids({ collection, limit: 2 })).toEqual(['10', '9']);
      expect(await ids({ collection, startAfter: ['b'] })).toEqual([BELOW_EMOJI, EMOJI]);
      expect(await ids({ collection, startAfter: ['A'], limit: 1 })).toEqual(['B']);
    });

    it('reads one collection alone', async () => {
      const root = freshCollection();
      const paths = ['a', 'ab', 'a/sessions/1', 'a/sessions2/2', 'ab/sessions/3', 'a/sessions/1/x/4'];
      await store.commit(paths.map((path) => ({ op: 'set', path: `${root}/${path}`, fields: {} })));
      await set(`${root}s/z`, {});
      expect(await ids({ collection: root })).toEqual(['a', 'ab']);
      expect(await ids({ collection: `${root}/a/sessions` })).toEqual(['1']);
      expect(await ids({ collection: `${root}/a/sessions2` })).toEqual(['2']);
      expect(await ids({ collection: `${root}/ab/sessions` })).toEqual(['3']);
      expect(await ids({ collection: `${root}/a/sessions/1/x` })).toEqual(['4']);
      expect((await store.aggregate({ collection: root })).count).toBe(2);
    });

    it('sees what a commit has acknowledged', async () => {
      const collection = freshCollection();
      for (let count = 1; count <= 5; count += 1) {
        await set(`${collection}/${count}`, { open: true });
        expect(await ids({ collection, where: [['open', '==', true]] })).toHaveLength(count);
      }
    });
  });

  describe('where', () => {
    const documents: Record<string, Fields> = {
      none: {},
      null: { v: null },
      no: { v: false },
      yes: { v: true },
      minus: { v: -1.5 },
      zero: { v: 0 },
      one: { v: 1 },
      big: { v: 2 ** 60 },
      empty: { v: '' },
      digit: { v: '1' },
      word: { v: 'one' },
      high: { v: BELOW_EMOJI },
      higher: { v: EMOJI },
      list: { v: [1, 'one', null, true, { a: 1, b: [1] }] },
      map: { v: { a: 1, b: [1] } },
    };
    let collection: string;
    beforeAll(async () => {
      collection = await collectionOf(documents);
    });

    const cases: readonly (readonly [readonly Condition[], string[]])[] = [
      [[['v', '==', null]], ['null']],
      [[['v', '==', false]], ['no']],
      [[['v', '==', 0]], ['zero']],
      [[['v', '==', -1.5]], ['minus']],
      [[['v', '==', 2 ** 60]], ['big']],
      [[['v', '==', '']], ['empty']],
      [[['v', '==', '1']], ['digit']],
      [[['v', '==', EMOJI]], ['higher']],
      [[['v', '==', { b: [1], a: 1 }]], ['map']],
      [[['v', '==', [1, 'one', null, true, { b: [1], a: 1 }]]], ['list']],
      [[['v', '==', [1]]], []],
      [[['v', '==', 'absent']], []],
      [[['missing', '==', null]], []],
      [[['v', '<', 0]], ['minus']],
      [[['v', '<=', 0]], ['minus', 'zero']],
      [[['v', '>', 0]], ['big', 'one']],
      [[['v', '>=', 0]], ['big', 'one', 'zero']],
      [[['v', '<', 'a']], ['digit', 'empty']],
      [[['v', '<=', '']], ['empty']],
      [[['v', '>', 'one']], ['high', 'higher']],
      [[['v', '>=', 'one']], ['high', 'higher', 'word']],
      [[['v', '>', BELOW_EMOJI]], ['higher']],
      [[['v', '<', true]], ['no']],
      [[['v', '>=', false]], ['no', 'yes']],
      [[['v', 'in', [1, 'one', true, 'absent']]], ['one', 'word', 'yes']],
      [[['v', 'in', [{ a: 1, b: [1] }]]], ['map']],
      [[['v', 'in', ['absent']]], []],
      [[['v', 'array-contains', 1]], ['list']],
      [[['v', 'array-contains', 'one']], ['list']],
      [[['v', 'array-contains', true]], ['list']],
      [[['v', 'array-contains', { b: [1], a: 1 }]], ['list']],
      [[['v', 'array-contains', '1']], []],
      [[['v', 'array-contains', false]], []],
      [
        [
          ['v', '>', -1.5],
          ['v', '<', 1],
        ],
        ['zero'],
      ],
      [[['v.a', '==', 1]], ['map']],
      [[['v.a', '>', 0]], ['map']],
      [[['v.b', 'array-contains', 1]], ['map']],
      [[['v.a.c', '==', 1]], []],
      [[[DOCUMENT_ID, '==', 'one']], ['one']],
      [[[DOCUMENT_ID, 'in', ['zero', 'absent', 'one']]], ['one', 'zero']],
      [[[DOCUMENT_ID, '<', 'empty']], ['big', 'digit']],
      [[[DOCUMENT_ID, '<=', 'empty']], ['big', 'digit', 'empty']],
      [[[DOCUMENT_ID, '>', 'word']], ['yes', 'zero']],
      [[[DOCUMENT_ID, '>=', 'word']], ['word', 'yes', 'zero']],
      [
        [
          [DOCUMENT_ID, '>=', 'm'],
          [DOCUMENT_ID, '<', 'no'],
        ],
        ['map', 'minus'],
      ],
    ];
    for (const [where, expected] of cases) {
      it(`finds ${expected.join(', ') || 'nothing'} where ${JSON.stringify(where)}`, async () => {
        expect((await ids({ collection, where })).sort()).toEqual(expected);
        expect((await store.aggregate({ collection, where })).count).toBe(expected.length);
      });
    }

    it('demands all conditions', async () => {
      const both = await collectionOf({
        a: { x: 1, y: 1 },
        b: { x: 1, y: 2 },
        c: { x: 2, y: 1 },
        d: { x: 1 },
      });
      const where: Condition[] = [
        ['x', '==', 1],
        ['y', '==', 1],
      ];
      expect(await ids({ collection: both, where })).toEqual(['a']);
    });

    it('tells a field from a map of the same spelling', async () => {
      const dotted = await collectionOf({ nested: { a: { b: 1 } }, flat: { 'a.b': 1 } });
      expect(await ids({ collection: dotted, where: [['a.b', '==', 1]] })).toEqual(['nested']);
    });
  });
}
