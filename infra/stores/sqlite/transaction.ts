import type { DatabaseSync } from 'node:sqlite';

/** `BEGIN` reads at one instant; `BEGIN IMMEDIATE` takes the write lock, waiting for another process's. */
export function transaction<T>(database: DatabaseSync, begin: 'BEGIN' | 'BEGIN IMMEDIATE', work: () => T): T {
  database.exec(begin);
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite itself rolls back after some failures, a full disk for one.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
