/** Writes: preconditions, atomicity, versions, masks, and what is refused. */

import { FieldPath, FieldValue, Timestamp } from '@google-cloud/firestore';
import { expect, test } from 'vitest';
import { startFirestoreServer } from '../../support/firestore/server.ts';
import { CODE, connect, failure, microsOf, ROOT, update, useServer } from './clients.ts';

const context = useServer();

const one = { integerValue: '1' };

test('exists: false on an existing document', async () => {
  await context.db.doc('a/b').create({ n: 1 });
  expect(await failure(context.db.doc('a/b').create({ n: 2 }))).toMatchObject({
    code: CODE.ALREADY_EXISTS,
    details: `Document already exists: ${ROOT}/a/b`,
  });
  expect((await context.db.doc('a/b').get()).data()).toEqual({ n: 1 });
});

test('exists: true on a missing document', async () => {
  expect(await failure(context.db.doc('a/b').update({ n: 2 }))).toMatchObject({
    code: CODE.NOT_FOUND,
    details: `No document to update: ${ROOT}/a/b`,
  });
  expect(await failure(context.db.doc('a/b').delete({ exists: true }))).toMatchObject({
    code: CODE.NOT_FOUND,
  });
});

test('update_time: the version, another one, and none', async () => {
  const { writeTime: first } = await context.db.doc('a/b').set({ n: 1 });
  const { writeTime: second } = await context.db.doc('a/b').update({ n: 2 }, { lastUpdateTime: first });
  const { code, details } = await failure(context.db.doc('a/b').update({ n: 3 }, { lastUpdateTime: first }));
  expect(code).toBe(CODE.FAILED_PRECONDITION);
  expect(details).toBe(
    `the stored version (${microsOf(second)}) does not match the required base version (${microsOf(first)})`,
  );
  await context.db.doc('a/b').delete({ lastUpdateTime: second });
  expect(await failure(context.db.doc('a/b').delete({ lastUpdateTime: second }))).toMatchObject({
    code: CODE.FAILED_PRECONDITION,
  });
});

test('a commit happens wholly or not at all', async () => {
  await context.db.doc('a/there').set({ n: 1 });
  const batch = context.db
    .batch()
    .set(context.db.doc('a/new'), { n: 1 })
    .update(context.db.doc('a/there'), { n: 2 });
  expect(await failure(batch.create(context.db.doc('a/there'), {}).commit())).toMatchObject({ code: 6 });
  expect(Object.values(context.server.documents()).map(({ fields }) => fields)).toEqual([{ n: 1 }]);
});

test('the same document twice in one commit: in order, each on what the one before made', async () => {
  const document = context.db.doc('a/b');
  await context.db.batch().create(document, { n: 1 }).update(document, { m: 2 }).commit();
  expect((await document.get()).data()).toEqual({ n: 1, m: 2 });
  await context.db.batch().delete(document).create(document, { n: 3 }).commit();
  expect((await document.get()).data()).toEqual({ n: 3 });
});

test('a write that changes nothing keeps the update time, and says so', async () => {
  const document = context.db.doc('a/b');
  const fields = { n: 1, list: [1.5, { a: null }], at: Timestamp.fromMillis(5) };
  const { writeTime: first } = await document.set(fields);
  for (const write of [
    () => document.set(fields),
    () => document.update({ n: 1 }),
    () => document.set({}, { merge: true }),
  ]) {
    expect((await write()).writeTime.isEqual(first)).toBe(true);
  }
  const unchanged = await document.get();
  expect(unchanged.updateTime?.isEqual(first)).toBe(true);
  expect(unchanged.createTime?.isEqual(first)).toBe(true);
  expect((await document.update({ n: 2 })).writeTime.isEqual(first)).toBe(false);
});

