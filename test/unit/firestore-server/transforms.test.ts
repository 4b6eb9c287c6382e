/** Field transforms: what the server computes, stores and answers. */

import { FieldValue } from '@google-cloud/firestore';
import { expect, test } from 'vitest';
import { microsOf, ROOT, update, useServer } from './clients.ts';

const context = useServer();

const one = { integerValue: '1' };
const two = { integerValue: '2' };

const TRANSFORMS: readonly [name: string, before: object | undefined, transform: object, after: object][] = [
  ['increment', one, { increment: two }, { integerValue: '3' }],
  ['increment of nothing', undefined, { increment: two }, two],
  ['increment of text', { stringValue: 'x' }, { increment: two }, two],
  ['increment by a double', one, { increment: { doubleValue: 0.5 } }, { doubleValue: 1.5 }],
  [
    'increment that overflows',
    { integerValue: '9223372036854775800' },
    { increment: { integerValue: '100' } },
    { integerValue: '9223372036854775807' },
  ],
  [
    'increment that underflows',
    { integerValue: '-9223372036854775800' },
    { increment: { integerValue: '-100' } },
    { integerValue: '-9223372036854775808' },
  ],
  ['maximum', one, { maximum: two }, two],
  ['maximum of what is larger', two, { maximum: one }, two],
  ['maximum of equals keeps the type', one, { maximum: { doubleValue: 1 } }, one],
  ['minimum', two, { minimum: { doubleValue: 1.5 } }, { doubleValue: 1.5 }],
  ['minimum of text', { stringValue: 'x' }, { minimum: two }, two],
];

test.each(TRANSFORMS)('transform: %s', async (_name, before, transform, after) => {
  const { raw } = context;
  if (before) await raw.commit([update('a/b', { n: before })]);
  const write = update(
    'a/b',
    {},
    { updateMask: { fieldPaths: [] }, updateTransforms: [{ fieldPath: 'n', ...transform }] },
  );
  const { writeResults } = await raw.commit([write]);
  expect(writeResults?.[0]?.transformResults?.[0]).toMatchObject(after);
  expect((await raw.batchGet([`${ROOT}/a/b`]))[0].found.fields.n).toMatchObject(after);
});

test('transforms of arrays', async () => {
  const document = context.db.doc('a/b');
  await document.set({ list: [1, 'x', null], plain: 1 });
  await document.update({ list: FieldValue.arrayUnion(1.0, 'y', 'y'), plain: FieldValue.arrayUnion('z') });
  expect((await document.get()).data()).toEqual({ list: [1, 'x', null, 'y'], plain: ['z'] });
  await document.update({ list: FieldValue.arrayRemove(null, 'x', 7), none: FieldValue.arrayRemove(1) });
  expect((await document.get()).data()).toEqual({ list: [1, 'y'], plain: ['z'], none: [] });
});

test('the server time is that of the commit in milliseconds, the same in all its documents', async () => {
  const [a, b] = [context.db.doc('a/a'), context.db.doc('a/b')];
  const fields = { at: FieldValue.serverTimestamp(), map: { at: FieldValue.serverTimestamp() } };
  const [result] = await context.db.batch().set(a, fields).set(b, fields).commit();
  const expected = BigInt(result?.writeTime.toMillis() ?? 0) * 1000n;
  const times = (await context.db.getAll(a, b)).flatMap((found) => [found.get('at'), found.get('map.at')]);
  expect(times.map(microsOf)).toEqual([expected, expected, expected, expected]);
});

test('the transform write of old', async () => {
  const { raw } = context;
  const write = {
    transform: { document: `${ROOT}/a/b`, fieldTransforms: [{ fieldPath: 'm.n', increment: two }] },
  };
  await raw.commit([write, write]);
  expect(context.server.documents()[`${ROOT}/a/b`]?.fields).toEqual({ m: { n: 4 } });
});
