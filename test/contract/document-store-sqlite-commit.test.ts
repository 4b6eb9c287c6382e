/** What is told of a commit whose COMMIT failed; see `infra/stores/sqlite/transaction.ts`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../infra/stores/sqlite/connection.ts';
import { createGroupCommit } from '../../infra/stores/sqlite/group-commit.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-sqlite-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function freshFile(): string {
  files += 1;
  return join(folder, `store-${files}.db`);
}

describe('a COMMIT that fails', () => {
  /** A database whose COMMIT throws what SQLite would; the transaction stays open, as it does after a disk error. */
  function failing(errcode: number | undefined) {
    const database = openDatabase(freshFile());
    const exec = database.exec.bind(database);
    database.exec = (sql) => {
      if (sql !== 'COMMIT') return exec(sql);
      throw Object.assign(new Error('the disk'), errcode === undefined ? {} : { errcode });
    };
    return { commits: createGroupCommit(database), database };
  }
  const write = { op: 'set', path: 'a/1', fields: {} } as const;

  it.each([
    ['the disk is full', 13],
    ['the file became read-only', 8],
    ['another process had the lock', 5],
  ])('did not happen when %s', async (_, errcode) => {
    const { commits, database } = failing(errcode);
    await expect(commits.add([write])).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(database.isTransaction).toBe(false);
    expect(database.prepare('SELECT id FROM documents').all()).toEqual([]);
    database.close();
  });

  it.each([
    ['the write or the sync failed', 10],
    ['the sync failed (SQLITE_IOERR_FSYNC)', 1034],
    ['nobody knows why', undefined],
  ])('may have happened when %s', async (_, errcode) => {
    const { commits, database } = failing(errcode);
    const outcomes = await Promise.allSettled([
      commits.add([write]),
      commits.add([{ ...write, path: 'a/2' }]),
    ]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({
        reason: { name: 'CommitInterruptedError', cause: expect.any(Error) },
      });
    }
    expect(database.isTransaction).toBe(false);
    database.close();
  });
});
