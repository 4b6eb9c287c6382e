/**
 * A second process on a SQLite store.
 *
 *   sqlite-writer.ts pairs FILE ROUND     commits pairs of documents for ever, and prints each acknowledged id
 *   sqlite-writer.ts increments FILE N    adds 1 to counters/shared N times
 */

import { openSqliteStore } from '../../infra/stores/sqlite.ts';
import { CountersignError } from '../../shared/errors.ts';
import type { DocumentStore } from '../../shared/ports/document-store.ts';
import { ConflictError } from '../../shared/ports/document-store.ts';

const LANES = 4;

/** Adds 1 by reading and committing with the version that was read, again after each conflict. */
async function increment(store: DocumentStore, path: string): Promise<void> {
  for (;;) {
    const [counter] = await store.get([path]);
    const total = Number(counter?.fields.total ?? 0) + 1;
    const demand = counter === undefined ? ('absent' as const) : { version: counter.version };
    try {
      await store.commit([{ op: 'set', path, fields: { total }, demand }]);
      return;
    } catch (error) {
      if (!(error instanceof ConflictError || isBusy(error))) throw error;
    }
  }
}

/** Another process has kept the file too long, as on a busy machine. Nothing was written. */
function isBusy(error: unknown): boolean {
  return error instanceof CountersignError && error.code === 'store_unavailable';
}

/** The lane counts its pairs: after any crash the count and the documents must agree. */
async function writePairs(store: DocumentStore, lane: string): Promise<never> {
  for (let pairs = 1; ; pairs += 1) {
    const id = `${lane}-${pairs}`;
    await store.commit([
      { op: 'set', path: `left/${id}`, fields: { lane, padding: 'x'.repeat(300) }, demand: 'absent' },
      { op: 'set', path: `lanes/${lane}`, fields: { pairs } },
      { op: 'set', path: `right/${id}`, fields: { lane }, demand: 'absent' },
    ]);
    process.stdout.write(`${id}\n`);
  }
}

const [mode, path = '', argument = ''] = process.argv.slice(2);
const store = openSqliteStore({ path });
if (mode === 'pairs') {
  await Promise.all(Array.from({ length: LANES }, (_, lane) => writePairs(store, `${argument}-${lane}`)));
}
for (let done = 0; done < Number(argument); done += 1) await increment(store, 'counters/shared');
await store.close();
