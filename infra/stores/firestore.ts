/**
 * The document store on Google Cloud Firestore (native mode).
 *
 * @example
 * const store = openFirestoreStore({ project: 'acme-licences', database: '(default)' });
 * await store.commit([{ op: 'set', path: 'customers/acme', fields: { name: 'Acme' }, demand: 'absent' }]);
 * await store.close();
 *
 * Every read and every commit is one call, except an aggregate with sums: a call for the count and one for each sum,
 * side by side. Reads are asked again a bounded number of times, commits never.
 */

import type {
  AggregateResult,
  Aggregates,
  DocumentPath,
  DocumentStore,
  Query,
  Snapshot,
  Write,
} from '../../shared/ports/document-store.ts';
import { createFirestoreClient, FirestoreCallError, type FirestoreClient } from './firestore/client.ts';
import { commitFailure } from './firestore/failures.ts';
import { createNames, type Names } from './firestore/names.ts';
import { AGGREGATE, encodeAggregate, encodeQuery } from './firestore/queries.ts';
import { withRetries } from './firestore/retries.ts';
import { DamagedDocumentError, decodeDocument, decodeValue } from './firestore/values.ts';
import type { BatchGetResponse, RunAggregationQueryRequest } from './firestore/wire.ts';
import { decodeVersions, encodeWrite } from './firestore/writes.ts';
import { checkAggregates, checkDocumentPath, checkQuery, checkWrites } from './validate.ts';

/**
 * For one commit, or for all attempts of a read. Firestore answers within some tens of milliseconds, and within a few
 * hundred after a cold start; a client that waits for a lease has given up after this long.
 */
const DEFAULT_DEADLINE_MS = 5_000;

export interface FirestoreStoreOptions {
  /** The project's id, not its number: Firestore's answers name it so. */
  readonly project: string;
  readonly database: string;
  /** `host:port` of a local server, spoken to without credentials and without TLS. */
  readonly endpoint?: string;
  /** Milliseconds for one commit, or for all attempts of a read; default 5,000. */
  readonly deadlineMs?: number;
}

export interface FirestoreStore extends DocumentStore {
  /** Later calls reject with `store_unavailable`. */
  close(): Promise<void>;
}

/** Loads and dials nothing; the first call does. */
export function openFirestoreStore(options: FirestoreStoreOptions): FirestoreStore {
  const { project, database, endpoint, deadlineMs = DEFAULT_DEADLINE_MS } = options;
  const names = createNames(project, database);
  const client = createFirestoreClient({ database: names.database, endpoint });

  return {
    async get(paths) {
      for (const path of paths) checkDocumentPath(path);
      if (paths.length === 0) return [];
      const documents = [...new Set(paths)].map(names.nameOf);
      return withRetries(deadlineMs, async (deadlineAt) => {
        const answers = await client.batchGetDocuments({ database: names.database, documents }, deadlineAt);
        return inOrder(paths, answers, names);
      });
    },

    async query(query: Query) {
      const request = encodeQuery(checkQuery(query), names);
      return withRetries(deadlineMs, async (deadlineAt) => {
        const answers = await client.runQuery(request, deadlineAt);
        return answers.flatMap(({ document }) => (document === null ? [] : decodeDocument(document, names)));
      });
    },

    async aggregate(query: Query, aggregates: Aggregates = {}): Promise<AggregateResult> {
      const fields = checkAggregates(aggregates);
      const checked = checkQuery(query);
      const number = (sum?: string): Promise<number> => {
        const request = encodeAggregate(checked, sum, names);
        return withRetries(deadlineMs, (deadlineAt) => aggregated(client, request, deadlineAt));
      };
      const [count, ...sums] = await Promise.all([number(), ...fields.map(number)]);
      return { count, sums: Object.fromEntries(fields.map((field, index) => [field, sums[index] ?? 0])) };
    },

    async commit(writes: readonly Write[]) {
      checkWrites(writes);
      if (writes.length === 0) return [];
      const request = { database: names.database, writes: writes.map((write) => encodeWrite(write, names)) };
      const response = await client.commit(request, Date.now() + deadlineMs).catch((error: unknown) => {
        throw commitFailure(error, writes, names);
      });
      return decodeVersions(writes, response);
    },

    close: () => client.close(),
  };
}

/** Firestore answers in any order, each document once. */
function inOrder(
  paths: readonly DocumentPath[],
  answers: readonly BatchGetResponse[],
  names: Names,
): (Snapshot | undefined)[] {
  const snapshots = new Map<DocumentPath, Snapshot | undefined>();
  for (const { found, missing, result } of answers) {
    if (result === 'found' && found !== undefined) {
      const snapshot = decodeDocument(found, names);
      snapshots.set(snapshot.path, snapshot);
    } else if (missing !== undefined) snapshots.set(names.pathOf(missing), undefined);
  }
  return paths.map((path) => {
    if (!snapshots.has(path)) throw incomplete('a document asked for was not answered');
    return snapshots.get(path);
  });
}

async function aggregated(
  client: FirestoreClient,
  request: RunAggregationQueryRequest,
  deadlineAt: number,
): Promise<number> {
  const answers = await client.runAggregationQuery(request, deadlineAt);
  const value = answers.findLast(({ result }) => result !== null)?.result?.aggregateFields[AGGREGATE];
  if (value === undefined) throw incomplete('the aggregate was not answered');
  const number = decodeValue(value);
  if (typeof number !== 'number') throw new DamagedDocumentError('an aggregate is no number');
  return number;
}

/** An answer that lacks what was asked for is asked for again. */
function incomplete(message: string): FirestoreCallError {
  return new FirestoreCallError('UNKNOWN', message, { sent: true });
}
