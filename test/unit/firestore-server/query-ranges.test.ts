/**
 * Queries read a range of sorted documents. Against random documents and queries, that must give what filtering,
 * sorting and cutting all documents gives; and it must be quick.
 */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  createDocuments,
  type DocumentSet,
  type Documents,
  type StoredDocument,
} from '../../support/firestore/documents.ts';
import { compileFilter } from '../../support/firestore/filters.ts';
import { runQuery } from '../../support/firestore/queries.ts';
import { completeOrder } from '../../support/firestore/query-order.ts';
import { createSort } from '../../support/firestore/sort.ts';
import type { Fields, Filter, StructuredQuery, Value } from '../../support/firestore/wire.ts';
import { ROOT } from './clients.ts';

const integer = (value: number): Value => ({ valueType: 'integerValue', integerValue: `${value}` });

const value: fc.Arbitrary<Value> = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 4 }).map(integer) },
  fc.constantFrom<Value>(
    { valueType: 'nullValue', nullValue: 'NULL_VALUE' },
    { valueType: 'doubleValue', doubleValue: 1.5 },
    { valueType: 'stringValue', stringValue: 'a' },
  ),
);
const fieldName = fc.constantFrom('a', 'b', 'c');
const fields: fc.Arbitrary<Fields> = fc.dictionary(fieldName, value, { maxKeys: 3 });

const condition: fc.Arbitrary<Filter> = fc
  .record({
    fieldPath: fieldName,
    op: fc.constantFrom(
      'EQUAL',
      'EQUAL',
      'LESS_THAN',
      'LESS_THAN_OR_EQUAL',
      'GREATER_THAN',
      'GREATER_THAN_OR_EQUAL',
    ),
    value,
  })
  .map(({ fieldPath, op, value: wanted }) => ({
    filterType: 'fieldFilter',
    fieldFilter: { field: { fieldPath }, op, value: wanted },
  }));
const where: fc.Arbitrary<Filter | null> = fc.option(
  fc
    .record({
      op: fc.constantFrom('AND', 'AND', 'OR'),
      filters: fc.array(condition, { minLength: 1, maxLength: 3 }),
    })
    .map((compositeFilter): Filter => ({ filterType: 'compositeFilter', compositeFilter })),
);
const cursor = fc.option(fc.record({ values: fc.array(value, { maxLength: 2 }), before: fc.boolean() }));

const query: fc.Arbitrary<StructuredQuery> = fc
  .record({
    select: fc.constant(null),
    from: fc.constant([{ collectionId: 'c', allDescendants: false }]),
    where,
    orderBy: fc.uniqueArray(
      fc.record({
        field: fieldName.map((fieldPath) => ({ fieldPath })),
        direction: fc.constantFrom('ASCENDING', 'DESCENDING'),
      }),
      { maxLength: 2, selector: (order) => order.field.fieldPath },
    ),
    startAt: cursor,
    endAt: cursor,
    offset: fc.integer({ min: 0, max: 2 }),
    limit: fc.option(fc.record({ value: fc.integer({ min: 1, max: 5 }) })),
    findNearest: fc.constant(null),
  })
  .map((generated) => {
    const cut = <T extends { values: readonly Value[] }>(at: T | null) =>
      at && { ...at, values: at.values.slice(0, generated.orderBy.length) };
    return { ...generated, startAt: cut(generated.startAt), endAt: cut(generated.endAt) };
  });

/** The definition: all documents, filtered, sorted, cut at the cursors, counted off. */
function byDefinition(all: readonly StoredDocument[], asked: StructuredQuery): readonly string[] {
  const sort = createSort(completeOrder(asked));
  const { startAt, endAt } = asked;
  const found = all
    .filter((document) => sort.accepts(document) && compileFilter(asked.where)(document))
    .filter((document) => {
      const fromStart = startAt ? sort.compareTo(document, startAt.values) : 1;
      const fromEnd = endAt ? sort.compareTo(document, endAt.values) : -1;
      return (
        (fromStart > 0 || (fromStart === 0 && startAt?.before)) &&
        (fromEnd < 0 || (fromEnd === 0 && !endAt?.before))
      );
    })
    .sort(sort.compare)
    .slice(asked.offset);
  return found.slice(0, asked.limit?.value ?? found.length).map(({ name }) => name);
}

