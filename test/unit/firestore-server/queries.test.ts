/** Queries through Google's own clients: filters, orders, cursors, collections and groups, projections. */

import { FieldPath, Filter, type Query } from '@google-cloud/firestore';
import { describe, expect, test } from 'vitest';
import { CODE, failure, ROOT, update, useServer } from './clients.ts';

const context = useServer();

const ids = async (query: Query) => (await query.get()).docs.map(({ id }) => id);
const name = FieldPath.documentId();

async function store(collection: string, documents: Readonly<Record<string, object>>) {
  const batch = context.db.batch();
  for (const [id, fields] of Object.entries(documents))
    batch.set(context.db.doc(`${collection}/${id}`), fields);
  await batch.commit();
  return context.db.collection(collection);
}

const mixed = () =>
  store('mixed', {
    a: { v: 1 },
    b: { v: 2 },
    c: { v: 2.5 },
    d: { v: 'x' },
    e: { v: null },
    f: { v: Number.NaN },
    g: { v: [1, 2] },
    h: { other: 1 },
    i: { v: true },
  });

const FILTERS: readonly [name: string, filter: (query: Query) => Query, expected: readonly string[]][] = [
  ['==', (q) => q.where('v', '==', 2), ['b']],
  ['== of null', (q) => q.where('v', '==', null), ['e']],
  ['== of NaN', (q) => q.where('v', '==', Number.NaN), ['f']],
  ['<', (q) => q.where('v', '<', 2), ['f', 'a']],
  ['<=', (q) => q.where('v', '<=', 2), ['f', 'a', 'b']],
  ['>', (q) => q.where('v', '>', 1), ['b', 'c']],
  ['>=', (q) => q.where('v', '>=', 2), ['b', 'c']],
  ['a range', (q) => q.where('v', '>', 1).where('v', '<', 2.5), ['b']],
  ['> of text', (q) => q.where('v', '>', ''), ['d']],
  ['!= leaves null and absent fields out', (q) => q.where('v', '!=', 2), ['i', 'f', 'a', 'c', 'd', 'g']],
  ['!= of null', (q) => q.where('v', '!=', null), ['i', 'f', 'a', 'b', 'c', 'd', 'g']],
  ['!= of NaN', (q) => q.where('v', '!=', Number.NaN), ['i', 'a', 'b', 'c', 'd', 'g']],
  ['in', (q) => q.where('v', 'in', [2.5, 1, 'x', 7]), ['a', 'c', 'd']],
  ['not-in', (q) => q.where('v', 'not-in', [1, 'x']), ['i', 'f', 'b', 'c', 'g']],
  ['not-in with null matches nothing', (q) => q.where('v', 'not-in', [1, null]), []],
  ['array-contains', (q) => q.where('v', 'array-contains', 2), ['g']],
  ['array-contains-any', (q) => q.where('v', 'array-contains-any', [5, 1]), ['g']],
  ['or', (q) => q.where(Filter.or(Filter.where('v', '==', 'x'), Filter.where('other', '==', 1))), ['d', 'h']],
  [
    'and inside or',
    (q) =>
      q.where(
        Filter.or(
          Filter.and(Filter.where('v', '>', 1), Filter.where('v', '<', 2.2)),
          Filter.where('v', '==', true),
        ),
      ),
    ['i', 'b'],
  ],
  ['a name', (q) => q.where(name, '==', 'c'), ['c']],
  ['names in a range', (q) => q.where(name, '>', 'c').where(name, '<=', 'e'), ['d', 'e']],
  ['names in a list', (q) => q.where(name, 'in', ['h', 'b', 'z']), ['b', 'h']],
  [
    'names in a range, backwards',
    (q) => q.where(name, '>=', 'c').where(name, '<', 'e').orderBy(name, 'desc'),
    ['d', 'c'],
  ],
];

test.each(FILTERS)('filter: %s', async (_name, filter, expected) => {
  expect(await ids(filter(await mixed()))).toEqual(expected);
});

