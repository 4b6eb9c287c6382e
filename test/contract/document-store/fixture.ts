/**
 * A store under test and the short forms the cases are written in. Tests share one store, which may outlive them, so
 * each works in a collection of its own.
 */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import {
  type Comparison,
  ConflictError,
  type Demand,
  type DocumentStore,
  documentId,
  type Fields,
  type Query,
  type Snapshot,
  type Value,
} from '../../../shared/ports/document-store.ts';

export type Condition = readonly [string, Comparison, Value];

/** U+FF5E comes before U+1F600 in UTF-8 and after it in UTF-16, where the emoji is a surrogate pair. */
export const BELOW_EMOJI = '\uFF5E';
export const EMOJI = '😀';

export interface Fixture {
  readonly store: DocumentStore;
  set(path: string, fields: Fields, demand?: Demand): Promise<void>;
  read(path: string): Promise<Snapshot | undefined>;
  fieldsAt(path: string): Promise<Fields | undefined>;
  versionOf(path: string): Promise<string>;
  /** The ids of what the query finds, in its order. */
  ids(query: Query): Promise<string[]>;
  /** A collection that holds these documents by id. */
  collectionOf(documents: Readonly<Record<string, Fields>>): Promise<string>;
}

/** `opened` is asked at every call: cases are declared before the store is open. */
export function fixtureOf(opened: () => DocumentStore): Fixture {
  const store: DocumentStore = {
    get: (paths) => opened().get(paths),
    query: (query) => opened().query(query),
    aggregate: (query, aggregates) => opened().aggregate(query, aggregates),
    commit: (writes) => opened().commit(writes),
  };

  const set = async (path: string, fields: Fields, demand?: Demand): Promise<void> => {
    const write = { op: 'set', path, fields } as const;
    await store.commit([demand === undefined ? write : { ...write, demand }]);
  };
  const read = async (path: string): Promise<Snapshot | undefined> => (await store.get([path]))[0];
  const fieldsAt = async (path: string): Promise<Fields | undefined> => (await read(path))?.fields;
  const versionOf = async (path: string): Promise<string> => {
    const snapshot = await read(path);
    if (snapshot === undefined) throw new Error(`nothing at ${path}`);
    return snapshot.version;
  };
  const ids = async (query: Query): Promise<string[]> =>
    (await store.query(query)).map(({ path }) => documentId(path));
  const collectionOf = async (documents: Readonly<Record<string, Fields>>): Promise<string> => {
    const collection = freshCollection();
    await store.commit(
      Object.entries(documents).map(([id, fields]) => ({ op: 'set', path: `${collection}/${id}`, fields })),
    );
    return collection;
  };

  return { store, set, read, fieldsAt, versionOf, ids, collectionOf };
}

export function freshCollection(): string {
  return `contract-${randomUUID()}`;
}

export function freshPath(): string {
  return `${freshCollection()}/document`;
}

/** The commit fails because of the document at `path`; not every store can tell which it was. */
export async function expectConflict(commit: Promise<unknown>, path: string): Promise<void> {
  const error = await commit.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConflictError);
  expect([path, undefined]).toContain((error as ConflictError).path);
}

export async function expectTypeError(answer: Promise<unknown>): Promise<void> {
  await expect(answer).rejects.toBeInstanceOf(TypeError);
}
