/** Many writes at once, all or none, under demands on what was read before; and the versions that demands name. */
import { describe, expect, it } from 'vitest';
import {
  ConflictError,
  type Demand,
  documentId,
  type Fields,
  type Write,
} from '../../../shared/ports/document-store.ts';
import { expectConflict, type Fixture, freshCollection, freshPath } from './fixture.ts';

export function commitContract({ collectionOf, fieldsAt, read, set, store, versionOf }: Fixture): void {
  describe('demands', () => {
    /** Every operation under every demand it may make: what happens if the document is there and if not. */
    const operations: Record<Write['op'], (path: string, demand: Demand) => Write> = {
      set: (path, demand) => ({ op: 'set', path, fields: { a: 2 }, demand }),
      update: (path, demand) => ({ op: 'update', path, fields: { a: 2 }, demand: demand as 'present' }),
      delete: (path, demand) => ({ op: 'delete', path, demand: demand as 'present' }),
    };
    const results: Record<Write['op'], Fields | undefined> = {
      set: { a: 2 },
      update: { a: 2, b: 1 },
      delete: undefined,
    };

    for (const op of ['set', 'update', 'delete'] as const) {
      it(`${op} 'present' happens to a present document only`, async () => {
        const [present, absent] = [freshPath(), freshPath()];
        await set(present, { a: 1, b: 1 });
        await store.commit([operations[op](present, 'present')]);
        expect(await fieldsAt(present)).toEqual(results[op]);
        await expectConflict(store.commit([operations[op](absent, 'present')]), absent);
        expect(await read(absent)).toBeUndefined();
      });

      it(`${op} with a version happens to that version only`, async () => {
        const path = freshPath();
        await set(path, { a: 0, b: 1 });
        const stale = await versionOf(path);
        await set(path, { a: 1, b: 1 });
        await expectConflict(store.commit([operations[op](path, { version: stale })]), path);
        expect(await fieldsAt(path)).toEqual({ a: 1, b: 1 });
        await store.commit([operations[op](path, { version: await versionOf(path) })]);
        expect(await fieldsAt(path)).toEqual(results[op]);
      });

      it(`${op} with a version conflicts with a deleted document`, async () => {
        const path = freshPath();
        await set(path, { a: 1 });
        const version = await versionOf(path);
        await store.commit([{ op: 'delete', path }]);
        await expectConflict(store.commit([operations[op](path, { version })]), path);
        expect(await read(path)).toBeUndefined();
      });
    }

    it("set 'absent' happens to an absent document only", async () => {
      const path = freshPath();
      await set(path, { a: 1 }, 'absent');
      await expectConflict(set(path, { a: 2 }, 'absent'), path);
      expect(await fieldsAt(path)).toEqual({ a: 1 });
    });
  });

  describe('versions', () => {
    it('stay while the document is not written', async () => {
      const [path, other] = [freshPath(), freshPath()];
      await set(path, { a: 1 });
      const version = await versionOf(path);
      await set(other, { a: 1 });
      expect(await versionOf(path)).toBe(version);
    });

    it('change with the document, and never come back', async () => {
      const path = freshPath();
      const seen = new Set<string>();
      for (const a of [1, 2, 1, 2]) {
        await set(path, { a });
        seen.add(await versionOf(path));
      }
      await store.commit([{ op: 'delete', path }]);
      await set(path, { a: 2 });
      seen.add(await versionOf(path));
      expect(seen.size).toBe(5);
    });

    it('that commit answers are those that a read gives, in the order of the writes', async () => {
      const collection = await collectionOf({ updated: { a: 1 }, replaced: { a: 1 }, deleted: { a: 1 } });
      const versions = await store.commit([
        { op: 'set', path: `${collection}/new`, fields: { a: 1 }, demand: 'absent' },
        { op: 'delete', path: `${collection}/deleted` },
        { op: 'update', path: `${collection}/updated`, fields: { a: 2 } },
        { op: 'delete', path: `${collection}/none` },
        { op: 'set', path: `${collection}/replaced`, fields: { a: 2 } },
      ]);
      const paths = ['new', 'deleted', 'updated', 'none', 'replaced'].map((id) => `${collection}/${id}`);
      const read = await store.get(paths);
      expect(read.map((snapshot) => snapshot !== undefined)).toEqual([true, false, true, false, true]);
      expect(versions).toEqual(read.map((snapshot) => snapshot?.version));
    });

    it('that commit answers for a write that changes nothing are those that a read gives', async () => {
      const path = freshPath();
      const other = freshPath();
      await set(path, { a: 1, m: { b: 1, c: 2 } });
      await set(other, { a: 1 });
      const again = await store.commit([
        { op: 'set', path, fields: { m: { c: 2, b: 1 }, a: 1 } },
        { op: 'set', path: other, fields: { a: 2 } },
      ]);
      expect(again).toEqual([await versionOf(path), await versionOf(other)]);
      const updated = await store.commit([{ op: 'update', path, fields: { a: 1 } }]);
      expect(updated).toEqual([await versionOf(path)]);
    });

    it('that commit answers can be demanded at once', async () => {
      const path = freshPath();
      const [first = ''] = await store.commit([{ op: 'set', path, fields: { a: 1 } }]);
      const [second = ''] = await store.commit([
        { op: 'set', path, fields: { a: 2 }, demand: { version: first } },
      ]);
      await expectConflict(store.commit([{ op: 'delete', path, demand: { version: first } }]), path);
      expect(await store.commit([{ op: 'delete', path, demand: { version: second } }])).toEqual([undefined]);
    });

    it('that no store ever gave are conflicts', async () => {
      const path = freshPath();
      await set(path, { a: 1 });
      for (const version of ['', 'never', '1.5', '-1']) {
        await expectConflict(store.commit([{ op: 'delete', path, demand: { version } }]), path);
      }
    });

    it('are the same in get and query', async () => {
      const collection = await collectionOf({ a: { n: 1 } });
      expect(await store.query({ collection })).toEqual(await store.get([`${collection}/a`]));
    });
  });

  describe('commit', () => {
    it('takes nothing to do', async () => {
      expect(await store.commit([])).toEqual([]);
    });

    it('takes 500 writes', async () => {
      const collection = freshCollection();
      const writes = Array.from({ length: 500 }, (_, n): Write => {
        return { op: 'set', path: `${collection}/d${n}`, fields: { n }, demand: 'absent' };
      });
      await store.commit(writes);
      expect((await store.aggregate({ collection })).count).toBe(500);
    });

    for (const position of [0, 1, 2, 3]) {
      it(`writes nothing when the demand at position ${position} does not hold`, async () => {
        const collection = await collectionOf({ updated: { a: 1 }, deleted: { a: 1 }, taken: { a: 1 } });
        const writes: Write[] = [
          { op: 'set', path: `${collection}/new`, fields: { a: 2 }, demand: 'absent' },
          { op: 'update', path: `${collection}/updated`, fields: { a: 2 } },
          { op: 'delete', path: `${collection}/deleted`, demand: 'present' },
        ];
        writes.splice(position, 0, {
          op: 'set',
          path: `${collection}/taken`,
          fields: {},
          demand: 'absent',
        });
        await expectConflict(store.commit(writes), `${collection}/taken`);
        const left = await store.query({ collection });
        expect(left.map(({ path, fields }) => [documentId(path), fields])).toEqual([
          ['deleted', { a: 1 }],
          ['taken', { a: 1 }],
          ['updated', { a: 1 }],
        ]);
      });
    }

    it('lets exactly one of 50 racing creations win', async () => {
      const [path, also] = [freshPath(), freshPath()];
      const racers = Array.from({ length: 50 }, (_, racer) =>
        store.commit([
          { op: 'set', path: `${also}-${racer}`, fields: { racer } },
          { op: 'set', path, fields: { racer }, demand: 'absent' },
        ]),
      );
      const outcomes = await Promise.allSettled(racers);
      const winners = outcomes.flatMap(({ status }, racer) => (status === 'fulfilled' ? [racer] : []));
      expect(winners).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(ConflictError);
      }
      expect(await fieldsAt(path)).toEqual({ racer: winners[0] });
      const written = await store.get(outcomes.map((_, racer) => `${also}-${racer}`));
      expect(written.flatMap((snapshot) => snapshot?.fields.racer ?? [])).toEqual(winners);
    });

    it('loses no increment of 20 workers that demand the version they read', async () => {
      const path = freshPath();
      await set(path, { total: 0 });
      const work = async (): Promise<void> => {
        for (let done = 0; done < 5; ) {
          const counter = await read(path);
          const total = Number(counter?.fields.total) + 1;
          const demand = { version: counter?.version ?? '' };
          const committed = store.commit([{ op: 'update', path, fields: { total }, demand }]);
          const conflict = await committed.then(
            () => undefined,
            (error: unknown) => error,
          );
          if (conflict === undefined) done += 1;
          else if (!(conflict instanceof ConflictError)) throw conflict;
        }
      };
      await Promise.all(Array.from({ length: 20 }, work));
      expect(await fieldsAt(path)).toEqual({ total: 100 });
    });
  });
}
