/** The document store as a plain Map: the model that real adapters are compared with, and the simulation's. */

import { isDeepStrictEqual } from 'node:util';
import type { CheckedQuery, Condition } from '../../infra/stores/validate.ts';
import {
  checkAggregates,
  checkDocumentPath,
  checkDocumentSize,
  checkQuery,
  checkWrites,
} from '../../infra/stores/validate.ts';
import type { DocumentStore, Fields, Snapshot, Value, Write } from '../../shared/ports/document-store.ts';
import { ConflictError, DOCUMENT_ID, documentId } from '../../shared/ports/document-store.ts';

/** Commits are applied in the order of the calls, each at once; they resolve in a later microtask. */
export function openMemoryStore(): DocumentStore {
  let documents = new Map<string, Snapshot>();
  let commits = 0;

  function find(query: CheckedQuery): Snapshot[] {
    const inCollection = [...documents.values()].filter(({ path }) => {
      return path === `${query.collection}/${documentId(path)}`;
    });
    return inCollection.filter((document) => query.where.every((condition) => matches(document, condition)));
  }

  return {
    async get(paths) {
      for (const path of paths) checkDocumentPath(path);
      return paths.map((path) => copy(documents.get(path)));
    },

    async query(query) {
      const checked = checkQuery(query);
      const { order, startAfter, limit } = checked;
      const found = find(checked)
        .filter((document) => order.every(({ field }) => valueAt(document, field) !== undefined))
        .sort((a, b) => compareInOrder(checked, keyOf(checked, a), keyOf(checked, b)))
        .filter((document) => {
          if (startAfter === undefined) return true;
          return (
            compareInOrder(checked, keyOf(checked, document).slice(0, startAfter.length), startAfter) > 0
          );
        });
      return copy(found.slice(0, limit));
    },

    async aggregate(query, aggregates = {}) {
      const fields = checkAggregates(aggregates);
      const found = find(checkQuery(query));
      const sumOf = (field: string): number =>
        found
          .map((document) => valueAt(document, field))
          .reduce<number>((sum, value) => (typeof value === 'number' ? sum + value : sum), 0);
      return { count: found.length, sums: Object.fromEntries(fields.map((field) => [field, sumOf(field)])) };
    },

    async commit(writes) {
      checkWrites(writes);
      const changed = new Map(documents);
      commits += 1;
      for (const write of writes) apply(changed, write, `v${commits}`);
      documents = changed;
    },
  };
}

function apply(documents: Map<string, Snapshot>, write: Write, version: string): void {
  const stored = documents.get(write.path);
  const demand = write.demand ?? (write.op === 'update' ? 'present' : undefined);
  if (demand === 'absent' && stored !== undefined) throw new ConflictError(write.path);
  if (demand === 'present' && stored === undefined) throw new ConflictError(write.path);
  if (typeof demand === 'object' && stored?.version !== demand.version) throw new ConflictError(write.path);
  if (write.op === 'delete') {
    documents.delete(write.path);
    return;
  }
  const fields: Fields = copy(write.op === 'update' ? { ...stored?.fields, ...write.fields } : write.fields);
  checkDocumentSize(write.path, fields);
  if (isDeepStrictEqual(fields, stored?.fields)) return;
  documents.set(write.path, { path: write.path, fields, version });
}

function matches(document: Snapshot, { field, comparison, value: operand }: Condition): boolean {
  const value = valueAt(document, field);
  if (value === undefined) return false;
  const comparable = typeof value === typeof operand && value !== null;
  switch (comparison) {
    case '==':
      return equal(value, operand);
    case 'in':
      return (operand as Value[]).some((candidate) => equal(value, candidate));
    case 'array-contains':
      return Array.isArray(value) && value.some((element) => equal(element, operand));
    case '<':
      return comparable && compare(value, operand) < 0;
    case '<=':
      return comparable && compare(value, operand) <= 0;
    case '>':
      return comparable && compare(value, operand) > 0;
    case '>=':
      return comparable && compare(value, operand) >= 0;
  }
}

function keyOf({ order }: CheckedQuery, document: Snapshot): Value[] {
  return order.map(({ field }) => valueAt(document, field) ?? null);
}

function compareInOrder({ order }: CheckedQuery, a: readonly Value[], b: readonly Value[]): number {
  for (const [index, { direction }] of order.slice(0, a.length).entries()) {
    const compared = compare(a[index] ?? null, b[index] ?? null);
    if (compared !== 0) return direction === 'asc' ? compared : -compared;
  }
  return 0;
}

function compare(a: Value, b: Value): number {
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : a > b ? 1 : 0;
  return Number(a === true) - Number(b === true);
}

function rank(value: Value): number {
  if (value === null) return 0;
  return ['boolean', 'number', 'string', 'object'].indexOf(typeof value) + 1;
}

function equal(a: Value, b: Value): boolean {
  return isDeepStrictEqual(copy(a), copy(b));
}

function valueAt(document: Snapshot, field: string): Value | undefined {
  if (field === DOCUMENT_ID) return documentId(document.path);
  let value: Value | undefined = document.fields;
  for (const name of field.split('.')) {
    const isMap: boolean = typeof value === 'object' && value !== null && !Array.isArray(value);
    value = isMap && Object.hasOwn(value as Fields, name) ? (value as Fields)[name] : undefined;
  }
  return value;
}

/** Through JSON, which is what a stored value has to survive; it makes 0 of -0. */
function copy<T>(value: T): T {
  return value === undefined ? value : JSON.parse(JSON.stringify(value));
}
