/**
 * Group commit: what arrives in one turn of the event loop shares one transaction, and so one fsync. Each
 * commit has its own savepoint; a demand that does not hold undoes and rejects that commit alone.
 *
 * A flush is synchronous from BEGIN to COMMIT. Nothing else of this process runs meanwhile, so a read sees
 * durable documents only, and a promise resolves only after its COMMIT has returned.
 */

import type { DatabaseSync } from 'node:sqlite';
import type { Demand, Fields, Write } from '../../../shared/ports/document-store.ts';
import { ConflictError, documentId } from '../../../shared/ports/document-store.ts';
import { checkDocumentSize } from '../validate.ts';
import { decode, encode } from './encoding.ts';
import { storeFailure } from './failures.ts';
import { transaction } from './transaction.ts';

/** A write as text, so that a caller who changes its objects later changes nothing here. */
interface EncodedWrite {
  readonly op: Write['op'];
  readonly path: string;
  readonly collection: string;
  readonly id: string;
  /** Absent for a delete. */
  readonly text: string;
  readonly demand: Demand | undefined;
}

interface Pending {
  readonly writes: readonly EncodedWrite[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Stored {
  readonly fields: string;
  readonly version: number;
}

export interface GroupCommit {
  /** The writes were checked. Resolves once they are durable. */
  add(writes: readonly Write[]): Promise<void>;
  /** Commits what is waiting, now. */
  flush(): void;
}

export function createGroupCommit(database: DatabaseSync): GroupCommit {
  const savepoint = database.prepare('SAVEPOINT one');
  const release = database.prepare('RELEASE one');
  const undo = database.prepare('ROLLBACK TO one');
  const find = database.prepare('SELECT fields, version FROM documents WHERE collection = ? AND id = ?');
  const remove = database.prepare('DELETE FROM documents WHERE collection = ? AND id = ?');
  const store = database.prepare(
    'INSERT INTO documents (collection, id, fields, version) VALUES (?, ?, ?, ?)' +
      ' ON CONFLICT (collection, id) DO UPDATE SET fields = excluded.fields, version = excluded.version',
  );
  const readVersion = database.prepare('SELECT last_version FROM counters');
  const writeVersion = database.prepare('UPDATE counters SET last_version = ?');
  let waiting: Pending[] = [];

  function add(writes: readonly Write[]): Promise<void> {
    const encoded = writes.map(encodeWrite);
    return new Promise((resolve, reject) => {
      // The check phase comes after all I/O callbacks of this turn: concurrent requests end up together.
      if (waiting.length === 0) setImmediate(flush);
      waiting.push({ writes: encoded, resolve, reject });
    });
  }

  function flush(): void {
    if (waiting.length === 0) return;
    const group = waiting;
    waiting = [];
    try {
      const outcomes = commitGroup(group);
      for (const [index, { resolve, reject }] of group.entries()) {
        if (outcomes[index] === undefined) resolve();
        else reject(outcomes[index]);
      }
    } catch (cause) {
      const error = storeFailure(cause);
      for (const { reject } of group) reject(error);
    }
  }

  /** One transaction: for each commit, why it was undone, or nothing. Throws if the whole group failed. */
  function commitGroup(group: readonly Pending[]): unknown[] {
    return transaction(database, 'BEGIN IMMEDIATE', () => {
      const first = Number(readVersion.get()?.last_version);
      let last = first;
      const outcomes = group.map(({ writes }) => {
        try {
          if (applyTogether(writes, last + 1)) last += 1;
          return undefined;
        } catch (error) {
          if (!database.isTransaction) throw error;
          return error instanceof ConflictError || error instanceof TypeError ? error : storeFailure(error);
        }
      });
      if (last !== first) writeVersion.run(last);
      return outcomes;
    });
  }

  /** All of the writes or none. Tells whether any document changed. */
  function applyTogether(writes: readonly EncodedWrite[], version: number): boolean {
    savepoint.run();
    try {
      let changed = false;
      for (const write of writes) if (apply(write, version)) changed = true;
      release.run();
      return changed;
    } catch (error) {
      if (database.isTransaction) {
        undo.run();
        release.run();
      }
      throw error;
    }
  }

  function apply(write: EncodedWrite, version: number): boolean {
    const stored = find.get(write.collection, write.id) as Stored | undefined;
    if (!holds(write.demand, stored)) throw new ConflictError(write.path);
    if (write.op === 'delete') return remove.run(write.collection, write.id).changes !== 0;
    const text = write.op === 'set' ? write.text : merge(write, stored);
    // As Firestore keeps updateTime: code that relies on a version bump must fail here too.
    if (text === stored?.fields) return false;
    store.run(write.collection, write.id, text, version);
    return true;
  }

  return { add, flush };
}

function encodeWrite(write: Write): EncodedWrite {
  const id = documentId(write.path);
  return {
    op: write.op,
    path: write.path,
    collection: write.path.slice(0, -id.length - 1),
    id,
    text: write.op === 'delete' ? '' : encode(write.fields),
    demand: write.demand ?? (write.op === 'update' ? 'present' : undefined),
  };
}

function holds(demand: Demand | undefined, stored: Stored | undefined): boolean {
  if (demand === undefined) return true;
  if (demand === 'absent') return stored === undefined;
  if (demand === 'present') return stored !== undefined;
  return stored !== undefined && String(stored.version) === demand.version;
}

function merge({ path, text }: EncodedWrite, stored: Stored | undefined): string {
  const fields: Fields = { ...(stored === undefined ? {} : decode(stored.fields)), ...decode(text) };
  checkDocumentSize(path, fields);
  return encode(fields);
}