describe('order', () => {
  const pairs = () =>
    store('pairs', {
      a: { x: 1, y: 2 },
      b: { x: 1, y: 1 },
      c: { x: 2, y: 1 },
      d: { x: 2, y: 1 },
      e: { x: 3 },
    });

  const ORDERS: readonly [name: string, order: (query: Query) => Query, expected: readonly string[]][] = [
    ['by name without any', (q) => q, ['a', 'b', 'c', 'd', 'e']],
    ['ties by name in the direction of the last order', (q) => q.orderBy('y', 'desc'), ['a', 'd', 'c', 'b']],
    ['ties by name, ascending', (q) => q.orderBy('y'), ['b', 'c', 'd', 'a']],
    ['two fields', (q) => q.orderBy('x', 'desc').orderBy('y'), ['c', 'd', 'b', 'a']],
    ['a field with an inequality', (q) => q.where('x', '>=', 1).where('y', '>=', 1), ['b', 'a', 'c', 'd']],
    [
      'inequality fields are added in their order',
      (q) => q.where('y', '>=', 1).orderBy('x', 'desc'),
      ['d', 'c', 'a', 'b'],
    ],
    ['a document without the field is left out', (q) => q.orderBy('y').where('x', '==', 3), []],
    ['limit', (q) => q.orderBy('x').limit(2), ['a', 'b']],
    ['limitToLast', (q) => q.orderBy('x').limitToLast(2), ['d', 'e']],
    ['offset', (q) => q.offset(3), ['d', 'e']],
    ['offset and limit', (q) => q.orderBy('x').offset(1).limit(2), ['b', 'c']],
    ['startAt', (q) => q.orderBy('x').startAt(2), ['c', 'd', 'e']],
    ['startAfter', (q) => q.orderBy('x').startAfter(1), ['c', 'd', 'e']],
    ['endAt', (q) => q.orderBy('x').endAt(2), ['a', 'b', 'c', 'd']],
    ['endBefore', (q) => q.orderBy('x').endBefore(2), ['a', 'b']],
    [
      'a cursor of two fields',
      (q) => q.orderBy('x').orderBy('y').startAfter(1, 1),
      ['a', 'c', 'd', 'e'].slice(0, 3),
    ],
    ['a cursor with the name', (q) => q.orderBy('x').orderBy(name).startAfter(2, 'c'), ['d', 'e']],
    [
      'a cursor, backwards',
      (q) => q.orderBy('x', 'desc').orderBy(name, 'desc').startAfter(2, 'd').endAt(1, 'b'),
      ['c', 'b'],
    ],
    ['a cursor within an equality', (q) => q.where('x', '==', 2).orderBy(name).startAfter('c'), ['d']],
    ['a cursor between values', (q) => q.orderBy('x').startAt(1.5).endAt(2.5), ['c', 'd']],
    ['cursors that cross', (q) => q.orderBy('x').startAt(3).endAt(1), []],
  ];

  test.each(ORDERS)('%s', async (_name, order, expected) => {
    expect(await ids(order(await pairs()))).toEqual(expected);
  });

  test('a page starts after the last snapshot of the one before', async () => {
    const query = (await pairs()).orderBy('y', 'desc').limit(2);
    const first = await query.get();
    const last = first.docs.at(-1);
    if (last === undefined) throw new Error('the first page is empty');
    expect(await ids(query.startAfter(last))).toEqual(['c', 'b']);
  });

  test('an order that was read once follows every write', async () => {
    const collection = await pairs();
    const query = collection.orderBy('x').limit(3);
    expect(await ids(query)).toEqual(['a', 'b', 'c']);
    await collection.doc('c').update({ x: 0 });
    await collection.doc('a').delete();
    await collection.doc('f').set({ x: 1 });
    expect(await ids(query)).toEqual(['c', 'b', 'f']);
    await collection.doc('b').set({ y: 1 });
    expect(await ids(query)).toEqual(['c', 'f', 'd']);
  });
});

describe('collections', () => {
  test('a collection is what lies directly in it', async () => {
    await store('c', { a: { n: 1 } });
    await store('c/a/c', { b: { n: 2 } });
    await store('c2', { z: { n: 3 } });
    expect(await ids(context.db.collection('c'))).toEqual(['a']);
    expect(await ids(context.db.collection('c/a/c'))).toEqual(['b']);
    expect(await ids(context.db.collection('c/missing/c'))).toEqual([]);
  });

  test('a group is all collections of one id, in the order of paths', async () => {
    await store('p/2/s', { a: { n: 1 }, z: { n: 3 } });
    await store('p/10/s', { b: { n: 2 } });
    await store('s', { top: { n: 4 } });
    await store('p/2/t', { x: { n: 5 } });
    const group = context.db.collectionGroup('s');
    expect(await ids(group)).toEqual(['b', 'a', 'z', 'top']);
    expect(await ids(group.orderBy('n').limit(2))).toEqual(['a', 'b']);
    expect(await ids(group.where('n', '>', 1).orderBy('n').startAfter(2))).toEqual(['z', 'top']);
    expect(await ids(group.orderBy(name).startAfter(context.db.doc('p/2/s/a')))).toEqual(['z', 'top']);
    await context.db.doc('p/2/s/a').delete();
    expect(await ids(group)).toEqual(['b', 'z', 'top']);
  });

  test('a group below a document', async () => {
    await store('p/1/s', { a: {} });
    await store('p/1/q/x/s', { b: {} });
    await store('p/11/s', { c: {} });
    const answers = await context.raw.query(
      { from: [{ collectionId: 's', allDescendants: true }] },
      { parent: `${ROOT}/p/1` },
    );
    expect(answers.map(({ document }) => document.name)).toEqual([`${ROOT}/p/1/q/x/s/b`, `${ROOT}/p/1/s/a`]);
  });

  test('what the client lists and deletes recursively', async () => {
    await store('p/1/s', { a: {} });
    await store('p', { 2: {} });
    const { db } = context;
    expect((await db.collection('p').listDocuments()).map(({ id }) => id)).toEqual(['1', '2']);
    expect((await db.doc('p/1').listCollections()).map(({ id }) => id)).toEqual(['s']);
    await db.recursiveDelete(db.collection('p'));
    expect(context.server.documents()).toEqual({});
  });
});

