/** count, sum and avg. */

import { AggregateField } from '@google-cloud/firestore';
import { expect, test } from 'vitest';
import { CODE, failure, ROOT, update, useServer } from './clients.ts';

const context = useServer();

async function store(documents: Readonly<Record<string, object>>) {
  const batch = context.db.batch();
  for (const [id, fields] of Object.entries(documents)) batch.set(context.db.doc(`c/${id}`), fields);
  await batch.commit();
  return context.db.collection('c');
}

test('count, sum and avg at once see only what has every summed field', async () => {
  const collection = await store({ a: { x: 1, y: 2 }, b: { x: 2 }, c: { x: 4, y: 'text' }, d: { z: 1 } });
  const of = async (spec: Parameters<typeof collection.aggregate>[0]) =>
    (await collection.aggregate(spec).get()).data();
  const [n, x, y] = [AggregateField.count(), AggregateField.sum('x'), AggregateField.sum('y')];
  expect(await of({ n })).toEqual({ n: 4 });
  expect(await of({ n, x })).toEqual({ n: 3, x: 7 });
  expect(await of({ n, x, y })).toEqual({ n: 2, x: 5, y: 2 });
  expect(await of({ mean: AggregateField.average('x') })).toEqual({ mean: 7 / 3 });
});

test('over nothing', async () => {
  const collection = await store({ a: { x: 'text' } });
  const spec = { n: AggregateField.count(), sum: AggregateField.sum('x'), mean: AggregateField.average('x') };
  expect((await collection.where('x', '>', 'u').aggregate(spec).get()).data()).toEqual({
    n: 0,
    sum: 0,
    mean: null,
  });
});

test('a query with a filter, a limit and an offset', async () => {
  const collection = await store({ a: { x: 1 }, b: { x: 2 }, c: { x: 3 }, d: { x: 4 } });
  const spec = { n: AggregateField.count(), sum: AggregateField.sum('x') };
  const query = collection.where('x', '>', 1).orderBy('x').limit(2);
  expect((await query.aggregate(spec).get()).data()).toEqual({ n: 2, sum: 5 });
  expect((await query.offset(1).aggregate(spec).get()).data()).toEqual({ n: 2, sum: 7 });
});

const integer = (integerValue: string) => ({ integerValue });
const double = (doubleValue: number) => ({ doubleValue });

test.each([
  ['integers stay exact', [integer('9007199254740993'), integer('2')], { integerValue: '9007199254740995' }],
  ['an overflow becomes a double', [integer('9223372036854775807'), integer('1')], { doubleValue: 2 ** 63 }],
  ['a double makes all doubles', [integer('1'), double(0.5)], { doubleValue: 1.5 }],
  ['NaN', [integer('1'), double(Number.NaN)], { doubleValue: Number.NaN }],
])('sum: %s', async (_name, values, expected) => {
  const { raw } = context;
  await raw.commit(values.map((x, index) => update(`c/${index}`, { x })));
  const [answer] = await raw.aggregate({
    structuredQuery: { from: [{ collectionId: 'c' }] },
    aggregations: [{ alias: 's', sum: { field: { fieldPath: 'x' } } }],
  });
  expect(answer.result.aggregateFields.s).toMatchObject(expected);
});

test('up_to bounds each count, and what a lone count reads', async () => {
  const { raw, server } = context;
  await raw.commit(Array.from({ length: 5 }, (_, index) => update(`c/${index}`, {})));
  const structuredQuery = { from: [{ collectionId: 'c' }] };
  const aggregations = [
    { count: { upTo: { value: 2 } } },
    { alias: 'all', count: {} },
    { count: { upTo: { value: 9 } } },
  ];
  const [answer] = await raw.aggregate({ structuredQuery, aggregations });
  expect(answer.result.aggregateFields).toMatchObject({
    field_1: integer('2'),
    all: integer('5'),
    field_2: integer('5'),
  });
  const [alone] = await raw.aggregate({ structuredQuery, aggregations: aggregations.slice(0, 1) });
  expect(alone.result.aggregateFields).toMatchObject({ field_1: integer('2') });
  expect(server.stats().documentsRead).toBe(2);
});

const count = { count: {} };

test.each([
  ['none', []],
  ['six', [count, count, count, count, count, count]],
  [
    'one alias twice',
    [
      { ...count, alias: 'n' },
      { ...count, alias: 'n' },
    ],
  ],
  ['up to nothing', [{ count: { upTo: { value: 0 } } }]],
  ['the sum of names', [{ sum: { field: { fieldPath: '__name__' } } }]],
])('refused: %s', async (_name, aggregations) => {
  const answer = context.raw.aggregate({ structuredQuery: { from: [{ collectionId: 'c' }] }, aggregations });
  expect(await failure(answer)).toMatchObject({ code: CODE.INVALID_ARGUMENT });
});

test('in a group', async () => {
  await context.raw.commit([update('p/1/s/a', {}), update('p/2/s/b', {}), update('p/2/t/b', {})]);
  expect((await context.db.collectionGroup('s').count().get()).data()).toEqual({ count: 2 });
  expect(Object.keys(context.server.documents())).toContain(`${ROOT}/p/2/t/b`);
});
