/** The methods that read. Each sees one instant. */

import { aggregate, aggregatedFields, baseQuery } from './aggregation.ts';
import type { Database } from './database.ts';
import type { StoredDocument } from './documents.ts';
import { project } from './field-paths.ts';
import type { IndexRules } from './index-rules.ts';
import { checkDatabase, parseDocumentName } from './names.ts';
import { projectionOf, runQuery } from './queries.ts';
import { checkQuery } from './query-rules.ts';
import type { Bill } from './stats.ts';
import { invalid, StatusError } from './status.ts';
import { timestampOf } from './time.ts';
import type { Aggregation, Consistency, DocumentMessage, Mask, StructuredQuery } from './wire.ts';

/** "Up to 1,000 index entries" of an aggregation cost one read. */
const ENTRIES_PER_READ = 1_000;

interface GetRequest extends Consistency {
  readonly name: string;
  readonly mask: Mask | null;
}

interface BatchGetRequest extends Consistency {
  readonly database: string;
  readonly documents: readonly string[];
  readonly mask: Mask | null;
}

interface QueryRequest extends Consistency {
  readonly parent: string;
  readonly structuredQuery?: StructuredQuery;
}

interface AggregationRequest extends Consistency {
  readonly parent: string;
  readonly structuredAggregationQuery?: {
    readonly structuredQuery?: StructuredQuery;
    readonly aggregations: readonly Aggregation[];
  };
}

export function createReads(database: Database, indexRules: IndexRules, bill: Bill) {
  const { documents } = database;
  const versionOf = (name: string) => `${name}@${documents.get(name)?.updateMicros}`;

  function getDocument({ name, mask, ...consistency }: GetRequest): DocumentMessage {
    parseDocumentName(name);
    database.startRead(consistency).note(() => versionOf(name));
    bill.read(1);
    const document = documents.get(name);
    if (document === undefined) throw new StatusError('NOT_FOUND', `Document "${name}" not found.`);
    return documentMessage(document, mask?.fieldPaths);
  }

  function batchGet(request: BatchGetRequest): object[] {
    const names = [...new Set(request.documents)];
    for (const name of names) checkDatabase(request.database, parseDocumentName(name));
    const { readMicros, opened, note } = database.startRead(request);
    note(() => names.map(versionOf).join());
    bill.read(names.length);
    const readTime = timestampOf(readMicros);
    const answers = names.map((name) => {
      const document = documents.get(name);
      return document === undefined
        ? { missing: name, readTime }
        : { found: documentMessage(document, request.mask?.fieldPaths), readTime };
    });
    return opened === undefined ? answers : [{ transaction: opened, readTime }, ...answers];
  }

  function query({ parent, structuredQuery = refuseQuery(), ...consistency }: QueryRequest): object[] {
    checkQuery(structuredQuery);
    indexRules.check(structuredQuery, []);
    const { readMicros, opened, note } = database.startRead(consistency);
    const run = () => runQuery(documents, parent, structuredQuery);
    note(() =>
      run()
        .documents.map(({ name }) => versionOf(name))
        .join(),
    );
    const { documents: found, skipped } = run();
    bill.read(Math.max(1, found.length + skipped));
    const readTime = timestampOf(readMicros);
    const projection = projectionOf(structuredQuery);
    const answers: object[] = found.map((document) => ({
      document: documentMessage(document, projection),
      readTime,
    }));
    // Without a document there is still an answer, for its time.
    if (skipped > 0 || answers.length === 0) answers.unshift({ skippedResults: skipped, readTime });
    return opened === undefined ? answers : [{ transaction: opened }, ...answers];
  }

  function aggregation({ parent, structuredAggregationQuery, ...consistency }: AggregationRequest): object[] {
    const { structuredQuery = refuseQuery(), aggregations = [] } = structuredAggregationQuery ?? {};
    const base = baseQuery(structuredQuery, aggregations);
    checkQuery(base);
    indexRules.check(base, aggregatedFields(aggregations));
    const { readMicros, opened, note } = database.startRead(consistency);
    const run = () => aggregate(runQuery(documents, parent, base).documents, aggregations);
    note(() => JSON.stringify(run().fields));
    const { fields, entries } = run();
    bill.read(Math.max(1, Math.ceil(entries / ENTRIES_PER_READ)));
    const readTime = timestampOf(readMicros);
    const answer = { result: { aggregateFields: fields }, readTime };
    return opened === undefined ? [answer] : [{ transaction: opened, readTime }, answer];
  }

  return { getDocument, batchGet, query, aggregation };
}

function refuseQuery(): never {
  throw invalid('The request has no structured query.');
}

export function documentMessage(
  document: StoredDocument,
  paths: readonly string[] | undefined,
): DocumentMessage {
  const { name, fields, createMicros, updateMicros } = document;
  return {
    name,
    fields: paths === undefined ? fields : project(fields, paths),
    createTime: timestampOf(createMicros),
    updateTime: timestampOf(updateMicros),
  };
}