test('a projection', async () => {
  const collection = await store('proj', { a: { x: 1, m: { y: 2, z: 3 } } });
  expect((await collection.select('m.y', 'none').get()).docs.map((found) => found.data())).toEqual([
    { m: { y: 2 } },
  ]);
  expect((await collection.select().get()).docs.map((found) => found.data())).toEqual([{}]);
});

test('missing documents and masks in a batch of reads', async () => {
  await store('m', { a: { x: 1, y: 2 } });
  const { db } = context;
  const [a, b] = await db.getAll(db.doc('m/a'), db.doc('m/b'), { fieldMask: ['y'] });
  expect([a?.data(), b?.exists]).toEqual([{ y: 2 }, false]);
});

test('an empty answer still has a time', async () => {
  expect((await context.db.collection('none').get()).readTime.seconds).toBeGreaterThan(0);
});

const from = [{ collectionId: 'c' }];
const field = (op: string, value: object, fieldPath = 'v') => ({
  fieldFilter: { field: { fieldPath }, op, value },
});
const list = (length: number) => ({
  arrayValue: { values: Array.from({ length }, (_, index) => ({ integerValue: `${index}` })) },
});
const both = (op: string, ...filters: object[]) => ({ compositeFilter: { op, filters } });
const by = (fieldPath: string) => ({ field: { fieldPath }, direction: 'ASCENDING' });

const REFUSED: readonly [name: string, query: object][] = [
  ['no collection', {}],
  ['31 disjunctions', { from, where: field('IN', list(31)) }],
  ['6 times 6 disjunctions', { from, where: both('AND', field('IN', list(6)), field('IN', list(6), 'w')) }],
  ['11 values in NOT_IN', { from, where: field('NOT_IN', list(11)) }],
  ['NOT_IN and IN', { from, where: both('AND', field('NOT_IN', list(1)), field('IN', list(1), 'w')) }],
  [
    'NOT_IN and OR',
    {
      from,
      where: both(
        'AND',
        field('NOT_IN', list(1)),
        both('OR', field('EQUAL', list(0)), field('EQUAL', list(1))),
      ),
    },
  ],
  ['two NOT_EQUAL', { from, where: both('AND', field('NOT_EQUAL', list(0)), field('NOT_EQUAL', list(1))) }],
  [
    'two ARRAY_CONTAINS',
    { from, where: both('AND', field('ARRAY_CONTAINS', list(0)), field('ARRAY_CONTAINS', list(1))) },
  ],
  ['an empty IN', { from, where: field('IN', list(0)) }],
  ['an empty AND', { from, where: both('AND') }],
  ['an operator that is none', { from, where: field('OPERATOR_UNSPECIFIED', list(0)) }],
  ['a filter without a value', { from, where: { fieldFilter: { field: { fieldPath: 'v' }, op: 'EQUAL' } } }],
  ['a name that is text', { from, where: field('EQUAL', { stringValue: 'a' }, '__name__') }],
  ['a cursor that is too long', { from, startAt: { values: [{ integerValue: '1' }] } }],
  [
    'a cursor name that is text',
    { from, orderBy: [by('__name__')], startAt: { values: [{ stringValue: 'a' }] } },
  ],
  ['an order by the same field twice', { from, orderBy: [by('v'), by('v')] }],
  ['a negative limit', { from, limit: { value: -1 } }],
  ['a negative offset', { from, offset: -1 }],
  ['a field path that is none', { from, orderBy: [by('a..b')] }],
];

test.each(REFUSED)('refused: %s', async (_name, query) => {
  expect(await failure(context.raw.query(query))).toMatchObject({ code: CODE.INVALID_ARGUMENT });
});

test('accepted: 30 disjunctions', async () => {
  await context.raw.commit([update('c/a', { v: { integerValue: '29' }, w: { integerValue: '0' } })]);
  const where = both('AND', field('IN', list(30)), field('IN', list(1), 'w'));
  const answers = await context.raw.query({ from, where });
  expect(answers.map(({ document }) => document.name)).toEqual([`${ROOT}/c/a`]);
});
