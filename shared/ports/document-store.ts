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

/** Stands for a document's id in `where`, `orderBy` and cursors; in a group query for its path. */
export const DOCUMENT_ID = '__name__';

export type Comparison = '==' | '<' | '<=' | '>' | '>=' | 'in' | 'array-contains';

/** Where a query looks: one collection, or all collections with one id, wherever they are. */
export type QuerySource =
  | { readonly collection: CollectionPath }
  /** The last segment of collection paths: `sessions` stands for those of every licence. */
  | { readonly group: string };

export type Query = QuerySource & QueryOptions;

export interface QueryOptions {
  /**
   * Conditions that must all hold. Inequalities (`<`, `<=`, `>`, `>=`) may be on one field only, and `orderBy` then
   * starts with that field; left out, it is that field, ascending. A group query has none on `DOCUMENT_ID`.
   */
  readonly where?: readonly (readonly [field: string, comparison: Comparison, value: Value])[];
  /**
   * Order of the answer. A document without an ordered field is left out. Ties are broken by document id,
   * in the direction of the last entry (ascending when there is none); in a group query by path, in an order of
   * the store's own.
   * Values order by type first: null, booleans, numbers, strings (by UTF-8 bytes).
   */
  readonly orderBy?: readonly (readonly [field: string, direction: 'asc' | 'desc'])[];
  /** At most this many snapshots; a positive integer. */
  readonly limit?: number;
  /** Values of the `orderBy` fields, and then the id (in a group query the path), of the last snapshot already seen. */
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
 *
 * `commit` is all or nothing. It rejects with `ConflictError` when a demand does not hold, and then nothing was
 * written; except that a store may have been asked twice by the network, and then the conflict can be with the
 * commit's own success. It rejects with `CommitInterruptedError` when the answer did not come: reading again tells
 * whether the writes happened. An adapter never sends a commit again by itself after that.
 */
export interface DocumentStore {
  /** Reads documents at one instant, in one round trip; `undefined` for an absent one. */
  get(paths: readonly DocumentPath[]): Promise<(Snapshot | undefined)[]>;
  query(query: Query): Promise<Snapshot[]>;
  /** Counts (and sums) what `query` matches; `orderBy`, `limit` and `startAfter` are ignored. */
  aggregate(query: Query, aggregates?: Aggregates): Promise<AggregateResult>;
  /**
   * Acknowledged means durable: it survives `kill -9` of this process and a power cut. Answers the version of each
   * document after its write, in the order of the writes; undefined for a deleted one.
   */
  commit(writes: readonly Write[]): Promise<readonly (string | undefined)[]>;
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

/** The answer to a commit did not come, or the store asked to come back later: it happened or it did not. */
export class CommitInterruptedError extends Error {
  constructor(options?: { cause?: unknown }) {
    super('the commit was interrupted', options);
    this.name = 'CommitInterruptedError';
  }
}

/** The id: the last segment of a path. */
export function documentId(path: DocumentPath): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
