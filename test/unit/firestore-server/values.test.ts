/** Every type comes back as it went in, and values order and compare as Firestore documents it. */

import { GeoPoint, Timestamp } from '@google-cloud/firestore';
import { expect, test } from 'vitest';
import { ROOT, update, useServer } from './clients.ts';

const context = useServer();

test('every type survives the way there and back', async () => {
  const { db } = context;
  const fields = {
    nothing: null,
    yes: true,
    integer: 42,
    double: 0.1,
    infinite: Number.NEGATIVE_INFINITY,
    time: new Timestamp(1_700_000_000, 123_456_000),
    text: 'é😀',
    bytes: Buffer.from([0, 255]),
    reference: db.doc('a/b'),
    point: new GeoPoint(1.5, -2),
    list: [1, { deep: ['x'] }],
    map: { 'a.b `c`': 1, empty: {} },
  };
  await db.doc('types/all').set(fields);
  expect((await db.doc('types/all').get()).data()).toEqual(fields);
});

test('a time loses what is finer than a microsecond', async () => {
  const { db } = context;
  await db.doc('types/time').set({ at: new Timestamp(1_700_000_000, 123_456_789) });
  expect((await db.doc('types/time').get()).get('at').nanoseconds).toBe(123_456_000);
});

/** In ascending order; what stands in one row is equal. */
const ORDER: readonly (readonly object[])[] = [
  [{ nullValue: 'NULL_VALUE' }],
  [{ booleanValue: false }],
  [{ booleanValue: true }],
  [{ doubleValue: Number.NaN }],
  [{ doubleValue: Number.NEGATIVE_INFINITY }],
  [{ integerValue: '-9223372036854775808' }],
  [{ doubleValue: -1.5 }],
  [{ doubleValue: -0 }, { integerValue: '0' }],
  [{ doubleValue: 1 }, { integerValue: '1' }],
  [{ doubleValue: 2 ** 53 }, { integerValue: '9007199254740992' }],
  [{ integerValue: '9007199254740993' }],
  [{ doubleValue: 2 ** 53 + 2 }],
  [{ integerValue: '9223372036854775806' }],
  [{ integerValue: '9223372036854775807' }],
  [{ doubleValue: 2 ** 63 }],
  [{ timestampValue: { seconds: 1, nanos: 999_999_000 } }],
  [{ timestampValue: { seconds: 2, nanos: 0 } }],
  [{ stringValue: '' }],
  [{ stringValue: 'a' }],
  [{ stringValue: 'a\u0000' }],
  [{ stringValue: 'aa' }],
  [{ stringValue: 'é' }],
  [{ stringValue: '\uFF5E' }],
  [{ stringValue: '😀' }],
  [{ bytesValue: Buffer.from([]) }],
  [{ bytesValue: Buffer.from([1]) }],
  [{ bytesValue: Buffer.from([1, 0]) }],
  [{ bytesValue: Buffer.from([200]) }],
  [{ referenceValue: `${ROOT}/a/b` }],
  [{ referenceValue: `${ROOT}/a/b/c/d` }],
  [{ referenceValue: `${ROOT}/a/b!` }],
  [{ referenceValue: `${ROOT}/a!/b` }],
  [{ geoPointValue: { latitude: -1, longitude: 5 } }],
  [{ geoPointValue: { latitude: 1, longitude: -5 } }],
  [{ geoPointValue: { latitude: 1, longitude: 5 } }],
  [{ arrayValue: { values: [] } }],
  [{ arrayValue: { values: [{ integerValue: '1' }] } }],
  [{ arrayValue: { values: [{ integerValue: '1' }, { nullValue: 'NULL_VALUE' }] } }],
  [{ arrayValue: { values: [{ stringValue: 'a' }] } }],
  [{ mapValue: { fields: {} } }],
  [{ mapValue: { fields: { a: { integerValue: '1' } } } }],
  [{ mapValue: { fields: { b: { integerValue: '0' }, a: { integerValue: '1' } } } }],
  [{ mapValue: { fields: { a: { integerValue: '2' } } } }],
  [{ mapValue: { fields: { b: { integerValue: '0' } } } }],
];

const ROWS = ORDER.flatMap((row, rank) => row.map((value, index) => ({ id: `${index}`, rank, value })));

async function storeRows() {
  // Ids that run against the order, so that the order is not theirs.
  const named = ROWS.map((row) => ({ ...row, name: `${100 - row.rank}${row.id}` }));
  await context.raw.commit(named.map(({ name, value }) => update(`order/${name}`, { v: value })));
  return named;
}

test.each(['ASCENDING', 'DESCENDING'])('values order by type, then by value: %s', async (direction) => {
  const named = await storeRows();
  const answers = await context.raw.query({
    from: [{ collectionId: 'order' }],
    orderBy: [{ field: { fieldPath: 'v' }, direction }],
  });
  const ascending = named.map(({ name }) => name);
  expect(answers.map(({ document }) => document.name.split('/').at(-1))).toEqual(
    direction === 'ASCENDING' ? ascending : ascending.toReversed(),
  );
});

test('a filter calls equal what the order calls equal, and nothing else', async () => {
  const named = await storeRows();
  for (const { rank, value } of ROWS) {
    const answers = await context.raw.query({
      from: [{ collectionId: 'order' }],
      where: { fieldFilter: { field: { fieldPath: 'v' }, op: 'EQUAL', value } },
    });
    const expected = named.filter((row) => row.rank === rank).map(({ name }) => name);
    expect(answers.map(({ document }) => document.name.split('/').at(-1))).toEqual(expected);
  }
});
