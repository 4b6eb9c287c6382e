/**
 * Lists and counts of licences and audit events, which SQLite answers from copies of their fields: whatever is written and
 * asked for, as the model in memory answers it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSqliteStore, type SqliteStore } from '../../infra/stores/sqlite.ts';
import { type DocumentStore, documentId, type Query, type Write } from '../../shared/ports/document-store.ts';
import { openMemoryStore } from '../support/memory-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-order-tables-'));
let store: SqliteStore;
beforeAll(() => {
  store = openSqliteStore({ path: join(folder, 'store.db') });
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const GROUPS = {
  licenses: {
    equal: ['customer_id', 'email', 'product', 'license_type', 'status', 'tier'],
    orders: ['created_at', 'expires_at'],
  },
  audit: { equal: ['actor', 'action', 'target'], orders: ['at'] },
} as const;

const few = fc.constantFrom('', 'a', 'b', '"b"', 'ü');
const instant = fc.constantFrom(-1, 0, -0, 1, 1.5, 2 ** 53, 1e21);
/** Of any type, also where the product writes one only. Stores order arrays and maps as they like. */
const oddInstant = fc.constantFrom(null, true, false, 'a', '1');
const odd = fc.constantFrom(null, true, 'a', 1, '1', [1], { a: 1 }, []);
const IDS = ['a', 'b', 'c', 'd', 'e', 'é', '0'] as const;
const ALL = IDS.length;
const ids = fc.constantFrom(...IDS);

function steps(group: keyof typeof GROUPS) {
  const { equal, orders } = GROUPS[group];
  const field = fc.constantFrom<string>(...equal, ...orders);
  const value = (name: string) => {
    const isInstant = orders.some((order) => order === name);
    const [usual, unusual] = isInstant ? [instant, oddInstant] : [few, odd];
    return fc.oneof({ weight: 3, arbitrary: usual }, { weight: 1, arbitrary: unusual });
  };
  const fields = fc.record(
    Object.fromEntries([...equal, ...orders].map((name) => [name, value(name)] as const)),
    { requiredKeys: [] },
  );
  const write = fc.tuple(fc.constantFrom('set', 'set', 'set', 'update', 'delete'), ids, fields);
  const equality = field.chain((name) => fc.tuple(fc.constant(name), fc.constant('=='), value(name)));
  const oneOf = fc.constantFrom(...equal).map((name) => [name, 'in', ['a', 'b', '"b"']]);
  const bounded = fc.tuple(fc.constantFrom(...orders), fc.constantFrom('<', '<=', '>', '>='), instant);
  const where = fc
    .tuple(fc.array(fc.oneof(equality, equality, oneOf), { maxLength: 2 }), fc.option(bounded))
    .map(([equalities, bound]) => (bound === null ? equalities : [...equalities, bound]));
  const query = fc
    .tuple(
      where,
      fc.constantFrom(...orders, undefined),
      fc.constantFrom('asc', 'desc'),
      fc.integer({ min: 1, max: 4 }),
    )
    .map(([conditions, order, direction, limit]) => {
      const bound = conditions.find(([, comparison]) => /[<>]/.test(String(comparison)))?.[0];
      const by = bound ?? order;
      return {
        where: conditions,
        limit,
        ...(by !== undefined && { orderBy: [[by, direction]] }),
      } as unknown as Query;
    });
  return fc.array(fc.record({ writes: fc.array(write, { maxLength: 4 }), query }), {
    minLength: 3,
    maxLength: 12,
  });
}

/** In pages of the query's limit, each on from the last document before it. */
async function walk(from: DocumentStore, query: Query): Promise<unknown[]> {
  const seen: unknown[] = [];
  // A walk that does not move on ends too, and differs.
  for (let startAfter: Query['startAfter']; seen.length <= ALL; ) {
    const page = await from.query(startAfter === undefined ? query : { ...query, startAfter });
    seen.push(...page.map(({ path, fields }) => [path, fields]));
    const last = page.at(-1);
    if (last === undefined) return seen;
    const values = (query.orderBy ?? []).map(([name]) => last.fields[name] ?? null);
    startAfter = [...values, documentId(last.path)];
  }
  return seen;
}

let runs = 0;

test.each(['licenses', 'audit'] as const)('%s are listed and counted as the model does it', async (group) => {
  await fc.assert(
    fc.asyncProperty(steps(group), async (todo) => {
      runs += 1;
      // A collection of its own for each run; the copies go by the last segment.
      const collection = `runs/run${runs}/${group}`;
      const model = openMemoryStore();
      for (const { writes, query } of todo) {
        for (const [op, id, fields] of writes) {
          const path = `${collection}/${id}`;
          const write = { op, path, ...(op !== 'delete' && { fields }) } as Write;
          const [here, there] = await Promise.allSettled([model.commit([write]), store.commit([write])]);
          expect(there.status).toBe(here.status);
        }
        const asked = { ...query, collection };
        expect(await walk(store, asked)).toEqual(await walk(model, asked));
        expect(await store.aggregate(asked)).toEqual(await model.aggregate(asked));
      }
    }),
    { numRuns: 300 },
  );
});
