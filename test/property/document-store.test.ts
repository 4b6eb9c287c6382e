/**
 * Random histories on an adapter and on the model in memory. Whatever one answers, the other must answer; what
 * the two cannot share, the versions, must change in the same steps.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFirestoreStore } from '../../infra/stores/firestore.ts';
import { openSqliteStore } from '../../infra/stores/sqlite.ts';
import { type DocumentStore, documentId, type Query, type Write } from '../../shared/ports/document-store.ts';
import { startFirestoreServer } from '../support/firestore/server.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { commit, step } from './document-store/histories.ts';
import { Subject } from './document-store/subject.ts';

interface Adapter {
  readonly name: string;
  readonly histories: number;
  readonly collections: number;
  open(): Promise<{ readonly store: DocumentStore; close(): Promise<void> }>;
}

const ADAPTERS: readonly Adapter[] = [
  {
    name: 'SQLite',
    histories: 400,
    collections: 100,
    open: async () => {
      const folder = mkdtempSync(join(tmpdir(), 'countersign-property-'));
      const store = openSqliteStore({ path: join(folder, 'store.db') });
      return {
        store,
        close: async () => {
          await store.close();
          rmSync(folder, { recursive: true });
        },
      };
    },
  },
  {
    name: 'Firestore',
    histories: 60,
    collections: 10,
    open: async () => {
      const server = await startFirestoreServer();
      const store = openFirestoreStore({ project: 'test', database: '(default)', endpoint: server.host });
      return {
        store,
        close: async () => {
          await store.close();
          await server.stop();
        },
      };
    },
  },
];

let runs = 0;

describe.each(ADAPTERS)('$name', ({ histories, collections, open }) => {
  let opened: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened.close());

  it('answers every history as the model does', async () => {
    const fill = fc.array(commit, { minLength: 5, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fill, fc.array(step, { minLength: 5, maxLength: 40 }), async (commits, steps) => {
        runs += 1;
        const model = new Subject(openMemoryStore(), `run${runs}`);
        const subject = new Subject(opened.store, `run${runs}`);
        for (const todo of [{ kind: 'commits', commits } as const, ...steps]) {
          const expected = await model.take(todo);
          expect(await subject.take(todo)).toEqual(expected);
        }
      }),
      { numRuns: histories },
    );
  });

  it('finds and orders any number and any string as JavaScript and UTF-8 do', async () => {
    const value = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string({ unit: 'binary', maxLength: 4 }).filter((text) => text.isWellFormed()),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(value, { minLength: 2, maxLength: 30, comparator: 'IsStrictlyEqual' }),
        async (values) => {
          runs += 1;
          const collection = `run${runs}/x/values`;
          const writes = values.map(
            (v, n): Write => ({ op: 'set', path: `${collection}/${n}`, fields: { v } }),
          );
          const model = openMemoryStore();
          for (const store of [model, opened.store]) await store.commit(writes);
          const orderBy = [['v', 'asc'] as const];
          const ids = async (store: DocumentStore, part: Partial<Query>): Promise<string[]> =>
            (await store.query({ collection, orderBy, ...part })).map(({ path }) => documentId(path));
          expect(await ids(opened.store, {})).toEqual(await ids(model, {}));
          for (const [n, v] of values.entries()) {
            expect(await ids(opened.store, { where: [['v', '==', v]] })).toEqual([String(n)]);
            const larger = { where: [['v', '>', v] as const] };
            expect(await ids(opened.store, larger)).toEqual(await ids(model, larger));
          }
        },
      ),
      { numRuns: collections },
    );
  });
});
