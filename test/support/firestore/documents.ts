/**
 * The stored documents. Each is kept by name, in its collection, with all of one collection id, and with all of its
 * database; each of these keeps itself sorted in every order that a query has once asked for, so that a query
 * reads only its answer, as the real one does.
 */

import { parseDocumentName } from './names.ts';
import { firstPosition, type Sort } from './sort.ts';
import type { Fields } from './wire.ts';

export interface StoredDocument {
  readonly name: string;
  readonly fields: Fields;
  readonly createMicros: number;
  readonly updateMicros: number;
}

export interface DocumentSet {
  readonly size: number;
  /** In this order; a document without one of its fields is not in it. Read it before the next write. */
  sorted(sort: Sort): readonly StoredDocument[];
}

export interface Documents {
  get(name: string): StoredDocument | undefined;
  /** Stores or replaces a document. */
  put(document: StoredDocument): void;
  remove(name: string): void;
  /** The documents directly in `{root or document name}/{collection id}`. */
  collection(path: string): DocumentSet;
  /** The documents in all collections of a database that have this id. */
  group(root: string, collectionId: string): DocumentSet;
  /** All documents of a database. */
  database(root: string): DocumentSet;
  all(): Iterable<StoredDocument>;
  clear(): void;
}

type GrowingSet = ReturnType<typeof createDocumentSet>;

export function createDocuments(): Documents {
  const byName = new Map<string, StoredDocument>();
  const sets = new Map<string, GrowingSet>();
  const empty = createDocumentSet();

  function* setsOf(name: string): Generator<GrowingSet> {
    for (const key of setKeysOf(name)) {
      let set = sets.get(key);
      if (set === undefined) {
        set = createDocumentSet();
        sets.set(key, set);
      }
      yield set;
    }
  }

  function remove(name: string): void {
    const document = byName.get(name);
    if (document === undefined) return;
    byName.delete(name);
    for (const set of setsOf(name)) set.remove(document);
    // An empty collection costs nothing, as in the real one.
    for (const key of setKeysOf(name)) if (sets.get(key)?.size === 0) sets.delete(key);
  }

  return {
    get: (name) => byName.get(name),
    put(document) {
      const before = byName.get(document.name);
      byName.set(document.name, document);
      for (const set of setsOf(document.name)) set.replace(before, document);
    },
    remove,
    collection: (path) => sets.get(collectionKey(path)) ?? empty,
    group: (root, collectionId) => sets.get(groupKey(root, collectionId)) ?? empty,
    database: (root) => sets.get(databaseKey(root)) ?? empty,
    all: () => byName.values(),
    clear() {
      byName.clear();
      sets.clear();
    },
  };
}

const collectionKey = (path: string) => `collection ${path}`;
const groupKey = (root: string, collectionId: string) => `group ${root} ${collectionId}`;
const databaseKey = (root: string) => `database ${root}`;

function setKeysOf(name: string): string[] {
  const { root, segments } = parseDocumentName(name);
  return [
    collectionKey(name.slice(0, name.lastIndexOf('/'))),
    groupKey(root, segments.at(-2) ?? ''),
    databaseKey(root),
  ];
}

function createDocumentSet() {
  const documents = new Map<string, StoredDocument>();
  const orders = new Map<string, { readonly sort: Sort; readonly sorted: StoredDocument[] }>();

  function leaveOrders(document: StoredDocument): void {
    for (const { sort, sorted } of orders.values()) {
      if (!sort.accepts(document)) continue;
      sorted.splice(
        firstPosition(sorted, (other) => sort.compare(other, document) >= 0),
        1,
      );
    }
  }

  function enterOrders(document: StoredDocument): void {
    for (const { sort, sorted } of orders.values()) {
      if (!sort.accepts(document)) continue;
      const position = firstPosition(sorted, (other) => sort.compare(other, document) > 0);
      sorted.splice(position, 0, document);
    }
  }

  return {
    get size() {
      return documents.size;
    },
    replace(before: StoredDocument | undefined, document: StoredDocument) {
      if (before !== undefined) leaveOrders(before);
      documents.set(document.name, document);
      enterOrders(document);
    },
    remove(document: StoredDocument) {
      leaveOrders(document);
      documents.delete(document.name);
    },
    sorted(sort: Sort): readonly StoredDocument[] {
      let order = orders.get(sort.id);
      if (order === undefined) {
        const accepted = [...documents.values()].filter((document) => sort.accepts(document));
        order = { sort, sorted: accepted.sort(sort.compare) };
        orders.set(sort.id, order);
      }
      return order.sorted;
    },
  };
}
