/**
 * Transactions, optimistically: a read-write transaction remembers what it read, and its commit is ABORTED when
 * reading again would give something else. The real server may hold locks instead, with the same outcome.
 *
 * No history is kept, so a read at a time in the past is answered only while nothing has changed since then.
 */

import { randomBytes } from 'node:crypto';
import { invalid, StatusError } from './status.ts';
import type { TransactionOptions } from './wire.ts';

const MAX_AGE_MS = 270_000;
const MAX_IDLE_MS = 60_000;

/** Reads again, and describes what it sees: equal texts mean that nothing changed. */
export type Observation = () => string;

export interface Transaction {
  readonly readOnly: boolean;
  /** A read-only transaction sees the database as it was then. */
  readonly readMicros: number;
}

interface OpenTransaction extends Transaction {
  readonly startedAt: number;
  usedAt: number;
  readonly observed: { readonly observe: Observation; readonly seen: string }[];
}

export function createTransactions(nowMs: () => number) {
  const open = new Map<string, OpenTransaction>();

  function find(id: Buffer): OpenTransaction {
    const transaction = open.get(id.toString('hex'));
    const now = nowMs();
    if (
      transaction === undefined ||
      now - transaction.startedAt > MAX_AGE_MS ||
      now - transaction.usedAt > MAX_IDLE_MS
    ) {
      throw invalid('The referenced transaction has expired or is no longer valid.');
    }
    transaction.usedAt = now;
    return transaction;
  }

  return {
    begin(options: TransactionOptions | null, readMicros: number): Buffer {
      const id = randomBytes(16);
      const now = nowMs();
      const readOnly = options?.mode === 'readOnly';
      open.set(id.toString('hex'), { readOnly, readMicros, startedAt: now, usedAt: now, observed: [] });
      return id;
    },

    find: (id: Buffer): Transaction => find(id),

    /** Notes what a read of this transaction sees. */
    observe(id: Buffer, observe: Observation): void {
      const transaction = find(id);
      if (!transaction.readOnly) transaction.observed.push({ observe, seen: observe() });
    },

    /** Ends the transaction; @throws StatusError ABORTED when it read what has changed since. */
    commit(id: Buffer, hasWrites: boolean): void {
      const transaction = find(id);
      if (transaction.readOnly && hasWrites) {
        throw invalid('Cannot modify entities in a read-only transaction.');
      }
      open.delete(id.toString('hex'));
      if (transaction.observed.some(({ observe, seen }) => observe() !== seen)) {
        throw new StatusError('ABORTED', 'Too much contention on these documents. Please try again.');
      }
    },

    rollback(id: Buffer): void {
      find(id);
      open.delete(id.toString('hex'));
    },

    clear: () => open.clear(),
  };
}
