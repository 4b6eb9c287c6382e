/** What no store may take: a mistake of the caller is a TypeError, before anything is read or written. */
import { describe, expect, it } from 'vitest';
import { DOCUMENT_ID, type Fields, type Value, type Write } from '../../../shared/ports/document-store.ts';
import { type Condition, expectTypeError, type Fixture, freshPath } from './fixture.ts';

export function badInputContract({ read, set, store }: Fixture): void {
  describe('refuses with a TypeError', () => {
    const badSegments = ['', '.', '..', '__id__', '\uD800', 'x'.repeat(1501)];
    const badDocumentPaths = [
      '',
      'a',
      'a/b/c',
      '/a/b',
      'a//b/c',
      ...badSegments.map((segment) => `a/${segment}`),
    ];
    const badCollections = ['', 'a/b', 'a/b/', ...badSegments.map((segment) => `a/b/${segment}`)];
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    const badValues: Record<string, unknown> = {
      undefined: undefined,
      NaN: Number.NaN,
      infinity: Number.POSITIVE_INFINITY,
      'a lone surrogate': 'a\uDC00',
      'an array in an array': [[1]],
      'a hole': new Array(1),
      'a bigint': 1n,
      'a function': () => 1,
      'a symbol': Symbol('s'),
      'a date': new Date(0),
      'a Map': new Map(),
      bytes: new Uint8Array(1),
      'a reserved name': JSON.parse('{"__proto__": 1}'),
      'an empty name': { '': 1 },
      'a surrogate in a name': { '\uD800': 1 },
      'a cycle': cyclic,
      'more than a megabyte': 'x'.repeat(1024 * 1024),
    };

    for (const path of badDocumentPaths) {
      it(`the document path ${JSON.stringify(path).slice(0, 40)}`, async () => {
        await expectTypeError(store.get([path]));
        await expectTypeError(store.get(['a/b', path]));
        await expectTypeError(set(path, {}));
        await expectTypeError(store.commit([{ op: 'update', path, fields: { a: 1 } }]));
        await expectTypeError(store.commit([{ op: 'delete', path }]));
      });
    }

    for (const collection of badCollections) {
      it(`the collection path ${JSON.stringify(collection).slice(0, 40)}`, async () => {
        await expectTypeError(store.query({ collection }));
        await expectTypeError(store.aggregate({ collection }));
      });
    }

    for (const [title, value] of Object.entries(badValues)) {
      it(`${title} as a value`, async () => {
        const path = freshPath();
        for (const fields of [{ value }, { map: { value } }] as Fields[]) {
          await expectTypeError(set(path, fields));
          await expectTypeError(store.commit([{ op: 'update', path, fields }]));
        }
        expect(await read(path)).toBeUndefined();
        const where = [['a', '==', value]] as unknown as Condition[];
        if (title !== 'more than a megabyte') await expectTypeError(store.query({ collection: 'a', where }));
      });
    }

    it('fields that are no map', async () => {
      for (const fields of [undefined, null, [], 'text', 1] as unknown as Fields[]) {
        await expectTypeError(set(freshPath(), fields));
      }
    });

    it('values nested more than 20 deep', async () => {
      let value: Value = 1;
      for (let depth = 0; depth < 25; depth += 1) value = { value };
      await expectTypeError(set(freshPath(), { value }));
    });

    it('a commit of more than 500 writes', async () => {
      const path = freshPath();
      const writes = Array.from({ length: 501 }, (_, n): Write => ({ op: 'delete', path: `${path}${n}` }));
      await expectTypeError(store.commit(writes));
    });

    it('two writes of one document, writing neither', async () => {
      const path = freshPath();
      await expectTypeError(
        store.commit([
          { op: 'set', path, fields: { a: 1 } },
          { op: 'update', path, fields: { b: 1 } },
        ]),
      );
      expect(await read(path)).toBeUndefined();
    });

    it('writes that are none', async () => {
      const path = freshPath();
      const writes: unknown[] = [
        { op: 'merge', path, fields: {} },
        { op: 'update', path, fields: {} },
        { op: 'update', path, fields: { a: 1 }, demand: 'absent' },
        { op: 'delete', path, demand: 'absent' },
        { op: 'set', path, fields: {}, demand: 'missing' },
        { op: 'set', path, fields: {}, demand: null },
        { op: 'set', path, fields: {}, demand: { version: 1 } },
      ];
      for (const write of writes) await expectTypeError(store.commit([write as Write]));
    });

    const badQueries: Record<string, object> = {
      'a limit of 0': { limit: 0 },
      'a negative limit': { limit: -1 },
      'a fractional limit': { limit: 1.5 },
      'an unknown comparison': { where: [['a', '!=', 1]] },
      'a comparison of SQL': { where: [['a', '= 1 OR 1 =', 1]] },
      'a field with a quote': { where: [['a"', '==', 1]] },
      'a field with an apostrophe': { where: [["a'", '==', 1]] },
      'a field with a space': { where: [['a b', '==', 1]] },
      'an empty field': { where: [['', '==', 1]] },
      'an empty name between dots': { where: [['a..b', '==', 1]] },
      'a reserved field': { where: [['__proto__', '==', 1]] },
      'a nested document id': { where: [['a.__name__', '==', 'x']] },
      'in without values': { where: [['a', 'in', []]] },
      'in with no list': { where: [['a', 'in', 'text']] },
      'in with null': { where: [['a', 'in', [null]]] },
      'in with 31 values': { where: [['a', 'in', Array.from({ length: 31 }, (_, n) => n)]] },
      'array-contains null': { where: [['a', 'array-contains', null]] },
      'array-contains an array': { where: [['a', 'array-contains', [1]]] },
      'array-contains twice': {
        where: [
          ['a', 'array-contains', 1],
          ['b', 'array-contains', 1],
        ],
      },
      'less than null': { where: [['a', '<', null]] },
      'less than a map': { where: [['a', '<', {}]] },
      'less than an array': { where: [['a', '<', []]] },
      'inequalities on two fields': {
        where: [
          ['a', '>', 1],
          ['b', '<', 1],
        ],
      },
      'inequalities on a field and on the id': {
        where: [
          ['a', '>', 1],
          [DOCUMENT_ID, '<', 'x'],
        ],
      },
      'an order that does not start with the inequality': { where: [['a', '>', 1]], orderBy: [['b', 'asc']] },
      'an order by id where another field has the inequality': {
        where: [['a', '>', 1]],
        orderBy: [[DOCUMENT_ID, 'asc']],
      },
      'an order by a field where the id has the inequality': {
        where: [[DOCUMENT_ID, '>', 'x']],
        orderBy: [
          ['a', 'asc'],
          [DOCUMENT_ID, 'asc'],
        ],
      },
      'a group beside the collection': { group: 'a' },
      'a number as id': { where: [[DOCUMENT_ID, '==', 1]] },
      'an empty id': { where: [[DOCUMENT_ID, '>=', '']] },
      'a path as id': { where: [[DOCUMENT_ID, '==', 'a/b']] },
      'an id that contains': { where: [[DOCUMENT_ID, 'array-contains', 'a']] },
      'ids that are no list': { where: [[DOCUMENT_ID, 'in', 'a']] },
      'an unknown direction': { orderBy: [['a', 'up']] },
      'an order field with a quote': { orderBy: [['a"', 'asc']] },
      'an order field twice': {
        orderBy: [
          ['a', 'asc'],
          ['a', 'desc'],
        ],
      },
      'an order after the id': {
        orderBy: [
          [DOCUMENT_ID, 'asc'],
          ['a', 'asc'],
        ],
      },
      'an empty cursor': { startAfter: [] },
      'a cursor longer than the order': { orderBy: [['a', 'asc']], startAfter: [1, 'x', 'y'] },
      'a cursor longer than an order by id': { orderBy: [[DOCUMENT_ID, 'asc']], startAfter: ['x', 'y'] },
      'a cursor with a map': { orderBy: [['a', 'asc']], startAfter: [{}] },
      'a cursor with NaN': { orderBy: [['a', 'asc']], startAfter: [Number.NaN] },
      'a cursor with undefined': { orderBy: [['a', 'asc']], startAfter: [undefined] },
      'a cursor whose id is no id': { startAfter: [1] },
    };
    for (const [title, query] of Object.entries(badQueries)) {
      it(`a query with ${title}`, async () => {
        await expectTypeError(store.query({ collection: 'a', ...query }));
        await expectTypeError(store.aggregate({ collection: 'a', ...query }));
      });
    }

    it('sums of things that are no fields', async () => {
      for (const field of ['', "a'", DOCUMENT_ID]) {
        await expectTypeError(store.aggregate({ collection: 'a' }, { sum: [field] }));
      }
    });
  });
}