const document = (id: string, of: Fields): StoredDocument => ({
  name: `${ROOT}/c/${id}`,
  fields: of,
  createMicros: 1,
  updateMicros: 1,
});
const names = (documents: Documents, asked: StructuredQuery) =>
  runQuery(documents, ROOT, asked).documents.map(({ name }) => name);

test('ranges find what the definition finds, before and after writes', () => {
  const change = fc.tuple(fc.integer({ min: 0, max: 15 }), fc.option(fields));
  fc.assert(
    fc.property(
      fc.array(fields, { maxLength: 12 }),
      query,
      fc.array(change, { maxLength: 8 }),
      (initial, asked, changes) => {
        const documents = createDocuments();
        for (const [index, of] of initial.entries()) documents.put(document(`d${index}`, of));
        expect(names(documents, asked)).toEqual(byDefinition([...documents.all()], asked));
        for (const [index, of] of changes) {
          if (of === null) documents.remove(`${ROOT}/c/d${index}`);
          else documents.put(document(`d${index}`, of));
        }
        expect(names(documents, asked)).toEqual(byDefinition([...documents.all()], asked));
      },
    ),
    { numRuns: 2_000 },
  );
});

test('in a collection of 10,000 documents a range or a page takes far less than reading all', () => {
  const documents = createDocuments();
  for (let index = 0; index < 10_000; index += 1) {
    documents.put(document(`d${index}`, { a: integer(index % 7), b: integer((index * 7919) % 10_000) }));
  }
  const base = {
    select: null,
    from: [{ collectionId: 'c', allDescendants: false }],
    startAt: null,
    endAt: null,
    offset: 0,
    findNearest: null,
  };
  const equals = (fieldPath: string, wanted: Value): Filter => ({
    filterType: 'fieldFilter',
    fieldFilter: { field: { fieldPath }, op: 'EQUAL', value: wanted },
  });
  const nameFilter = (op: string, id: string): Filter => ({
    filterType: 'fieldFilter',
    fieldFilter: {
      field: { fieldPath: '__name__' },
      op,
      value: { valueType: 'referenceValue', referenceValue: `${ROOT}/c/${id}` },
    },
  });
  const queries: StructuredQuery[] = [
    {
      ...base,
      where: null,
      orderBy: [{ field: { fieldPath: 'b' }, direction: 'ASCENDING' }],
      limit: { value: 20 },
    },
    {
      ...base,
      where: equals('a', integer(3)),
      orderBy: [{ field: { fieldPath: 'b' }, direction: 'DESCENDING' }],
      limit: { value: 20 },
    },
    {
      ...base,
      where: {
        filterType: 'compositeFilter',
        compositeFilter: {
          op: 'AND',
          filters: [nameFilter('GREATER_THAN_OR_EQUAL', 'd500'), nameFilter('LESS_THAN', 'd501')],
        },
      },
      orderBy: [],
      limit: null,
    },
  ];
  const { counted, read } = countReads(documents);
  for (const asked of queries) {
    const before = read();
    expect(runQuery(counted, ROOT, asked).documents.length).toBeGreaterThan(10);
    expect(read() - before).toBeGreaterThan(10);
    expect(read() - before).toBeLessThan(500);
  }
});

/** The same documents, and how often one of them was looked at in an order. */
function countReads(documents: Documents): { readonly counted: Documents; readonly read: () => number } {
  let reads = 0;
  const countIn = (set: DocumentSet): DocumentSet => ({
    size: set.size,
    sorted: (sort) =>
      new Proxy(set.sorted(sort), {
        get(sorted, key, receiver) {
          if (typeof key === 'string' && /^\d+$/.test(key)) reads += 1;
          return Reflect.get(sorted, key, receiver);
        },
      }),
  });
  const counted: Documents = {
    ...documents,
    collection: (path) => countIn(documents.collection(path)),
    group: (root, collectionId) => countIn(documents.group(root, collectionId)),
    database: (root) => countIn(documents.database(root)),
  };
  return { counted, read: () => reads };
}
