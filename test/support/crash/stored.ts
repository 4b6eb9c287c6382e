/** What the store holds: sessions, seats and usage intervals of every licence. */
import { openSqliteStore } from '../../../infra/stores/sqlite.ts';
import { type DocumentStore, documentId } from '../../../shared/ports/document-store.ts';
import { seatsPath, sessionsPath } from '../../../shared/records/paths.ts';
import { type SessionRecord, sessionRecord } from '../../../shared/records/session.ts';
import { type UsageRecord, usageRecord } from '../../../shared/records/usage.ts';
import type { CrashLicense } from './site.ts';

export interface StoredLicense {
  readonly license: CrashLicense;
  /** By the hash of the machine. */
  readonly sessions: ReadonlyMap<string, SessionRecord>;
  /** Who holds each taken seat, by its number. */
  readonly seats: ReadonlyMap<number, string>;
}

export interface Stored {
  readonly licenses: readonly StoredLicense[];
  /** By `sessionKey`. */
  readonly usage: ReadonlyMap<string, UsageRecord>;
}

/** Opened anew for each look: a connection that stays would spare the server its recovery after a kill. */
export async function readStored(path: string, licenses: readonly CrashLicense[]): Promise<Stored> {
  const store = openSqliteStore({ path });
  try {
    return {
      licenses: await Promise.all(licenses.map((license) => readLicense(store, license))),
      usage: new Map(
        (await store.query({ collection: 'usage' })).map((row) => [
          documentId(row.path),
          usageRecord.parse(row.fields),
        ]),
      ),
    };
  } finally {
    await store.close();
  }
}

async function readLicense(store: DocumentStore, license: CrashLicense): Promise<StoredLicense> {
  const sessions = await store.query({ collection: sessionsPath(license.hash) });
  const seats = await store.query({ collection: seatsPath(license.hash) });
  return {
    license,
    sessions: new Map(sessions.map((row) => [documentId(row.path), sessionRecord.parse(row.fields)])),
    seats: new Map(seats.map((row) => [Number(documentId(row.path)), String(row.fields.hardware)])),
  };
}
