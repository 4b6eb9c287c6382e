/** Reading documents by their paths. */
import { describe, expect, it } from 'vitest';
import type { Value } from '../../../shared/ports/document-store.ts';
import { type Fixture, freshPath } from './fixture.ts';

export function getContract({ collectionOf, fieldsAt, read, set, store }: Fixture): void {
  describe('get', () => {
    it('gives undefined for an absent document', async () => {
      expect(await store.get([freshPath()])).toEqual([undefined]);
    });

    it('gives path, fields and version of a present one', async () => {
      const path = freshPath();
      await set(path, { a: 1 });
      expect(await read(path)).toEqual({ path, fields: { a: 1 }, version: expect.any(String) });
    });

    it('answers in the order asked, with gaps and repetitions', async () => {
      const collection = await collectionOf({ a: { n: 1 }, b: { n: 2 }, c: { n: 3 } });
      const asked = ['c', 'none', 'a', 'c', 'b', 'none'].map((id) => `${collection}/${id}`);
      const answers = await store.get(asked);
      expect(answers.map((snapshot) => snapshot?.fields.n)).toEqual([3, undefined, 1, 3, 2, undefined]);
      expect(answers.map((snapshot) => snapshot?.path)).toEqual(
        asked.map((path) => (path.endsWith('none') ? undefined : path)),
      );
    });

    it('gives nothing when asked for nothing', async () => {
      expect(await store.get([])).toEqual([]);
    });

    it('reads a hundred documents at once', async () => {
      const documents = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`d${n}`, { n }]));
      const collection = await collectionOf(documents);
      const answers = await store.get(Object.keys(documents).map((id) => `${collection}/${id}`));
      expect(answers.map((snapshot) => snapshot?.fields.n)).toEqual(Array.from({ length: 100 }, (_, n) => n));
    });

    it('gives what nobody can change for another: a copy of its own, or a frozen one', async () => {
      const path = freshPath();
      await set(path, { list: [1], map: { a: 1 } });
      const fields = (await fieldsAt(path)) as { list: Value[]; map: { a: number } };
      for (const change of [() => fields.list.push(2), () => (fields.map.a = 2)]) {
        try {
          change();
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
        }
      }
      expect(await fieldsAt(path)).toEqual({ list: [1], map: { a: 1 } });
    });
  });
}
