/** The methods that write. */

import type { Database } from './database.ts';
import type { Bill } from './stats.ts';
import { invalid, STATUS, StatusError } from './status.ts';
import { timestampOf } from './time.ts';
import type { Write, WriteResult } from './wire.ts';
import { applyWrites, targetOf } from './writes.ts';

const MAX_BATCH_WRITES = 500;

interface CommitRequest {
  readonly database: string;
  readonly writes: readonly Write[];
  /** proto3 bytes: absent and empty are the same. */
  readonly transaction: Buffer;
}

type BatchWriteRequest = Omit<CommitRequest, 'transaction'>;

export function createCommits(database: Database, bill: Bill) {
  const { clock, documents, transactions } = database;

  function apply(databaseName: string, writes: readonly Write[]) {
    const commitMicros = clock.commitMicros();
    const writeResults = applyWrites(documents, databaseName, writes, commitMicros);
    if (writes.length > 0) database.noteCommit(commitMicros);
    const deletes = writes.filter(({ operation }) => operation === 'delete').length;
    bill.write(writes.length - deletes);
    bill.delete(deletes);
    return { writeResults, commitTime: timestampOf(commitMicros) };
  }

  /** All writes at one time, or none. */
  function commit(request: CommitRequest): object {
    const { writes, transaction } = request;
    if (transaction.length > 0) transactions.commit(transaction, writes.length > 0);
    return apply(request.database, writes);
  }

  /** Each write by itself, at a time of its own. */
  function batchWrite(request: BatchWriteRequest): object {
    const { writes } = request;
    if (writes.length > MAX_BATCH_WRITES) throw invalid(`A batch has at most ${MAX_BATCH_WRITES} writes.`);
    if (new Set(writes.map(targetOf)).size < writes.length) {
      throw invalid('A batch cannot write the same document twice.');
    }
    const outcomes = writes.map((write) => writeAlone(request.database, write));
    return {
      writeResults: outcomes.map(({ result }) => result),
      status: outcomes.map(({ status }) => status),
    };
  }

  function writeAlone(databaseName: string, write: Write) {
    try {
      return { result: apply(databaseName, [write]).writeResults[0], status: { code: 0, message: '' } };
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      const failed: WriteResult = { updateTime: null, transformResults: [] };
      return { result: failed, status: { code: STATUS[error.status], message: error.message } };
    }
  }

  return { commit, batchWrite };
}
