/** The store behind a service under test: SQLite in a temporary folder, or Firestore's test server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openFirestoreStore } from '../../infra/stores/firestore.ts';
import indexes from '../../infra/stores/indexes.json' with { type: 'json' };
import { openSqliteStore } from '../../infra/stores/sqlite.ts';
import type { DocumentStore } from '../../shared/ports/document-store.ts';
import { type FirestoreServer, startFirestoreServer } from './firestore/server.ts';

export interface TestStore {
  readonly store: DocumentStore;
  /** The far side of the wire, where there is one. */
  readonly firestore: FirestoreServer | undefined;
  /** Everything stored, as text: equal texts mean that nothing changed. */
  dump(): string;
  close(): Promise<void>;
}

export type TestStoreKind = 'sqlite' | 'firestore';

export function openTestStore(kind: TestStoreKind): Promise<TestStore> {
  return kind === 'sqlite' ? openOnSqlite() : openOnFirestore();
}

async function openOnSqlite(): Promise<TestStore> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-test-'));
  const path = join(folder, 'store.sqlite');
  const store = openSqliteStore({ path });
  return {
    store,
    firestore: undefined,
    dump: () => dumpSqlite(path),
    close: async () => {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** It refuses every query whose index `indexes.json` does not declare. */
async function openOnFirestore(): Promise<TestStore> {
  const firestore = await startFirestoreServer({ indexes });
  const store = openFirestoreStore({
    project: 'countersign-test',
    database: '(default)',
    endpoint: firestore.host,
  });
  return {
    store,
    firestore,
    dump: () => JSON.stringify(firestore.documents()),
    close: async () => {
      await store.close();
      await firestore.stop();
    },
  };
}

function dumpSqlite(path: string): string {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return JSON.stringify(
      database.prepare('SELECT collection, id, fields, version FROM documents ORDER BY collection, id').all(),
    );
  } finally {
    database.close();
  }
}
