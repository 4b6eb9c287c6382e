/** How SQLite finds a page of licences on from a cursor: it begins in the middle of an index, and does not sort. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileQuery } from '../../infra/stores/sqlite/compile.ts';
import { openDatabase } from '../../infra/stores/sqlite/connection.ts';
import { openSqliteStore, type SqliteStore } from '../../infra/stores/sqlite.ts';
import { checkQuery } from '../../infra/stores/validate.ts';
import type { DocumentStore, Query } from '../../shared/ports/document-store.ts';
import { listLicenses } from '../../shared/usecases/list-licenses.ts';
import { listLicensesQuery } from '../../shared/wire/admin-licenses.ts';
import { fillStock } from '../support/license-stock.ts';
import { NOW } from '../support/records.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-plans-'));
const path = join(folder, 'store.db');
const clock = { now: () => NOW, pause: async () => {} };
const asked: Query[] = [];
let opened: SqliteStore;
let store: DocumentStore;

beforeAll(async () => {
  opened = openSqliteStore({ path });
  store = {
    ...opened,
    query: (query) => {
      asked.push(query);
      return opened.query(query);
    },
  };
  await fillStock({ ports: { store: opened, clock } as never }, 0, 200, { ties: 7 });
});
afterAll(async () => {
  await opened.close();
  rmSync(folder, { recursive: true });
});

function planOf(query: Query): string {
  const database = openDatabase(path);
  const { sql, parameters } = compileQuery(checkQuery(query));
  const steps = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters);
  database.close();
  return steps.map(({ detail }) => detail).join('; ');
}

/** Bounds from which the index is walked, in the direction of the order. */
function startsOf({ where = [], orderBy = [] }: Query) {
  const [field, direction] = orderBy[0] ?? [];
  const ahead = direction === 'asc' ? '>' : '<';
  return where.filter(([name, comparison]) => name === field && comparison.startsWith(ahead));
}

const CREATED = 'SEARCH licenses in order of created_at USING';
const ENDING = 'SEARCH licenses in order of expires_at USING';
const OF_CUSTOMER = 'COVERING INDEX licenses of customer_id in order of created_at';
const LOOKUP = 'SEARCH documents USING PRIMARY KEY (collection=? AND id=?)';

test.each([
  ['', `${CREATED} PRIMARY KEY (collection=? AND created_at rank=? AND created_at value<?)`],
  [
    'customer_id=acme',
    `${CREATED} ${OF_CUSTOMER} (collection=? AND customer_id text=? AND created_at rank=? AND created_at value<?)`,
  ],
  ['status=revoked', `${CREATED} PRIMARY KEY (collection=? AND created_at rank=? AND created_at value<?)`],
  [
    'status=expired',
    `${ENDING} PRIMARY KEY (collection=? AND expires_at rank=? AND expires_at value>? AND expires_at value<?)`,
  ],
  [
    'expiring_within_days=90',
    `${ENDING} PRIMARY KEY (collection=? AND expires_at rank=? AND expires_at value>? AND expires_at value<?)`,
  ],
])('a walk of licences with "%s" starts each page at its cursor alone', async (query, plan) => {
  const wanted = { ...Object.fromEntries(new URLSearchParams(query)), page_size: '3' };
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const parsed = listLicensesQuery.parse({ ...wanted, cursor });
    asked.length = 0;
    cursor = (await listLicenses({ store, clock }, { customerId: null }, parsed)).next_cursor;
    if (parsed.cursor === undefined) continue;
    const [asking, ...more] = asked;
    expect(more).toEqual([]);
    expect(planOf(asking as Query)).toBe(`${plan}; ${LOOKUP}`);
    expect(startsOf(asking as Query).map(([, , start]) => start)).toEqual([asking?.startAfter?.[0]]);
  }
});
