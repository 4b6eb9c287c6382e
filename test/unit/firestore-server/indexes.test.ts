/** Which queries are refused for want of an index. */

import { FieldPath, Filter, type Firestore, type Query } from '@google-cloud/firestore';
import { describe, expect, test } from 'vitest';
import { CODE, failure, useServer } from './clients.ts';

const name = FieldPath.documentId();
const [up, down] = [{ order: 'ASCENDING' }, { order: 'DESCENDING' }];

const indexed = useServer({
  indexes: {
    indexes: [
      composite(
        'c',
        'COLLECTION',
        { a: up, x: up },
        { b: up, x: up },
        { a: up, y: down },
        { tags: contains(), x: up },
      ),
      composite(
        'c',
        'COLLECTION',
        { x: up, y: down },
        { a: down, z: up, __name__: down },
        { off: up, x: up },
      ),
      composite('g', 'COLLECTION_GROUP', { shard: up, at: up }),
    ].flat(),
    fieldOverrides: [
      { collectionGroup: 'c', fieldPath: 'off', indexes: [] },
      { collectionGroup: 'c', fieldPath: 'map', indexes: [] },
      { collectionGroup: 'c', fieldPath: 'map.on', indexes: [{ queryScope: 'COLLECTION', ...up }] },
      { collectionGroup: 'g', fieldPath: 'wide', indexes: [{ queryScope: 'COLLECTION_GROUP', ...down }] },
      { collectionGroup: 'none', fieldPath: '*', indexes: [] },
      { collectionGroup: 'none', fieldPath: 'at', indexes: [{ queryScope: 'COLLECTION', ...up }] },
    ],
  },
});

function contains() {
  return { arrayConfig: 'CONTAINS' };
}

function composite(collectionGroup: string, queryScope: string, ...definitions: object[]) {
  return definitions.map((fields) => ({
    collectionGroup,
    queryScope,
    fields: Object.entries(fields).map(([fieldPath, kind]) => ({ fieldPath, ...kind })),
  }));
}

const c = (db: Firestore) => db.collection('c');
const g = (db: Firestore) => db.collectionGroup('g');
const none = (db: Firestore) => db.collection('none');

type Case = readonly [name: string, query: (db: Firestore) => Query];

const SERVED: readonly Case[] = [
  ['a whole collection', c],
  ['a whole group', g],
  ['names in a range', (db) => c(db).where(name, '>', 'a').where(name, '<', 'b')],
  ['one equality', (db) => c(db).where('q', '==', 1)],
  ['equalities, merged', (db) => c(db).where('q', '==', 1).where('r', '==', 2).where('s', 'in', [1, 2])],
  ['an inequality', (db) => c(db).where('q', '>', 1)],
  ['not equal', (db) => c(db).where('q', '!=', 1)],
  ['an order', (db) => c(db).orderBy('q')],
  ['an order, descending', (db) => c(db).orderBy('q', 'desc')],
  ['an order by an equal field', (db) => c(db).where('q', '==', 1).orderBy('q')],
  ['an order with names in its direction', (db) => c(db).orderBy('q', 'desc').orderBy(name, 'desc')],
  ['array-contains', (db) => c(db).where('q', 'array-contains', 1)],
  ['array-contains and equality, merged', (db) => c(db).where('q', 'array-contains', 1).where('r', '==', 1)],
  ['or', (db) => c(db).where(Filter.or(Filter.where('q', '==', 1), Filter.where('r', '==', 1)))],
  ['equality and names', (db) => c(db).where('q', '==', 1).where(name, '>', 'a')],
  [
    'equality and names backwards, from the descending index',
    (db) => c(db).where('q', '==', 1).orderBy(name, 'desc'),
  ],
  ['a composite index', (db) => c(db).where('a', '==', 1).orderBy('x')],
  ['a composite index for a range', (db) => c(db).where('a', '==', 1).where('x', '>', 1)],
  ['a composite index for in', (db) => c(db).where('a', 'in', [1, 2]).orderBy('x')],
  ['a composite index, descending', (db) => c(db).where('a', '==', 1).orderBy('y', 'desc')],
  ['two composite indexes, merged', (db) => c(db).where('a', '==', 1).where('b', '==', 1).orderBy('x')],
  [
    'composite: the direction of an equality does not matter',
    (db) => c(db).where('a', '==', 1).orderBy('z').orderBy(name, 'desc'),
  ],
  ['a composite index of an array', (db) => c(db).where('tags', 'array-contains', 1).orderBy('x')],
  ['two orders', (db) => c(db).orderBy('x').orderBy('y', 'desc')],
  ['two inequalities', (db) => c(db).where('x', '>', 1).where('y', '<', 1).orderBy('x').orderBy('y', 'desc')],
  ['an exempted field inside its composite index', (db) => c(db).where('off', '==', 1).orderBy('x')],
  ['a field of an exempted map that has an index of its own', (db) => c(db).where('map.on', '==', 1)],
  ['the group index', (db) => g(db).where('shard', '==', 1).where('at', '<', 9)],
  ['a single-field index of a group', (db) => g(db).orderBy('wide', 'desc')],
  ['the one field that is not exempted', (db) => none(db).where('at', '<', 1).limit(1)],
  ['names where all is exempted', (db) => none(db).orderBy(name).startAt('a')],
  ['documents by name, whatever else', (db) => c(db).where(name, 'in', ['a', 'b'])],
];

