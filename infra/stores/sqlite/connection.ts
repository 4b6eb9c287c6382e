/** Opens the database file: who it belongs to, how durable it is, what tables it has. */

import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { CountersignError } from '../../../shared/errors.ts';
import { createIndexes } from './create-indexes.ts';
import { storeFailure } from './failures.ts';
import { transaction } from './transaction.ts';

/** "CSGN": marks the file as ours, so that another program's database is refused and not written to. */
const APPLICATION_ID = 0x4353474e;
const SCHEMA_VERSION = 1;

/**
 * The write-ahead log is folded into the database at this many pages of 4 KiB, so it grows to about 32 MB. At
 * SQLite's default of 1,000 a busy service spends a noticeable share of its time on it.
 */
const CHECKPOINT_PAGES = 8_000;

/** How long a call waits for another process's lock. It blocks the event loop meanwhile, hence short. */
const BUSY_TIMEOUT_MS = 2_000;

/**
 * One B-tree holds everything: `collection` and `id` are the two halves of the path, so a document, a
 * collection and a range of ids are each one search of the primary key.
 * `last_version` outlives the documents, so a document deleted and made again never repeats a version.
 */
const SCHEMA = `
  CREATE TABLE documents (
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    fields TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (collection, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE counters (last_version INTEGER NOT NULL) STRICT;
  INSERT INTO counters (last_version) VALUES (0);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** Throws `store_unavailable` with a sentence where the file is damaged, foreign or from a newer release. */
export function openDatabase(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    createPrivately(path);
    database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    isOurs(database);
    makeDurable(database);
    createSchema(database);
    return database;
  } catch (cause) {
    if (database?.isOpen) database.close();
    throw storeFailure(cause);
  }
}

/** SQLite would create the file readable by everybody; its -wal and -shm files take over this mode. */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600));
  } catch (cause) {
    const detail = 'The database file cannot be opened; check that its folder exists and is writable.';
    throw new CountersignError('store_unavailable', detail, { cause });
  }
}

/**
 * Whether our tables are there; false for an empty file. Throws for anything else. Asked before the first
 * write, since setting journal_mode alone would change somebody else's file.
 */
function isOurs(database: DatabaseSync): boolean {
  const application = pragma(database, 'application_id');
  const version = pragma(database, 'user_version');
  if (application === APPLICATION_ID && version === SCHEMA_VERSION) return true;
  if (application === APPLICATION_ID) throw refusal(newerOrOlder(Number(version)));
  const { tables } = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() ?? {};
  if (application !== 0 || tables !== 0) {
    throw refusal('The file is a database of another program; choose another path.');
  }
  return false;
}

function newerOrOlder(version: number): string {
  return version > SCHEMA_VERSION
    ? `The database was written by a newer release (schema ${version}, this release knows ${SCHEMA_VERSION}); upgrade Countersign.`
    : `The database has schema ${version}, which this release no longer reads (it knows ${SCHEMA_VERSION}); restore a newer backup.`;
}

/**
 * synchronous=FULL: in WAL mode the default, NORMAL, does not sync at a commit, and a power cut would take
 * acknowledged commits with it. https://www.sqlite.org/pragma.html#pragma_synchronous
 */
function makeDurable(database: DatabaseSync): void {
  if (pragma(database, 'journal_mode = WAL') !== 'wal') {
    throw refusal('The database file must be on a local disk that supports write-ahead logging.');
  }
  database.exec('PRAGMA synchronous = FULL');
  database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
}

function createSchema(database: DatabaseSync): void {
  transaction(database, 'BEGIN IMMEDIATE', () => {
    // Asked again under the lock: another process may have created the tables meanwhile.
    if (!isOurs(database)) database.exec(SCHEMA);
    createIndexes(database);
  });
}

function pragma(database: DatabaseSync, text: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${text}`).get() ?? {})[0];
}

function refusal(detail: string): CountersignError {
  return new CountersignError('store_unavailable', detail);
}
