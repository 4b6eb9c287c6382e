/** Queries that look in every collection with one id, wherever it is. */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { DOCUMENT_ID, type Query, type QueryOptions } from '../../../shared/ports/document-store.ts';
import { expectTypeError, type Fixture, freshCollection } from './fixture.ts';

export function groupContract({ store }: Fixture): void {
  describe('a group query', () => {
    const group = `group-${randomUUID()}`;
    const root = freshCollection();
    /** Collections whose last segment is the group: at the top, beneath documents, beneath odd names, in itself. */
    const inside = [
      group,
      ...['a', 'ab', 'é😀', 'nul\u0000', '%', "'"].map((id) => `${root}/${id}/${group}`),
      `${root}/a/${group}/x/${group}`,
    ];
    const outside = [root, `${group}s`, `x${group}`, `${root}/a/x${group}`, `${root}/${group}/other`];
    const pathsIn = (collections: readonly string[]) =>
      collections.flatMap((collection) => ['1', '2', '3'].map((id) => `${collection}/${id}`));
    const all = pathsIn(inside);
    const fieldsOf = (path: string) => {
      const n = all.indexOf(path);
      return { n, tied: n % 2, shard: n % 3, constant: 'x' };
    };

    beforeAll(async () => {
      const paths = [...all, ...pathsIn(outside)];
      await store.commit(paths.map((path) => ({ op: 'set', path, fields: fieldsOf(path) })));
    });

    const found = async (options: QueryOptions = {}): Promise<string[]> =>
      (await store.query({ group, ...options })).map(({ path }) => path);
    const where = (matches: (n: number) => boolean) => all.filter((_, n) => matches(n)).toSorted();

    it('finds the documents of every such collection, and no others', async () => {
      expect((await found()).toSorted()).toEqual(all.toSorted());
      expect(await store.query({ group: `${group}x` })).toEqual([]);
    });

    it('gives the snapshots that get gives', async () => {
      const snapshots = await store.query({ group, orderBy: [['n', 'asc']], limit: 3 });
      expect(snapshots).toEqual(await store.get(all.slice(0, 3)));
    });

    it('takes conditions, an order and a limit', async () => {
      expect((await found({ where: [['shard', '==', 1]] })).toSorted()).toEqual(where((n) => n % 3 === 1));
      const late: QueryOptions = {
        where: [
          ['shard', '==', 1],
          ['n', '>', 6],
        ],
      };
      expect(await found(late)).toEqual(all.filter((_, n) => n > 6 && n % 3 === 1));
      const newest: QueryOptions = { ...late, orderBy: [['n', 'desc']], limit: 2 };
      expect(await found(newest)).toEqual(
        all
          .filter((_, n) => n > 6 && n % 3 === 1)
          .toReversed()
          .slice(0, 2),
      );
    });

    it('takes paths for document ids', async () => {
      const [first = '', second = ''] = all;
      expect(await found({ where: [[DOCUMENT_ID, '==', second]] })).toEqual([second]);
      const several = [second, `${group}/none`, first];
      expect((await found({ where: [[DOCUMENT_ID, 'in', several]] })).toSorted()).toEqual(
        [first, second].toSorted(),
      );
    });

    it('counts and sums', async () => {
      expect(await store.aggregate({ group }, { sum: ['n'] })).toEqual({
        count: all.length,
        sums: { n: (all.length * (all.length - 1)) / 2 },
      });
      const some = await store.aggregate({ group, where: [['shard', '==', 2]] }, { sum: ['tied'] });
      const expected = all.map(fieldsOf).filter(({ shard }) => shard === 2);
      expect(some).toEqual({
        count: expected.length,
        sums: { tied: expected.filter(({ tied }) => tied === 1).length },
      });
    });

    const orders: readonly NonNullable<Query['orderBy']>[] = [
      [],
      [['n', 'asc']],
      [['tied', 'asc']],
      [['tied', 'desc']],
      [['constant', 'desc']],
      [
        ['tied', 'asc'],
        [DOCUMENT_ID, 'desc'],
      ],
    ];
    for (const orderBy of orders) {
      for (const limit of [1, 4, 100]) {
        it(`pages through everything once, ${limit} at a time, by ${JSON.stringify(orderBy)}`, async () => {
          const seen = await pageThrough({ group, orderBy, limit });
          expect(seen.toSorted()).toEqual(all.toSorted());
          expect(seen).toEqual(await found({ orderBy }));
        });
      }
    }

    it('pages within conditions', async () => {
      const query = {
        group,
        where: [['tied', '==', 1] as const],
        orderBy: [['shard', 'asc'] as const],
        limit: 2,
      };
      expect((await pageThrough(query)).toSorted()).toEqual(where((n) => n % 2 === 1));
    });

    it('sees what a commit has acknowledged', async () => {
      const path = `${root}/late/${group}/1`;
      await store.commit([{ op: 'set', path, fields: { late: true } }]);
      expect(await found({ where: [['late', '==', true]] })).toEqual([path]);
      await store.commit([{ op: 'delete', path }]);
      expect(await found({ where: [['late', '==', true]] })).toEqual([]);
    });

    const mistakes: Record<string, object> = {
      'a group that is a path': { group: 'a/b' },
      'an empty group': { group: '' },
      'a group that is no string': { group: 1 },
      'neither a group nor a collection': {},
      'an inequality on paths': { group, where: [[DOCUMENT_ID, '>', 'a/b']] },
      'an id where a path is meant': { group, where: [[DOCUMENT_ID, '==', 'a']] },
      'an id in the cursor': { group, startAfter: ['a'] },
      'a collection in the cursor': { group, startAfter: ['a/b/c'] },
    };
    for (const [title, query] of Object.entries(mistakes)) {
      it(`refuses ${title} with a TypeError`, async () => {
        await expectTypeError(store.query(query as Query));
        await expectTypeError(store.aggregate(query as Query));
      });
    }

    /** Follows the cursor to the end; the last page is the first that is not full. */
    async function pageThrough(query: Query & { limit: number }): Promise<string[]> {
      const seen: string[] = [];
      let next: Query = query;
      for (let page = 0; page <= all.length + 1; page += 1) {
        const snapshots = await store.query(next);
        seen.push(...snapshots.map(({ path }) => path));
        const last = snapshots.at(-1);
        if (last === undefined || snapshots.length < query.limit) return seen;
        const ordered = (query.orderBy ?? []).filter(([field]) => field !== DOCUMENT_ID);
        next = { ...query, startAfter: [...ordered.map(([field]) => last.fields[field] ?? null), last.path] };
      }
      throw new Error('the pages do not end');
    }
  });
}
