/** google.firestore.v1.Firestore without gRPC: methods from a request to one answer, or to a stream of them. */

import { createCommits } from './commits.ts';
import { createDatabase } from './database.ts';
import type { IndexRules } from './index-rules.ts';
import { createListing } from './listing.ts';
import { createReads } from './reads.ts';
import type { Bill } from './stats.ts';
import type { TransactionOptions } from './wire.ts';

interface ServiceParts {
  /** Milliseconds since the epoch, with a fraction. */
  readonly nowMs: () => number;
  readonly indexRules: IndexRules;
  readonly bill: Bill;
}

export type Service = ReturnType<typeof createService>;

export function createService({ nowMs, indexRules, bill }: ServiceParts) {
  const database = createDatabase(nowMs);
  const reads = createReads(database, indexRules, bill);
  const listing = createListing(database, bill);
  const commits = createCommits(database, bill);

  return {
    documents: database.documents,
    clear: database.clear,
    unary: {
      BatchWrite: commits.batchWrite,
      BeginTransaction: ({ options }: { options: TransactionOptions | null }) => ({
        transaction: database.begin(options),
      }),
      Commit: commits.commit,
      GetDocument: reads.getDocument,
      ListCollectionIds: listing.listCollectionIds,
      ListDocuments: listing.listDocuments,
      Rollback({ transaction }: { transaction: Buffer }) {
        database.transactions.rollback(transaction);
        return {};
      },
    },
    streaming: {
      BatchGetDocuments: reads.batchGet,
      RunAggregationQuery: reads.aggregation,
      RunQuery: reads.query,
    },
  };
}
