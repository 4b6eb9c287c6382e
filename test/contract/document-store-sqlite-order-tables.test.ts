/** Order tables of SQLite: how they come into a file, stay true to its documents, and leave others their turn. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, expect, test } from 'vitest';
import { openDatabase } from '../../infra/stores/sqlite/connection.ts';
import { openSqliteStore, type SqliteStore } from '../../infra/stores/sqlite.ts';
import { ConflictError, type Query } from '../../shared/ports/document-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-order-tables-'));
const opened: SqliteStore[] = [];
let files = 0;
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

function freshFile(): string {
  files += 1;
  return join(folder, `store-${files}.db`);
}

function open(path: string): SqliteStore {
  const store = openSqliteStore({ path });
  opened.push(store);
  return store;
}

const license = (status: string, createdAt: number | null) => ({
  status,
  customer_id: 'acme',
  created_at: createdAt,
  expires_at: null,
});
const revoked: Query = { collection: 'licenses', where: [['status', '==', 'revoked']] };
const newest: Query = { collection: 'licenses', orderBy: [['created_at', 'desc']] };
const idsOf = async (store: SqliteStore, query: Query) =>
  (await store.query(query)).map(({ path }) => path.slice('licenses/'.length));

/** The tables, indexes and triggers of the file. */
function schemaOf(path: string): unknown[] {
  const database = new DatabaseSync(path);
  const schema = database.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').all();
  database.close();
  return schema;
}

/** Takes away what earlier releases did not make, and adds an index of theirs. */
function makeOlder(path: string): void {
  const database = openDatabase(path);
  const made = database
    .prepare("SELECT type, name FROM sqlite_schema WHERE name LIKE '% in order of %' AND type <> 'index'")
    .all();
  for (const { type, name } of made.toReversed()) database.exec(`DROP ${type} "${name}"`);
  database.exec('CREATE INDEX "licenses by created_at" ON documents (collection, id)');
  database.close();
}

test('the file of an earlier release is opened, and its licences are listed and counted', async () => {
  const path = freshFile();
  makeOlder(path);
  const database = new DatabaseSync(path);
  const insert = database.prepare("INSERT INTO documents VALUES ('licenses', ?, ?, 1)");
  insert.run('a', JSON.stringify(license('active', 1)));
  insert.run('b', JSON.stringify(license('revoked', 2)));
  insert.run('c', JSON.stringify({ status: 'revoked' }));
  database.close();

  const store = open(path);
  expect(await store.aggregate(revoked)).toEqual({ count: 2, sums: {} });
  expect(await idsOf(store, newest)).toEqual(['b', 'a']);
  await store.commit([{ op: 'update', path: 'licenses/a', fields: { status: 'revoked', created_at: 3 } }]);
  expect(await store.aggregate(revoked)).toEqual({ count: 3, sums: {} });
  expect(await idsOf(store, newest)).toEqual(['a', 'b']);
  await store.close();

  const fresh = freshFile();
  await open(fresh).close();
  const withoutPages = (schema: unknown[]) => schema.map((each) => JSON.stringify(each));
  expect(withoutPages(schemaOf(path))).toEqual(withoutPages(schemaOf(fresh)));
});

const TABLE = 'licenses in order of created_at';
test.each([
  [
    'a table',
    `${['insert', 'update', 'delete'].map((event) => `DROP TRIGGER "${TABLE}: ${event}";`).join('')}
     DROP TABLE "${TABLE}"; CREATE TABLE "${TABLE}" (id TEXT)`,
  ],
  ['a trigger', `DROP TRIGGER "${TABLE}: update"`],
  ['an index', 'DROP INDEX "licenses of email in order of created_at"'],
])('%s that another release defined otherwise is made anew, from the documents', async (_, change) => {
  const path = freshFile();
  await open(path).commit([{ op: 'set', path: 'licenses/a', fields: license('revoked', 1) }]);
  await opened.pop()?.close();
  const schema = schemaOf(path);
  const database = new DatabaseSync(path);
  database.exec(change);
  database.exec(`UPDATE documents SET fields = json_set(fields, '$.status', 'active') WHERE id = 'a'`);
  database.exec(
    `INSERT INTO documents SELECT collection, 'b', fields, version FROM documents WHERE id = 'a'`,
  );
  database.close();

  const store = open(path);
  expect(await store.aggregate(revoked)).toEqual({ count: 0, sums: {} });
  expect(await idsOf(store, newest)).toEqual(['b', 'a']);
  await store.close();
  expect(schemaOf(path)).toEqual(schema);
});

test('a file that is opened again keeps its tables, and does not fill them again', async () => {
  const path = freshFile();
  await open(path).commit([{ op: 'set', path: 'licenses/a', fields: license('revoked', 1) }]);
  await opened.pop()?.close();
  // What a second filling would take away.
  const database = new DatabaseSync(path);
  database.exec('DELETE FROM "licenses in order of created_at"');
  database.close();
  expect((await open(path).aggregate(revoked)).count).toBe(0);
});

test('a commit in conflict leaves no copy behind, beside one that holds', async () => {
  const store = open(freshFile());
  const outcomes = await Promise.allSettled([
    store.commit([{ op: 'set', path: 'licenses/a', fields: license('revoked', 1) }]),
    store.commit([
      { op: 'set', path: 'licenses/b', fields: license('revoked', 2) },
      { op: 'set', path: 'licenses/a', fields: license('revoked', 3), demand: 'absent' },
    ]),
  ]);
  expect(outcomes[1]).toMatchObject({ reason: expect.any(ConflictError) });
  expect(await store.aggregate(revoked)).toEqual({ count: 1, sums: {} });
  expect(await idsOf(store, newest)).toEqual(['a']);
});

test('an update and a deletion of another program are in the counts', async () => {
  const path = freshFile();
  const store = open(path);
  const ids = ['a', 'b', 'c'];
  await store.commit(
    ids.map((id, at) => ({ op: 'set', path: `licenses/${id}`, fields: license('active', at) })),
  );
  const database = new DatabaseSync(path);
  database.exec(`UPDATE documents SET fields = json_set(fields, '$.status', 'revoked') WHERE id <> 'c'`);
  database.exec(`DELETE FROM documents WHERE id = 'b'`);
  database.close();
  expect(await store.aggregate(revoked)).toEqual({ count: 1, sums: {} });
  expect(await idsOf(store, newest)).toEqual(['c', 'a']);
});

test('a commit that comes between long counts does not wait for all of them', async () => {
  const store = open(freshFile());
  const done: string[] = [];
  const counts = Array.from({ length: 5 }, async (_, n) => {
    await store.aggregate(revoked);
    done.push(`count ${n}`);
  });
  const commit = store.commit([{ op: 'set', path: 'licenses/a', fields: license('revoked', 1) }]);
  await Promise.all([...counts, commit.then(() => done.push('commit'))]);
  expect(done.filter((each) => each !== 'commit')).toEqual([0, 1, 2, 3, 4].map((n) => `count ${n}`));
  expect(done.indexOf('commit')).toBeLessThan(done.indexOf('count 2'));
});

test('a count that waits for its turn when the store is closed is a failure', async () => {
  const store = open(freshFile());
  const counts = Promise.allSettled([store.aggregate(revoked), store.aggregate(revoked)]);
  await store.close();
  expect(await counts).toMatchObject(
    [1, 2].map(() => ({ status: 'rejected', reason: { code: 'store_unavailable' } })),
  );
});