const DIFFERENT: readonly (readonly [before: object, after: object])[] = [
  [one, { doubleValue: 1 }],
  [{ doubleValue: 0 }, { doubleValue: -0 }],
  [{ nullValue: 'NULL_VALUE' }, one],
  [{ stringValue: 'a' }, { bytesValue: Buffer.from('a') }],
  [{ timestampValue: { seconds: '1', nanos: 0 } }, { timestampValue: { seconds: '1', nanos: 1000 } }],
  [{ arrayValue: { values: [one] } }, { arrayValue: { values: [one, one] } }],
  [{ mapValue: { fields: { a: one } } }, { mapValue: { fields: { b: one } } }],
];

test.each(DIFFERENT)('a write changes %j to %j, equal or not to a query', async (before, after) => {
  const { raw } = context;
  const [first] = (await raw.commit([update('a/b', { n: before })])).writeResults ?? [];
  const [second] = (await raw.commit([update('a/b', { n: after })])).writeResults ?? [];
  expect(second?.updateTime).not.toEqual(first?.updateTime);
  expect((await raw.batchGet([`${ROOT}/a/b`]))[0].found.fields.n).toMatchObject(after);
});

test('a document that is deleted and created again has a later create time', async () => {
  const document = context.db.doc('a/b');
  const { writeTime: first } = await document.create({ n: 1 });
  await document.delete();
  const { writeTime: second } = await document.create({ n: 1 });
  expect(microsOf(second)).toBeGreaterThan(microsOf(first));
  expect((await document.get()).createTime?.isEqual(second)).toBe(true);
});

test.each([
  ['stands still', () => 1_700_000_000_000],
  ['goes back', (call: number) => 1_700_000_000_000 - call * 1000],
])('times are strictly monotonic over all documents when the clock %s', async (_name, nowAt) => {
  let calls = 0;
  const nowMs = () => {
    calls += 1;
    return nowAt(calls);
  };
  const server = await startFirestoreServer({ nowMs });
  const { db, close } = connect(server.port);
  const times: bigint[] = [];
  for (const id of ['x', 'y', 'x', 'z']) {
    times.push(microsOf((await db.doc(`a/${id}`).set({ id, n: times.length })).writeTime));
    times.push(microsOf((await db.doc(`a/${id}`).get()).readTime));
  }
  await close();
  await server.stop();
  // A read may share the time of the commit before it, never of the one after.
  const commits = times.filter((_, index) => index % 2 === 0);
  expect(commits.every((time, index) => index === 0 || time > (times[index * 2 - 1] as bigint))).toBe(true);
  expect(new Set(commits).size).toBe(commits.length);
  expect(times).toEqual(times.toSorted((left, right) => Number(left - right)));
});

test('an update mask replaces what it names, removes what is not given, keeps the rest', async () => {
  const document = context.db.doc('a/b');
  await document.set({ keep: 1, drop: 2, map: { keep: 1, set: 1, drop: 1 }, plain: 1, 'odd.name': 1 });
  await document.update(
    new FieldPath('odd.name'),
    2,
    'drop',
    FieldValue.delete(),
    'map.set',
    2,
    'map.drop',
    FieldValue.delete(),
    'plain.now.deep',
    3,
    'none.at.all',
    FieldValue.delete(),
  );
  expect((await document.get()).data()).toEqual({
    keep: 1,
    map: { keep: 1, set: 2 },
    plain: { now: { deep: 3 } },
    'odd.name': 2,
  });
});

test('a merge creates what is missing', async () => {
  await context.db.doc('a/b').set({ map: { n: 1 } }, { merge: true });
  await context.db.doc('a/b').set({ map: { m: 2 } }, { merge: true });
  expect((await context.db.doc('a/b').get()).data()).toEqual({ map: { n: 1, m: 2 } });
});

test('a batch write does each write by itself', async () => {
  const { raw, server } = context;
  const { writeResults, status } = await raw.batchWrite([
    update('a/x', { n: one }, { currentDocument: { exists: true } }),
    update('a/y', { n: one }),
    { delete: `${ROOT}/a/z` },
  ]);
  expect(status?.map(({ code }) => code)).toEqual([CODE.NOT_FOUND, 0, 0]);
  expect(writeResults?.[1]?.updateTime).toBeTruthy();
  expect(Object.keys(server.documents())).toEqual([`${ROOT}/a/y`]);
  expect(await failure(raw.batchWrite([update('a/x', {}), update('a/x', {})]))).toMatchObject({ code: 3 });
});

