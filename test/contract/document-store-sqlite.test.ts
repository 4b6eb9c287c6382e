import { execFile } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../infra/stores/sqlite/connection.ts';
import { createGroupCommit } from '../../infra/stores/sqlite/group-commit.ts';
import type { SqliteStore } from '../../infra/stores/sqlite.ts';
import { openSqliteStore } from '../../infra/stores/sqlite.ts';
import { CountersignError } from '../../shared/errors.ts';
import type { Query } from '../../shared/ports/document-store.ts';
import { ConflictError } from '../../shared/ports/document-store.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { documentStoreContract } from './document-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-sqlite-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function freshFile(): string {
  files += 1;
  return join(folder, `store-${files}.db`);
}

documentStoreContract('SQLite', async () => {
  const path = freshFile();
  let store = openSqliteStore({ path });
  return {
    store,
    close: () => store.close(),
    reopen: async () => {
      await store.close();
      store = openSqliteStore({ path });
      return store;
    },
  };
});

documentStoreContract('the model in memory', async () => {
  const store = openMemoryStore();
  return { store, close: async () => undefined, reopen: async () => store };
});

describe('SQLite store', () => {
  const opened: SqliteStore[] = [];
  const open = (path = freshFile()): SqliteStore => {
    const store = openSqliteStore({ path });
    opened.push(store);
    return store;
  };
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });

  describe('group commit', () => {
    it('makes commits of one turn durable together, and none before', async () => {
      const store = open();
      const first = store.commit([{ op: 'set', path: 'a/1', fields: {} }]);
      const second = store.commit([{ op: 'set', path: 'a/2', fields: {} }]);
      expect(await store.get(['a/1', 'a/2'])).toEqual([undefined, undefined]);
      await first;
      expect(await store.get(['a/1', 'a/2'])).toEqual([expect.anything(), expect.anything()]);
      await second;
    });

    it('undoes and rejects the commit in conflict alone', async () => {
      const store = open();
      const outcomes = await Promise.allSettled([
        store.commit([{ op: 'set', path: 'a/1', fields: { by: 1 }, demand: 'absent' }]),
        store.commit([
          { op: 'set', path: 'a/2', fields: { by: 2 } },
          { op: 'set', path: 'a/1', fields: { by: 2 }, demand: 'absent' },
        ]),
        store.commit([{ op: 'update', path: 'a/1', fields: { also: 3 } }]),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(outcomes[1]).toMatchObject({ reason: { name: 'ConflictError', path: 'a/1' } });
      const [one, two] = await store.get(['a/1', 'a/2']);
      expect(one?.fields).toEqual({ by: 1, also: 3 });
      expect(two).toBeUndefined();
    });

    it('rejects an update that makes the document too large, alone', async () => {
      const store = open();
      const half = 'x'.repeat(600 * 1024);
      await store.commit([{ op: 'set', path: 'a/1', fields: { half } }]);
      const tooLarge = store.commit([
        { op: 'set', path: 'a/2', fields: {} },
        { op: 'update', path: 'a/1', fields: { other: half } },
      ]);
      const fine = store.commit([{ op: 'set', path: 'a/3', fields: {} }]);
      await expect(tooLarge).rejects.toBeInstanceOf(TypeError);
      await fine;
      expect((await store.query({ collection: 'a' })).map(({ path }) => path)).toEqual(['a/1', 'a/3']);
    });

    it('is flushed by close', async () => {
      const path = freshFile();
      const store = open(path);
      const committed = store.commit([{ op: 'set', path: 'a/1', fields: {} }]);
      await store.close();
      await committed;
      expect(await open(path).get(['a/1'])).toEqual([expect.anything()]);
    });
  });

  describe('versions', () => {
    it('stay when a write changes nothing, as in Firestore', async () => {
      const store = open();
      await store.commit([{ op: 'set', path: 'a/1', fields: { x: 0, m: { a: 1, b: 2 } } }]);
      const before = await store.get(['a/1']);
      await store.commit([{ op: 'set', path: 'a/1', fields: { m: { b: 2, a: 1 }, x: -0 } }]);
      await store.commit([{ op: 'update', path: 'a/1', fields: { x: 0 } }]);
      expect(await store.get(['a/1'])).toEqual(before);
    });

    it('increase strictly, also after the newest document was deleted and the file reopened', async () => {
      const path = freshFile();
      const store = open(path);
      await store.commit([{ op: 'set', path: 'a/1', fields: {} }]);
      const [first] = await store.get(['a/1']);
      await store.commit([{ op: 'delete', path: 'a/1' }]);
      await store.close();
      const again = open(path);
      await again.commit([{ op: 'set', path: 'a/1', fields: {} }]);
      const [second] = await again.get(['a/1']);
      expect(Number(second?.version)).toBeGreaterThan(Number(first?.version));
    });
  });

  it('stores 0 for -0', async () => {
    const store = open();
    await store.commit([{ op: 'set', path: 'a/1', fields: { x: -0 } }]);
    expect((await store.get(['a/1']))[0]?.fields.x).toBe(0);
    expect(await store.query({ collection: 'a', where: [['x', '==', -0]] })).toHaveLength(1);
  });

  it('does not take true for 1 where a cursor and a condition differ in type', async () => {
    const store = open();
    await store.commit([{ op: 'set', path: 'a/zero', fields: { x: 0 } }]);
    const query: Query = { collection: 'a', where: [['x', '>=', 0]], orderBy: [['x', 'asc']] };
    expect(await store.query({ ...query, startAfter: [true] })).toHaveLength(1);
  });

  describe('the file', () => {
    it('is for its owner only, and so is the log', () => {
      const path = freshFile();
      open(path);
      for (const file of [path, `${path}-wal`, `${path}-shm`])
        expect(statSync(file).mode & 0o777).toBe(0o600);
    });

    it('syncs every commit to the disk', () => {
      const database = openDatabase(freshFile());
      expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
      expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
      database.close();
    });

    it('is refused when it is no database', () => {
      const path = freshFile();
      writeFileSync(path, 'This is no database, whatever its name says. '.repeat(100));
      expectUnavailable(() => openSqliteStore({ path }), /not a database/);
    });

    it('is refused when it belongs to another program, and is left as it was', () => {
      const path = freshFile();
      const other = new DatabaseSync(path);
      other.exec('CREATE TABLE theirs (x)');
      other.close();
      expectUnavailable(() => openSqliteStore({ path }), /another program/);
      const again = new DatabaseSync(path);
      expect(again.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'delete' });
      again.close();
    });

    it('is refused when a newer or an unknown older release wrote it', async () => {
      for (const [version, sentence] of [
        [99, /newer release/],
        [0, /no longer reads/],
      ] as const) {
        const path = freshFile();
        await openSqliteStore({ path }).close();
        const other = new DatabaseSync(path);
        other.exec(`PRAGMA user_version = ${version}`);
        other.close();
        expectUnavailable(() => openSqliteStore({ path }), sentence);
      }
    });

    it('is refused when its folder does not exist', () => {
      expectUnavailable(() => openSqliteStore({ path: join(folder, 'none', 'store.db') }), /folder exists/);
      expect(existsSync(join(folder, 'none'))).toBe(false);
    });

    it('is reported when it turns out to be damaged', async () => {
      const path = freshFile();
      const store = openSqliteStore({ path });
      const writes = Array.from({ length: 400 }, (_, n) => n);
      await store.commit(writes.map((n) => ({ op: 'set', path: `a/${n}`, fields: { x: 'x'.repeat(500) } })));
      await store.close();
      // Far past the pages that hold the schema and begin the indexes, which are read when the file is opened.
      const { size } = statSync(path);
      const from = Math.ceil(size / 2 / 4096) * 4096;
      const length = size - from;
      const file = openSync(path, 'r+');
      writeSync(file, Buffer.alloc(length, 0x5a), 0, length, from);
      closeSync(file);
      const damaged = open(path);
      await expect(damaged.query({ collection: 'a' })).rejects.toMatchObject({
        code: 'store_unavailable',
        message: expect.stringMatching(/damaged/),
        cause: expect.any(Error),
      });
    });

    it('is refused when it is a folder', () => {
      expectUnavailable(() => openSqliteStore({ path: folder }), /cannot be opened/);
    });

    it('gets the indexes that an older release did not make, and answers from them', async () => {
      const path = freshFile();
      const older = openSqliteStore({ path });
      const session = 'licenses/a/sessions/x';
      await older.commit([{ op: 'set', path: session, fields: { shard: 3, lease_expires_at: 0 } }]);
      await older.close();
      const database = new DatabaseSync(path);
      const names = database.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL",
      );
      const made = names.all();
      expect(made.length).toBeGreaterThan(2);
      for (const { name } of made) database.exec(`DROP INDEX "${name}"`);
      database.exec('CREATE INDEX "by lease_expires_at" ON documents (collection, id)');
      database.close();
      const store = open(path);
      const found = await store.query({
        group: 'sessions',
        where: [
          ['shard', '==', 3],
          ['lease_expires_at', '<', 1],
        ],
      });
      expect(found.map((each) => each.path)).toEqual([session]);
      await store.close();
      const again = new DatabaseSync(path);
      expect(
        again.prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL").all(),
      ).toEqual(made);
      again.close();
    });

    it('is reported when it cannot grow, and can be used again', async () => {
      const database = openDatabase(freshFile());
      database.exec('PRAGMA max_page_count = 20');
      const commits = createGroupCommit(database);
      const tooMuch = 'x'.repeat(100_000);
      const full = { code: 'store_unavailable', message: expect.stringMatching(/full/) };
      await expect(commits.add([{ op: 'set', path: 'a/1', fields: { tooMuch } }])).rejects.toMatchObject(
        full,
      );
      await commits.add([{ op: 'set', path: 'a/2', fields: {} }]);
      expect(database.prepare('SELECT id FROM documents').all()).toEqual([{ id: '2' }]);
      database.close();
    });
  });

  it('rejects everything once it is closed', async () => {
    const store = open();
    await store.close();
    await store.close();
    const closed = { code: 'store_unavailable', message: 'The store was closed.' };
    await expect(store.get(['a/1'])).rejects.toMatchObject(closed);
    await expect(store.get(['a/1', 'a/2'])).rejects.toMatchObject(closed);
    await expect(store.query({ collection: 'a' })).rejects.toMatchObject(closed);
    await expect(store.aggregate({ collection: 'a' })).rejects.toMatchObject(closed);
    await expect(store.commit([{ op: 'delete', path: 'a/1' }])).rejects.toMatchObject(closed);
  });

  describe('two processes', () => {
    it('create one file together and lose no increment', async () => {
      const path = freshFile();
      const writer = fileURLToPath(new URL('../support/sqlite-writer.ts', import.meta.url));
      const increments = [1, 2, 3].map(() => {
        return promisify(execFile)(process.execPath, [writer, 'increments', path, '200']);
      });
      await Promise.all(increments);
      expect((await open(path).get(['counters/shared']))[0]?.fields).toEqual({ total: 600 });
    });

    it('wait two seconds for a lock and then give up, to go on once it is free', async () => {
      const path = freshFile();
      const store = open(path);
      const other = new DatabaseSync(path);
      other.exec('BEGIN IMMEDIATE');
      const started = performance.now();
      const commits = [1, 2].map((id) => store.commit([{ op: 'set', path: `a/${id}`, fields: {} }]));
      for (const commit of await Promise.allSettled(commits)) {
        expect(commit).toMatchObject({ reason: { code: 'store_unavailable', retryAfterSeconds: 1 } });
      }
      expect(performance.now() - started).toBeGreaterThan(1_500);
      expect(await store.get(['a/1'])).toEqual([undefined]);
      other.exec('ROLLBACK');
      other.close();
      await store.commit([{ op: 'set', path: 'a/1', fields: {} }]);
    });

    it('see each other', async () => {
      const path = freshFile();
      const [one, two] = [open(path), open(path)];
      await one.commit([{ op: 'set', path: 'a/1', fields: { by: 'one' }, demand: 'absent' }]);
      expect((await two.get(['a/1']))[0]?.fields).toEqual({ by: 'one' });
      const late = two.commit([{ op: 'set', path: 'a/1', fields: { by: 'two' }, demand: 'absent' }]);
      await expect(late).rejects.toBeInstanceOf(ConflictError);
    });
  });
});

function expectUnavailable(open: () => unknown, sentence: RegExp): void {
  let error: unknown;
  try {
    open();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(CountersignError);
  expect(error).toMatchObject({ code: 'store_unavailable', message: expect.stringMatching(sentence) });
}
