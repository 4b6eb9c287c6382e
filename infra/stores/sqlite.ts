/**
 * The document store on one SQLite file, for the local stack and for a single-box deployment.
 *
 * @example
 * const store = openSqliteStore({ path: '.countersign/countersign.db' });
 * await store.commit([{ op: 'set', path: 'customers/acme', fields: { name: 'Acme' }, demand: 'absent' }]);
 * await store.close();
 */

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type {
  AggregateResult,
  Aggregates,
  DocumentPath,
  DocumentStore,
  Query,
  Snapshot,
  Write,
} from '../../shared/ports/document-store.ts';
import { documentId } from '../../shared/ports/document-store.ts';
import type { Statement } from './sqlite/compile.ts';
import { compileAggregate, compileQuery } from './sqlite/compile.ts';
import { openDatabase } from './sqlite/connection.ts';
import { decode } from './sqlite/encoding.ts';
import { storeFailure } from './sqlite/failures.ts';
import { createGroupCommit } from './sqlite/group-commit.ts';
import { transaction } from './sqlite/transaction.ts';
import { checkAggregates, checkDocumentPath, checkQuery, checkWrites } from './validate.ts';

/** Statements differ by the shape of the query alone, so a service has a few dozen. */
const MAX_PREPARED = 200;

interface Row {
  readonly fields: string;
  readonly version: number;
}

interface FoundRow extends Row {
  readonly collection: string;
  readonly id: string;
}

export interface SqliteStore extends DocumentStore {
  /** Commits what is waiting and closes the file. Later calls reject with `store_unavailable`. */
  close(): Promise<void>;
}

/**
 * Throws `store_unavailable` (a `CountersignError`) where the file cannot be opened, is damaged, belongs to
 * another program or to a newer release. Its folder must exist; the file is created for this user only.
 *
 * Another process may have the same file open. A call waits up to two seconds for that one's lock, and no
 * other request of this process is served meanwhile (`node:sqlite` is synchronous): keep transactions of
 * other tools short.
 */
export function openSqliteStore({ path }: { readonly path: string }): SqliteStore {
  const database = openDatabase(path);
  const commits = createGroupCommit(database);
  const prepare = preparer(database);
  const turn = takeTurns();
  const find = database.prepare('SELECT fields, version FROM documents WHERE collection = ? AND id = ?');

  function read(path: DocumentPath): Snapshot | undefined {
    const id = documentId(path);
    const row = find.get(path.slice(0, -id.length - 1), id) as Row | undefined;
    return row && snapshot(path, row);
  }

  return {
    async get(paths) {
      for (const path of paths) checkDocumentPath(path);
      if (paths.length < 2) return answer(() => paths.map(read));
      // One transaction, so that another process cannot commit between two of the reads.
      return answer(() => transaction(database, 'BEGIN', () => paths.map(read)));
    },

    async query(query: Query) {
      const { sql, parameters } = compileQuery(checkQuery(query));
      const rows = answer(() => prepare(sql).all(...parameters)) as unknown as FoundRow[];
      return rows.map((row) => snapshot(`${row.collection}/${row.id}`, row));
    },

    async aggregate(query: Query, aggregates: Aggregates = {}): Promise<AggregateResult> {
      const fields = checkAggregates(aggregates);
      const { sql, parameters }: Statement = compileAggregate(checkQuery(query), fields);
      if (isLong(query)) await turn();
      const row = answer(() => prepare(sql).get(...parameters)) ?? {};
      const sums = fields.map((field, index) => [field, Number(row[`sum${index}`])] as const);
      return { count: Number(row.count), sums: Object.fromEntries(sums) };
    },

    async commit(writes: readonly Write[]) {
      checkWrites(writes);
      return writes.length === 0 ? [] : commits.add(writes);
    },

    async close() {
      if (!database.isOpen) return;
      commits.flush();
      answer(() => database.close());
    },
  };
}

/** Whether what is counted grows with the installation; what belongs to one licence is little. */
function isLong(query: Query): boolean {
  return 'group' in query || !query.collection.includes('/');
}

/** Resolves in a turn of the event loop of its own, so that other requests are served between two long counts. */
function takeTurns(): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    last = last.then(() => new Promise((resolve) => setImmediate(resolve)));
    return last;
  };
}

function snapshot(path: DocumentPath, { fields, version }: Row): Snapshot {
  return { path, fields: decode(fields), version: String(version) };
}

function answer<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw storeFailure(cause);
  }
}

function preparer(database: DatabaseSync): (sql: string) => StatementSync {
  const prepared = new Map<string, StatementSync>();
  return (sql) => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    if (prepared.size >= MAX_PREPARED) prepared.clear();
    const statement = database.prepare(sql);
    prepared.set(sql, statement);
    return statement;
  };
}
