/**
 * What every document store gives, whatever is behind it. An adapter's test calls this and adds only what is
 * particular to it. Nothing here may ask for more than Firestore gives: versions are opaque, a conflict may
 * not know its path, and a query with an inequality but no `orderBy` promises no order.
 */

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  Comparison,
  Demand,
  DocumentStore,
  Fields,
  Query,
  Snapshot,
  Value,
  Write,
} from '../../shared/ports/document-store.ts';
import { ConflictError, DOCUMENT_ID, documentId } from '../../shared/ports/document-store.ts';

export interface OpenStore {
  readonly store: DocumentStore;
  close(): Promise<void>;
  /** Closes the store and opens it again on the same data. */
  reopen?(): Promise<DocumentStore>;
}

type Condition = readonly [string, Comparison, Value];

/** U+FF5E comes before U+1F600 in UTF-8 and after it in UTF-16, where the emoji is a surrogate pair. */
const BELOW_EMOJI = '\uFF5E';
const EMOJI = '😀';

export function documentStoreContract(name: string, open: () => Promise<OpenStore>): void {
  describe(`document store contract: ${name}`, () => {
    let opened: OpenStore;
    let store: DocumentStore;

    beforeAll(async () => {
      opened = await open();
      store = opened.store;
    });
    afterAll(() => opened.close());

    const set = (path: string, fields: Fields, demand?: Demand): Promise<void> =>
      store.commit([
        demand === undefined ? { op: 'set', path, fields } : { op: 'set', path, fields, demand },
      ]);
    const read = async (path: string): Promise<Snapshot | undefined> => (await store.get([path]))[0];
    const fieldsAt = async (path: string): Promise<Fields | undefined> => (await read(path))?.fields;
    const versionOf = async (path: string): Promise<string> => {
      const snapshot = await read(path);
      if (snapshot === undefined) throw new Error(`nothing at ${path}`);
      return snapshot.version;
    };
    const ids = async (query: Query): Promise<string[]> =>
      (await store.query(query)).map(({ path }) => documentId(path));
    /** A collection that holds these documents by id. */
    const collectionOf = async (documents: Readonly<Record<string, Fields>>): Promise<string> => {
      const collection = freshCollection();
      await store.commit(
        Object.entries(documents).map(([id, fields]) => ({ op: 'set', path: `${collection}/${id}`, fields })),
      );
      return collection;
    };

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
        expect(answers.map((snapshot) => snapshot?.fields.n)).toEqual(
          Array.from({ length: 100 }, (_, n) => n),
        );
      });

      it('gives every caller its own copy', async () => {
        const path = freshPath();
        await set(path, { list: [1] });
        (((await fieldsAt(path)) as { list: Value[] }).list as Value[]).push(2);
        expect(await fieldsAt(path)).toEqual({ list: [1] });
      });
    });

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
        const fields = { a: 1 };
        const committed = set(path, fields);
        fields.a = 2;
        await committed;
        expect(await fieldsAt(path)).toEqual({ a: 1 });
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

      it('conflicts with an absent document, and leaves it absent', async () => {
        const path = freshPath();
        await expectConflict(store.commit([{ op: 'update', path, fields: { a: 1 } }]), path);
        await expectConflict(
          store.commit([{ op: 'update', path, fields: { a: 1 }, demand: 'present' }]),
          path,
        );
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

      it('are the same in get and query', async () => {
        const collection = await collectionOf({ a: { n: 1 } });
        expect(await store.query({ collection })).toEqual(await store.get([`${collection}/a`]));
      });
    });

    describe('commit', () => {
      it('takes nothing to do', async () => {
        await store.commit([]);
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
            const conflict = await committed.catch((error: unknown) => error);
            if (conflict === undefined) done += 1;
            else if (!(conflict instanceof ConflictError)) throw conflict;
          }
        };
        await Promise.all(Array.from({ length: 20 }, work));
        expect(await fieldsAt(path)).toEqual({ total: 100 });
      });
    });

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
        for (const [orderBy, expected] of orders)
          expect(await ids({ collection, orderBy })).toEqual(expected);
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
        expect(found.map((id) => documents[id]?.unique)).toEqual(
          Array.from({ length: 15 }, (_, n) => n + 10),
        );
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
        expect(await ids({ collection, orderBy: [['unique', 'desc']], startAfter: ['text'] })).toHaveLength(
          25,
        );
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
          const fields = (query.orderBy ?? [])
            .map(([field]) => field)
            .filter((field) => field !== DOCUMENT_ID);
          startAfter = [...fields.map((field) => last.fields[field] ?? null), documentId(last.path)];
        }
        throw new Error('the pages do not end');
      }
    });

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
          if (title !== 'more than a megabyte')
            await expectTypeError(store.query({ collection: 'a', where }));
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

    it('keeps everything when it is opened again', async ({ skip }) => {
      const own = await open();
      try {
        if (own.reopen === undefined) return skip();
        const path = freshPath();
        await own.store.commit([{ op: 'set', path, fields: { a: 1 } }]);
        const before = await own.store.get([path]);
        const reopened = await own.reopen();
        expect(await reopened.get([path])).toEqual(before);
        await reopened.commit([
          { op: 'set', path, fields: { a: 2 }, demand: { version: before[0]?.version ?? '' } },
        ]);
        expect((await reopened.get([path]))[0]?.version).not.toBe(before[0]?.version);
      } finally {
        await own.close();
      }
    });
  });
}

/** Tests share a store, which may outlive them: each works in a collection of its own. */
function freshCollection(): string {
  return `contract-${randomUUID()}`;
}

function freshPath(): string {
  return `${freshCollection()}/document`;
}

async function expectConflict(commit: Promise<void>, path: string): Promise<void> {
  const error = await commit.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConflictError);
  expect([path, undefined]).toContain((error as ConflictError).path);
}

async function expectTypeError(answer: Promise<unknown>): Promise<void> {
  await expect(answer).rejects.toBeInstanceOf(TypeError);
}
