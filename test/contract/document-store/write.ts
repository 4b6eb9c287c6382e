/** What one write does to one document: set, update, delete. */
import { describe, expect, it } from 'vitest';
import { expectConflict, expectTypeError, type Fixture, freshPath } from './fixture.ts';

export function writeContract({ fieldsAt, ids, read, set, store }: Fixture): void {
  describe('set', () => {
    it('replaces all fields', async () => {
      const path = freshPath();
      await set(path, { a: 1, b: 2 });
      await set(path, { b: 3 });
      expect(await fieldsAt(path)).toEqual({ b: 3 });
    });

    it('stores a document without fields', async () => {
      const path = freshPath();
      await set(path, {});
      expect(await fieldsAt(path)).toEqual({});
    });

    it('stores what the fields were at the call', async () => {
      const path = freshPath();
      const fields = { a: 1, list: [{ b: 1 }], map: { c: 1 } };
      const committed = set(path, fields);
      const change = (to: number): void => {
        fields.a = to;
        fields.map.c = to;
        for (const element of fields.list) element.b = to;
        fields.list.push({ b: to });
      };
      change(2);
      await committed;
      change(3);
      expect(await fieldsAt(path)).toEqual({ a: 1, list: [{ b: 1 }], map: { c: 1 } });
    });
  });

  describe('update', () => {
    it('keeps the other fields', async () => {
      const path = freshPath();
      await set(path, { a: 1, b: 2 });
      await store.commit([{ op: 'update', path, fields: { b: 3, c: 4 } }]);
      expect(await fieldsAt(path)).toEqual({ a: 1, b: 3, c: 4 });
    });

    it('replaces a map as a whole', async () => {
      const path = freshPath();
      await set(path, { customer: { id: 1, name: 'a' } });
      await store.commit([{ op: 'update', path, fields: { customer: { id: 2 } } }]);
      expect(await fieldsAt(path)).toEqual({ customer: { id: 2 } });
    });

    it('takes a name with dots and quotes for one name', async () => {
      const path = freshPath();
      await set(path, { 'a.b': 1, a: { b: 2 } });
      await store.commit([{ op: 'update', path, fields: { 'a.b': 3, '`"\\': 4 } }]);
      expect(await fieldsAt(path)).toEqual({ 'a.b': 3, a: { b: 2 }, '`"\\': 4 });
    });

    it('that would make the document too large is a TypeError, and nothing is written', async () => {
      const [path, other] = [freshPath(), freshPath()];
      const half = 'x'.repeat(600 * 1024);
      await set(path, { half });
      const tooLarge = store.commit([
        { op: 'set', path: other, fields: {} },
        { op: 'update', path, fields: { otherHalf: half } },
      ]);
      await expectTypeError(tooLarge);
      expect(await fieldsAt(path)).toEqual({ half });
      expect(await read(other)).toBeUndefined();
    });

    it('conflicts with an absent document, and leaves it absent', async () => {
      const path = freshPath();
      await expectConflict(store.commit([{ op: 'update', path, fields: { a: 1 } }]), path);
      await expectConflict(store.commit([{ op: 'update', path, fields: { a: 1 }, demand: 'present' }]), path);
      expect(await read(path)).toBeUndefined();
    });
  });

  describe('delete', () => {
    it('removes a document', async () => {
      const path = freshPath();
      await set(path, { a: 1 });
      await store.commit([{ op: 'delete', path }]);
      expect(await read(path)).toBeUndefined();
    });

    it('of an absent document changes nothing', async () => {
      await store.commit([{ op: 'delete', path: freshPath() }]);
    });

    it('leaves the documents beneath it', async () => {
      const path = freshPath();
      await store.commit([
        { op: 'set', path, fields: {} },
        { op: 'set', path: `${path}/seats/0`, fields: { n: 0 } },
      ]);
      await store.commit([{ op: 'delete', path }]);
      expect(await fieldsAt(`${path}/seats/0`)).toEqual({ n: 0 });
      expect(await ids({ collection: path.slice(0, path.lastIndexOf('/')) })).toEqual([]);
    });
  });
}
