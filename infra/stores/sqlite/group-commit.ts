/**
 * Group commit: what arrives in one turn of the event loop shares one transaction, and so one fsync. A demand
 * that does not hold refuses its own commit alone.
 *
 * A flush is synchronous from BEGIN to COMMIT. Nothing else of this process runs meanwhile, so a read sees
 * durable documents only, and a promise resolves only after its COMMIT has returned.
 */

import type { DatabaseSync } from 'node:sqlite';
import type { Demand, Fields, Write } from '../../../shared/ports/document-store.ts';
import { CommitInterruptedError, ConflictError, documentId } from '../../../shared/ports/document-store.ts';
import { checkDocumentSize } from '../validate.ts';
import { decode, encode } from './encoding.ts';
import { storeFailure } from './failures.ts';
import { transaction } from './transaction.ts';

/** A write of its own, so that a caller who changes its objects later changes nothing here. */
interface EncodedWrite {
  readonly op: Write['op'];
  readonly path: string;
  readonly collection: string;
  readonly id: string;
  /** The whole document of a set. */
  readonly text: string;
  /** The fields of an update. */
  readonly patch: Fields;
  readonly demand: Demand | undefined;
}

interface Pending {
  readonly writes: readonly EncodedWrite[];
  readonly resolve: (versions: Versions) => void;
  readonly reject: (error: unknown) => void;
}

/** The version of each document after its write; undefined for a deleted one. */
type Versions = readonly (string | undefined)[];

/** What one write does. A write that changes nothing has no `apply`. */
interface Effect {
  readonly apply?: (version: number) => void;
  /** Of a document that stays as it is; a changed one gets the commit's. */
  readonly kept?: number;
  readonly deletes?: true;
}

/** Why one commit of a group must not happen. */
type Refusal = ConflictError | TypeError;

interface Stored {
  readonly fields: string;
  readonly version: number;
}

export interface GroupCommit {
  /** The writes were checked. Resolves once they are durable. */
  add(writes: readonly Write[]): Promise<Versions>;
  /** Commits what is waiting, now. */
  flush(): void;
}

export function createGroupCommit(database: DatabaseSync): GroupCommit {
  const find = database.prepare('SELECT fields, version FROM documents WHERE collection = ? AND id = ?');
  const remove = database.prepare('DELETE FROM documents WHERE collection = ? AND id = ?');
  const store = database.prepare(
    'INSERT INTO documents (collection, id, fields, version) VALUES (?, ?, ?, ?)' +
      ' ON CONFLICT (collection, id) DO UPDATE SET fields = excluded.fields, version = excluded.version',
  );
  const readVersion = database.prepare('SELECT last_version FROM counters');
  const writeVersion = database.prepare('UPDATE counters SET last_version = ?');
  let waiting: Pending[] = [];

  function add(writes: readonly Write[]): Promise<Versions> {
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
        const outcome = outcomes[index];
        if (outcome instanceof Error || outcome === undefined) reject(outcome);
        else resolve(outcome);
      }
    } catch (cause) {
      const error = cause instanceof CommitInterruptedError ? cause : storeFailure(cause);
      for (const { reject } of group) reject(error);
    }
  }

  /** One transaction: for each commit, its versions or why it was refused. Throws if the whole group failed. */
  function commitGroup(group: readonly Pending[]): (Versions | Refusal)[] {
    return transaction(database, 'BEGIN IMMEDIATE', () => {
      const first = Number(readVersion.get()?.last_version);
      let last = first;
      const outcomes = group.map(({ writes }) => {
        const effects = prepareEffects(writes);
        if (effects instanceof Error) return effects;
        if (effects.some(({ apply }) => apply !== undefined)) last += 1;
        for (const { apply } of effects) apply?.(last);
        return effects.map(({ deletes, kept }) => (deletes ? undefined : String(kept ?? last)));
      });
      if (last !== first) writeVersion.run(last);
      return outcomes;
    });
  }

  /**
   * What a commit is going to change, or why it must not. Nothing is written before every demand was compared,
   * so a refused commit needs no undoing; no two writes of a commit are to one document.
   */
  function prepareEffects(writes: readonly EncodedWrite[]): Effect[] | Refusal {
    try {
      return writes.map(effectOf);
    } catch (error) {
      if (error instanceof ConflictError || error instanceof TypeError) return error;
      throw error;
    }
  }

  function effectOf(write: EncodedWrite): Effect {
    const { collection, id } = write;
    const stored = find.get(collection, id) as Stored | undefined;
    if (!holds(write.demand, stored)) throw new ConflictError(write.path);
    if (write.op === 'delete') {
      return stored ? { apply: () => void remove.run(collection, id), deletes: true } : { deletes: true };
    }
    const text = write.op === 'set' ? write.text : merge(write, stored);
    // As Firestore keeps updateTime: code that relies on a version bump must fail here too.
    if (text === stored?.fields) return { kept: stored.version };
    return { apply: (version) => void store.run(collection, id, text, version) };
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
    text: write.op === 'set' ? encode(write.fields) : '',
    patch: write.op === 'update' ? copyOf(write.fields) : {},
    demand: write.demand ?? (write.op === 'update' ? 'present' : undefined),
  };
}

function holds(demand: Demand | undefined, stored: Stored | undefined): boolean {
  if (demand === undefined) return true;
  if (demand === 'absent') return stored === undefined;
  if (demand === 'present') return stored !== undefined;
  return stored !== undefined && String(stored.version) === demand.version;
}

function copyOf(fields: Fields): Fields {
  const isFlat = Object.values(fields).every((value) => typeof value !== 'object' || value === null);
  return isFlat ? { ...fields } : decode(encode(fields));
}

/** A document whose text is this short takes far less than the limit, however its values are counted. */
const SURELY_SMALL_CHARACTERS = 100_000;

function merge({ path, patch }: EncodedWrite, stored: Stored | undefined): string {
  const fields: Fields = { ...(stored === undefined ? {} : decode(stored.fields)), ...patch };
  const text = encode(fields);
  if (text.length > SURELY_SMALL_CHARACTERS) checkDocumentSize(path, fields);
  return text;
}
