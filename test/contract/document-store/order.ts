/** In which order a query finds them, and from where on. */
import { beforeAll, describe, expect, it } from 'vitest';
import { DOCUMENT_ID, documentId, type Query, type Value } from '../../../shared/ports/document-store.ts';
import { BELOW_EMOJI, EMOJI, type Fixture } from './fixture.ts';

export function orderContract({ collectionOf, ids, store }: Fixture): void {
  describe('orderBy', () => {
    it('orders values by type and then by value, and leaves out documents without the field', async () => {
      const ascending: Value[] = [
        null,
        false,
        true,
        -2,
        -1.5,
        0,
        1,
        10,
        2 ** 60,
        '',
        '10',
        '9',
        'Z',
        'a',
        'é',
      ];
      ascending.push(BELOW_EMOJI, EMOJI);
      // Ids run against the order, so that they cannot make it up.
      const documents = ascending.map((v, n) => [`d${String(99 - n)}`, { v }] as const);
      const collection = await collectionOf({ ...Object.fromEntries(documents), without: { w: 1 } });
      const sorted = async (direction: 'asc' | 'desc'): Promise<unknown[]> =>
        (await store.query({ collection, orderBy: [['v', direction]] })).map(({ fields }) => fields.v);
      expect(await sorted('asc')).toEqual(ascending);
      expect(await sorted('desc')).toEqual(ascending.toReversed());
    });

    it('breaks ties by id in the direction of the last entry', async () => {
      const collection = await collectionOf({ a: { x: 1, y: 1 }, b: { x: 1, y: 1 }, c: { x: 0, y: 1 } });
      const orders: readonly (readonly [Query['orderBy'] & object, string[]])[] = [
        [[['x', 'asc']], ['c', 'a', 'b']],
        [[['x', 'desc']], ['b', 'a', 'c']],
        [
          [
            ['x', 'asc'],
            ['y', 'desc'],
          ],
          ['c', 'b', 'a'],
        ],
        [
          [
            ['x', 'desc'],
            [DOCUMENT_ID, 'asc'],
          ],
          ['a', 'b', 'c'],
        ],
        [[[DOCUMENT_ID, 'desc']], ['c', 'b', 'a']],
      ];
      for (const [orderBy, expected] of orders) expect(await ids({ collection, orderBy })).toEqual(expected);
    });

    it('orders by a nested field', async () => {
      const collection = await collectionOf({ a: { m: { x: 2 } }, b: { m: { x: 1 } }, c: { m: 1 }, d: {} });
      expect(await ids({ collection, orderBy: [['m.x', 'asc']] })).toEqual(['b', 'a']);
    });

    it('works together with where and limit', async () => {
      const collection = await collectionOf({ a: { x: 3 }, b: { x: 1 }, c: { x: 2 }, d: { x: 'text' } });
      const query: Query = { collection, where: [['x', '>=', 2]], orderBy: [['x', 'asc']] };
      expect(await ids(query)).toEqual(['c', 'a']);
      expect(await ids({ ...query, limit: 1 })).toEqual(['c']);
      expect(await ids({ ...query, orderBy: [['x', 'desc']], limit: 1 })).toEqual(['a']);
    });
  });

  describe('startAfter', () => {
    const TYPES: Value[] = [null, true, 1, 1.5, 'a', EMOJI];
    const documents = Object.fromEntries(
      Array.from({ length: 25 }, (_, n) => {
        return [`d${(n * 7) % 25}`, { tied: n % 4, mixed: TYPES[n % TYPES.length] ?? null, unique: n }];
      }),
    );
    let collection: string;
    beforeAll(async () => {
      collection = await collectionOf(documents);
    });

    const orders: readonly (Query['orderBy'] & object)[] = [
      [],
      [['tied', 'asc']],
      [['tied', 'desc']],
      [['unique', 'desc']],
      [['mixed', 'asc']],
      [['mixed', 'desc']],
      [
        ['mixed', 'desc'],
        ['tied', 'asc'],
      ],
      [
        ['tied', 'asc'],
        ['mixed', 'desc'],
      ],
      [
        ['tied', 'asc'],
        [DOCUMENT_ID, 'desc'],
      ],
      [[DOCUMENT_ID, 'desc']],
    ];
    for (const orderBy of orders) {
      it(`pages through 25 documents ordered by ${JSON.stringify(orderBy)}`, async () => {
        const all = await ids({ collection, orderBy });
        expect(all.toSorted()).toEqual(Object.keys(documents).toSorted());
        for (const limit of [1, 4, 25]) {
          expect(await pageThrough({ collection, orderBy, limit }, 30)).toEqual(all);
        }
      });
    }

    it('pages within where', async () => {
      const query: Query = { collection, where: [['unique', '>', 9]], orderBy: [['unique', 'asc']] };
      const found = await pageThrough({ ...query, limit: 4 }, 10);
      expect(found.map((id) => documents[id]?.unique)).toEqual(Array.from({ length: 15 }, (_, n) => n + 10));
    });

    it('skips all that begins with a shorter cursor', async () => {
      const tied = (await store.query({ collection, orderBy: [['tied', 'asc']], startAfter: [1] })).map(
        ({ fields }) => fields.tied,
      );
      expect(new Set(tied)).toEqual(new Set([2, 3]));
    });

    it('takes values that no document has', async () => {
      expect(await ids({ collection, orderBy: [['unique', 'asc']], startAfter: [22.5] })).toHaveLength(2);
      expect(await ids({ collection, orderBy: [['unique', 'asc']], startAfter: ['text'] })).toEqual([]);
      expect(await ids({ collection, orderBy: [['unique', 'desc']], startAfter: ['text'] })).toHaveLength(25);
      expect(await ids({ collection, orderBy: [['unique', 'asc']], startAfter: [null] })).toHaveLength(25);
      expect(await ids({ collection, orderBy: [['tied', 'asc']], startAfter: [3, 'zzz'] })).toEqual([]);
    });

    /** Follows the cursor to the end; the last page is the first that is not full. */
    async function pageThrough(query: Query & { limit: number }, maxPages: number): Promise<string[]> {
      const seen: string[] = [];
      let startAfter: Value[] | undefined;
      for (let page = 0; page < maxPages; page += 1) {
        const found = await store.query(startAfter === undefined ? query : { ...query, startAfter });
        seen.push(...found.map(({ path }) => documentId(path)));
        const last = found.at(-1);
        if (last === undefined || found.length < query.limit) return seen;
        const fields = (query.orderBy ?? []).map(([field]) => field).filter((field) => field !== DOCUMENT_ID);
        startAfter = [...fields.map((field) => last.fields[field] ?? null), documentId(last.path)];
      }
      throw new Error('the pages do not end');
    }
  });
}