const deep = (levels: number): object =>
  levels === 0 ? one : { mapValue: { fields: { m: deep(levels - 1) } } };

const REFUSED: readonly [name: string, write: object][] = [
  [
    'an array in an array',
    update('a/b', { l: { arrayValue: { values: [{ arrayValue: { values: [] } }] } } }),
  ],
  ['a reserved field', update('a/b', { __field__: one })],
  ['a reserved field inside a map', update('a/b', { m: { mapValue: { fields: { __field__: one } } } })],
  ['an empty field name', update('a/b', { '': one })],
  ['a field name that is too long', update('a/b', { ['x'.repeat(1501)]: one })],
  ['maps deeper than 20', update('a/b', { m: deep(21) })],
  [
    'a document over 1 MiB',
    update('a/b', { a: { stringValue: 'x'.repeat(600_000) }, b: { stringValue: 'x'.repeat(500_000) } }),
  ],
  ['a value over 1 MiB less 89 bytes', update('a/b', { a: { stringValue: 'x'.repeat(1_048_488) } })],
  ['a reserved id', update('a/__b__', {})],
  ['an id of dots', update('a/..', {})],
  ['an id that is too long', update(`a/${'x'.repeat(1501)}`, {})],
  ['the name of a collection', update('a', {})],
  ['a database of others', { delete: 'projects/test/databases/other/documents/a/b' }],
  ['no operation', {}],
  ['a value without a type', update('a/b', { n: {} })],
  [
    'an increment by text',
    update('a/b', {}, { updateTransforms: [{ fieldPath: 'n', increment: { stringValue: '1' } }] }),
  ],
  ['a mask that is no path', update('a/b', {}, { updateMask: { fieldPaths: ['a..b'] } })],
];

test.each(REFUSED)('refused: %s', async (_name, write) => {
  expect(await failure(context.raw.commit([write]))).toMatchObject({ code: CODE.INVALID_ARGUMENT });
  expect(context.server.documents()).toEqual({});
});

test('accepted: 20 levels of maps, and a document just under 1 MiB', async () => {
  const rest = 1024 * 1024 - 32 - (2 + 2 + 16) - 2 * 2 - 2 - 500_000;
  const [a, b] = [{ stringValue: 'x'.repeat(500_000) }, { stringValue: 'x'.repeat(rest) }];
  await context.raw.commit([update('a/b', { m: deep(20) }), update('a/b', { a, b })]);
  const larger = update('a/b', { a, b: { stringValue: `${b.stringValue}x` } });
  expect(await failure(context.raw.commit([larger]))).toMatchObject({ code: CODE.INVALID_ARGUMENT });
});

test('a request over 10 MiB is refused', async () => {
  const writes = Array.from({ length: 11 }, (_, index) =>
    update(`a/${index}`, { x: { bytesValue: Buffer.alloc(1_000_000) } }),
  );
  expect(await failure(context.raw.commit(writes))).toMatchObject({ code: CODE.INVALID_ARGUMENT });
  await context.raw.commit(writes.slice(0, 10));
});

test('500 commits at once', async () => {
  const { db, server } = context;
  const documents = Array.from({ length: 500 }, (_, index) => db.doc(`many/${index}`));
  const results = await Promise.all(documents.map((document) => document.create({ n: 1 })));
  expect(new Set(results.map(({ writeTime }) => microsOf(writeTime))).size).toBe(500);
  expect(Object.keys(server.documents())).toHaveLength(500);
});

test('what is not served says so', async () => {
  const request = { parent: ROOT, collectionId: 'a', document: { fields: {} } };
  expect(await failure(context.raw.createDocument(request))).toMatchObject({ code: CODE.UNIMPLEMENTED });
});