const REFUSED: readonly Case[] = [
  ['equality and order', (db) => c(db).where('q', '==', 1).orderBy('x')],
  ['equality and inequality', (db) => c(db).where('q', '==', 1).where('x', '>', 1)],
  ['equality and not equal', (db) => c(db).where('q', '==', 1).where('x', '!=', 1)],
  ['one of two equalities in no index', (db) => c(db).where('a', '==', 1).where('q', '==', 1).orderBy('x')],
  ['a composite index the other way round', (db) => c(db).where('a', '==', 1).orderBy('x', 'desc')],
  ['two orders the other way round', (db) => c(db).orderBy('x', 'desc').orderBy('y')],
  ['two orders in no index', (db) => c(db).orderBy('x').orderBy('y')],
  ['two orders swapped', (db) => c(db).orderBy('y', 'desc').orderBy('x')],
  ['two inequalities in no index', (db) => c(db).where('q', '>', 1).where('r', '<', 1)],
  ['names backwards', (db) => c(db).orderBy(name, 'desc')],
  ['an order with names against it', (db) => c(db).orderBy('q', 'desc').orderBy(name)],
  ['a composite index with names against it', (db) => c(db).where('a', '==', 1).orderBy('z')],
  ['array-contains and order', (db) => c(db).where('q', 'array-contains', 1).orderBy('x')],
  ['an array index for an equality', (db) => c(db).where('tags', '==', 1).orderBy('x')],
  [
    'one alternative of or',
    (db) => c(db).where(Filter.or(Filter.where('q', '==', 1), Filter.where('off', '==', 1))),
  ],
  ['an exempted field', (db) => c(db).where('off', '==', 1)],
  ['an exempted field in an order', (db) => c(db).orderBy('off')],
  ['a field of an exempted map', (db) => c(db).where('map.inner', '==', 1)],
  ['a field where all is exempted', (db) => none(db).where('x', '==', 1)],
  ['the other direction of the one that is not', (db) => none(db).orderBy('at', 'desc')],
  ['a group without an index of its scope', (db) => g(db).where('q', '==', 1)],
  ['a group in an order', (db) => g(db).orderBy('at')],
  ['a group index for a collection', (db) => db.collection('p/1/g').where('shard', '==', 1).orderBy('at')],
  ['a collection index for a group', (db) => db.collectionGroup('c').where('a', '==', 1).orderBy('x')],
  ['a group index without its first field', (db) => g(db).where('at', '<', 9)],
];

describe('with a list of indexes', () => {
  test.each(SERVED)('served: %s', async (_name, query) => {
    await query(indexed.db).get();
  });

  test.each(REFUSED)('refused: %s', async (_name, query) => {
    const { parent, structuredQuery } = requestOf(query(indexed.db));
    const { code, details } = await failure(indexed.raw.query(structuredQuery, { parent }));
    expect(code).toBe(CODE.FAILED_PRECONDITION);
    expect(details).toMatch(/^The query requires an index\. /);
    const counted = indexed.raw.aggregate({ structuredQuery, aggregations: [{ count: {} }] });
    expect(await failure(counted)).toMatchObject({ code: CODE.FAILED_PRECONDITION });
  });

  const sum = (query: Query, ...fields: string[]) =>
    indexed.raw.aggregate({
      structuredQuery: requestOf(query).structuredQuery,
      aggregations: fields.map((fieldPath) => ({ sum: { field: { fieldPath } } })),
    });

  const SUMS: readonly [name: string, query: (db: Firestore) => Query, fields: string[]][] = [
    ['one field', c, ['q']],
    ['a field beside an equality', (db) => c(db).where('a', '==', 1), ['x']],
    ['fields in an inequality and after it', (db) => c(db).where('x', '>', 1), ['x', 'y']],
    ['the field of an equality', (db) => c(db).where('q', '==', 1), ['q']],
  ];

  test.each(SUMS)('summed: %s', async (_name, query, fields) => {
    await sum(query(indexed.db), ...fields);
  });

  const UNSUMMED: typeof SUMS = [
    ['an exempted field', c, ['off']],
    ['two fields in no index', c, ['q', 'r']],
    ['a field beside an equality, in no index', (db) => c(db).where('q', '==', 1), ['x']],
    ['where all is exempted', none, ['x']],
  ];

  test.each(UNSUMMED)('not summed: %s', async (_name, query, fields) => {
    expect(await failure(sum(query(indexed.db), ...fields))).toMatchObject({
      code: CODE.FAILED_PRECONDITION,
    });
  });
});

/** The request that the client would send. It is sent by the low-level one, which does not try it again. */
function requestOf(query: Query): { parent: string; structuredQuery: object } {
  return (query as unknown as { toProto(): { parent: string; structuredQuery: object } }).toProto();
}

describe('without a list', () => {
  const free = useServer();

  test('no query needs an index', async () => {
    for (const [, query] of REFUSED) await query(free.db).get();
  });
});
