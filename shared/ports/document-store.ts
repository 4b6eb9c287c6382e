/**
 * A small document model: Firestore's, without its API. Adapters live in `infra/stores/`; the contract that
 * every adapter passes is `test/contract/document-store.ts`.
 *
 * There are no interactive transactions: read, decide, commit with demands, and on a conflict read again.
 */

/** A document path: an even number of `/`-separated segments, e.g. `licenses/ab12/sessions/cd34`. */
export type DocumentPath = string;

/** A collection path: an odd number of segments, e.g. `licenses/ab12/sessions`. */
export type CollectionPath = string;

/** What a field may hold. Numbers are finite; times are whole milliseconds since the epoch. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [field: string]: Value };

export type Fields = { readonly [field: string]: Value };

export interface Snapshot {
  readonly path: DocumentPath;
  readonly fields: Fields;
  /** Opaque; equal versions mean an unchanged document. A write that changes nothing may keep it. */
  readonly version: string;
}

/** What must hold of the stored document for the whole commit to happen. */
export type Demand = 'absent' | 'present' | { readonly version: string };

export type Write =
  /** Stores the document with exactly these fields, replacing what was there. */
  | { readonly op: 'set'; readonly path: DocumentPath; readonly fields: Fields; readonly demand?: Demand }
  /** Replaces the named top-level fields and keeps the others. Demands `present` unless it names a version. */
  | {
      readonly op: 'update';
      readonly path: DocumentPath;
      readonly fields: Fields;
      readonly demand?: Exclude<Demand, 'absent'>;
    }
  /** Deletes the document; deleting an absent one without a demand changes nothing. */
  | { readonly op: 'delete'; readonly path: DocumentPath; readonly demand?: Exclude<Demand, 'absent'> };

/** Stands for a document's id in `where`, `orderBy` and cursors. */
export const DOCUMENT_ID = '__name__';

export type Comparison = '==' | '<' | '<=' | '>' | '>=' | 'in' | 'array-contains';

export interface Query {
  readonly collection: CollectionPath;
  readonly where?: readonly (readonly [field: string, comparison: Comparison, value: Value])[];
  /**
   * Order of the answer. A document without an ordered field is left out. Ties are broken by document id,
   * in the direction of the last entry (ascending when there is none).
   * Values order by type first: null, booleans, numbers, strings (by UTF-8 bytes).
   */
  readonly orderBy?: readonly (readonly [field: string, direction: 'asc' | 'desc'])[];
  /** At most this many snapshots; a positive integer. */
  readonly limit?: number;
  /** Values of the `orderBy` fields, and then the id, of the last snapshot already seen. */
  readonly startAfter?: readonly Value[];
}

export interface Aggregates {
  /** Sums of numeric fields by name; values that are no numbers count as zero. */
  readonly sum?: readonly string[];
}

export interface AggregateResult {
  readonly count: number;
  readonly sums: Readonly<Record<string, number>>;
}

/**
 * Every method rejects with `store_unavailable` (a `CountersignError`) when the store cannot answer.
 * `commit` is all or nothing; it rejects with `ConflictError` when a demand does not hold, and then nothing
 * was written. After any other rejection the writes may or may not have happened.
 */
export interface DocumentStore {
  /** Reads documents at one instant, in one round trip; `undefined` for an absent one. */
  get(paths: readonly DocumentPath[]): Promise<(Snapshot | undefined)[]>;
  query(query: Query): Promise<Snapshot[]>;
  /** Counts (and sums) what `query` matches; `orderBy`, `limit` and `startAfter` are ignored. */
  aggregate(query: Query, aggregates?: Aggregates): Promise<AggregateResult>;
  /** Acknowledged means durable: it survives `kill -9` of this process and a power cut. */
  commit(writes: readonly Write[]): Promise<void>;
}

/** A demand did not hold. `path` is the document, where the store can tell. */
export class ConflictError extends Error {
  readonly path: DocumentPath | undefined;

  constructor(path: DocumentPath | undefined, options?: { cause?: unknown }) {
    super(path === undefined ? 'a document changed' : `the document at ${path} changed`, options);
    this.name = 'ConflictError';
    this.path = path;
  }
}

/** The id: the last segment of a path. */
export function documentId(path: DocumentPath): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
