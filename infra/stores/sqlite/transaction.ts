/**
 * One transaction, and what its failure means.
 *
 * A COMMIT that fails for want of space or of a lock did not happen: the frame that ends the transaction is written
 * last. After any other failure it may have: where the write succeeded and the sync did not, the frames stay in the
 * log until others overwrite them, and a process that opens the file after a crash takes them for committed.
 * https://www.sqlite.org/walformat.html#recovery
 */
import type { DatabaseSync } from 'node:sqlite';
import { CommitInterruptedError } from '../../../shared/ports/document-store.ts';

/** SQLITE_BUSY, SQLITE_LOCKED, SQLITE_READONLY and SQLITE_FULL: https://www.sqlite.org/rescode.html */
const NOT_COMMITTED: readonly number[] = [5, 6, 8, 13];

/**
 * `BEGIN` reads at one instant; `BEGIN IMMEDIATE` takes the write lock, waiting for another process's.
 *
 * @throws CommitInterruptedError when COMMIT failed and may have happened; else what failed
 */
export function transaction<T>(database: DatabaseSync, begin: 'BEGIN' | 'BEGIN IMMEDIATE', work: () => T): T {
  database.exec(begin);
  let result: T;
  try {
    result = work();
  } catch (error) {
    throw undone(database, error);
  }
  try {
    database.exec('COMMIT');
  } catch (error) {
    const failure = undone(database, error);
    throw isRolledBack(error) ? failure : new CommitInterruptedError({ cause: failure });
  }
  return result;
}

/** Rolls back, and answers what to throw. SQLite itself rolls back after some failures, a full disk for one. */
function undone(database: DatabaseSync, failure: unknown): unknown {
  try {
    if (database.isTransaction) database.exec('ROLLBACK');
    return failure;
  } catch (rollback) {
    return new AggregateError([failure, rollback], 'neither the transaction nor its rollback succeeded');
  }
}

function isRolledBack(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
  return code !== undefined && NOT_COMMITTED.includes(code);
}
