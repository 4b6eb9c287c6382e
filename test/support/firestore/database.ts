/** The state of one server, and at which instant a request sees it. */

import { createDocuments } from './documents.ts';
import { invalid, StatusError } from './status.ts';
import { createServerClock, microsOf } from './time.ts';
import { createTransactions, type Observation } from './transactions.ts';
import type { Consistency, Timestamp, TransactionOptions } from './wire.ts';

/** A read that has its instant. */
export interface Read {
  readonly readMicros: number;
  /** The transaction that the read has opened. */
  readonly opened: Buffer | undefined;
  /** The transaction, if any, notes what it sees; `observe` looks again. */
  note(observe: Observation): void;
}

export type Database = ReturnType<typeof createDatabase>;

/** What a read opens that only says that it wants a transaction. */
const READ_ONLY: TransactionOptions = { mode: 'readOnly' };

export function createDatabase(nowMs: () => number) {
  const documents = createDocuments();
  const transactions = createTransactions(nowMs);
  const clock = createServerClock(nowMs);
  let lastCommitMicros = 0;

  function begin(options: TransactionOptions | null): Buffer {
    return transactions.begin(options, microsOfRead(options?.readOnly?.readTime) ?? clock.readMicros());
  }

  function instantOf(transaction: Buffer | undefined, readTime: Timestamp | undefined): number {
    if (transaction === undefined) return microsOfRead(readTime) ?? clock.readMicros();
    const { readOnly, readMicros } = transactions.find(transaction);
    return readOnly ? readMicros : clock.readMicros();
  }

  return {
    documents,
    transactions,
    clock,
    begin,

    startRead({ newTransaction, transaction, readTime }: Consistency): Read {
      const opened = newTransaction && begin(newTransaction.mode ? newTransaction : READ_ONLY);
      const current = opened ?? (transaction?.length ? transaction : undefined);
      const readMicros = instantOf(current, readTime);
      if (readMicros < lastCommitMicros) {
        throw new StatusError('UNIMPLEMENTED', 'This server keeps no history, and the read is in the past.');
      }
      return {
        readMicros,
        opened,
        note: (observe) => current && transactions.observe(current, observe),
      };
    },

    noteCommit(commitMicros: number): void {
      lastCommitMicros = commitMicros;
    },

    clear(): void {
      documents.clear();
      transactions.clear();
    },
  };
}

function microsOfRead(time: Timestamp | undefined): number | undefined {
  if (!time) return undefined;
  const micros = microsOf(time);
  if (micros === undefined) throw invalid('read_time is not a whole microsecond.');
  return micros;
}
