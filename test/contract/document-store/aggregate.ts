/** Counts and sums of what a query finds. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Query } from '../../../shared/ports/document-store.ts';
import { type Condition, type Fixture, freshCollection } from './fixture.ts';

export function aggregateContract({ collectionOf, store }: Fixture): void {
  describe('aggregate', () => {
    let collection: string;
    beforeAll(async () => {
      collection = await collectionOf({
        a: { n: 1, m: { n: 10 }, kind: 'x' },
        b: { n: 2.5, m: { n: -4 }, kind: 'x' },
        c: { n: '7', kind: 'y' },
        d: { n: null, m: 3, kind: 'x' },
        e: { kind: 'y' },
        f: { n: true, m: { n: 0.25 }, kind: 'y' },
      });
    });

    it('counts documents, also those without the summed field', async () => {
      expect(await store.aggregate({ collection })).toEqual({ count: 6, sums: {} });
      expect(await store.aggregate({ collection }, { sum: ['n', 'm.n', 'none'] })).toEqual({
        count: 6,
        sums: { n: 3.5, 'm.n': 6.25, none: 0 },
      });
    });

    it('counts what where matches', async () => {
      const where: Condition[] = [['kind', '==', 'x']];
      expect(await store.aggregate({ collection, where }, { sum: ['n'] })).toEqual({
        count: 3,
        sums: { n: 3.5 },
      });
    });

    it('ignores orderBy, limit and startAfter', async () => {
      const query: Query = { collection, orderBy: [['n', 'asc']], limit: 1, startAfter: [2] };
      expect(await store.aggregate(query, { sum: ['n'] })).toEqual({ count: 6, sums: { n: 3.5 } });
    });

    it('gives zeros for nothing', async () => {
      expect(await store.aggregate({ collection: freshCollection() }, { sum: ['n'] })).toEqual({
        count: 0,
        sums: { n: 0 },
      });
    });
  });
}
