/** Transactions: contention, isolation, and what ends them. */

import { expect, test } from 'vitest';
import { startFirestoreServer } from '../../support/firestore/server.ts';
import { CODE, connect, failure, ROOT, update, useServer } from './clients.ts';

const context = useServer();

const one = { integerValue: '1' };
const readWrite = { readWrite: {} };
const query = { from: [{ collectionId: 'a' }] };

test('increments in contending transactions all count', async () => {
  const { db } = context;
  const counter = db.doc('a/counter');
  await counter.set({ n: 0 });
  const increment = () =>
    db.runTransaction(
      async (transaction) => {
        const { n } = (await transaction.get(counter)).data() as { n: number };
        transaction.update(counter, { n: n + 1 });
      },
      { maxAttempts: 10 },
    );
  await Promise.all([increment(), increment(), increment()]);
  expect((await counter.get()).get('n')).toBe(3);
});

const READS: readonly [name: string, read: (transaction: Buffer) => Promise<unknown>][] = [
  ['a document', (transaction) => context.raw.batchGet([`${ROOT}/a/b`], { transaction })],
  ['a missing document', (transaction) => context.raw.batchGet([`${ROOT}/a/new`], { transaction })],
  ['what a query finds', (transaction) => context.raw.query(query, { transaction })],
];

test.each(READS)('a commit is aborted when %s has changed since it was read', async (_name, read) => {
  const { raw, server } = context;
  await raw.commit([update('a/b', { n: one })]);
  const transaction = await raw.begin(readWrite);
  await read(transaction);
  await raw.commit([update('a/b', {}), update('a/new', {})]);
  expect(await failure(raw.commit([update('a/mine', {})], transaction))).toMatchObject({
    code: CODE.ABORTED,
  });
  expect(Object.keys(server.documents())).not.toContain(`${ROOT}/a/mine`);
  // It is over: another attempt needs another transaction.
  expect(await failure(raw.commit([], transaction))).toMatchObject({ code: CODE.INVALID_ARGUMENT });
});

test.each(READS)(
  'a commit succeeds when nothing but other documents has changed: %s',
  async (_name, read) => {
    const { raw, server } = context;
    await raw.commit([update('a/b', { n: one })]);
    const transaction = await raw.begin(readWrite);
    await read(transaction);
    await raw.commit([update('elsewhere/b', {}), update('a/b', { n: one })]);
    await raw.commit([update('a/mine', {})], transaction);
    expect(Object.keys(server.documents())).toContain(`${ROOT}/a/mine`);
  },
);

test('a read can begin its transaction', async () => {
  const { raw } = context;
  const [opened, found] = await raw.batchGet([`${ROOT}/a/b`], { newTransaction: readWrite });
  expect([opened.transaction.length, found.missing]).toEqual([16, `${ROOT}/a/b`]);
  await raw.commit([update('a/b', {})]);
  expect(await failure(raw.commit([update('a/c', {})], opened.transaction))).toMatchObject({
    code: CODE.ABORTED,
  });
  const [begun] = await raw.query(query, { newTransaction: readWrite });
  await raw.commit([update('a/d', {})], begun.transaction);
});

test('a read-only transaction reads and cannot write', async () => {
  const { db, raw } = context;
  await db.doc('a/b').set({ n: 1 });
  const read = await db.runTransaction(
    async (transaction) => (await transaction.get(db.doc('a/b'))).get('n'),
    {
      readOnly: true,
    },
  );
  expect(read).toBe(1);
  const transaction = await raw.begin({ readOnly: {} });
  expect(await failure(raw.commit([update('a/b', {})], transaction))).toMatchObject({ code: 3 });
});

test('a read in the past is refused rather than answered with the present', async () => {
  const { db, raw } = context;
  const { writeTime } = await db.doc('a/b').set({ n: 1 });
  const readTime = { seconds: writeTime.seconds, nanos: writeTime.nanoseconds };
  expect((await raw.batchGet([`${ROOT}/a/b`], { readTime }))[0].found.fields.n).toMatchObject(one);
  const transaction = await raw.begin({ readOnly: {} });
  await db.doc('a/c').set({ n: 2 });
  for (const consistency of [{ readTime }, { transaction }, { newTransaction: { readOnly: { readTime } } }]) {
    const answer = raw.batchGet([`${ROOT}/a/b`], consistency);
    expect(await failure(answer)).toMatchObject({ code: CODE.UNIMPLEMENTED });
  }
});

test('a transaction is over after its rollback; one that never was is refused', async () => {
  const { raw } = context;
  const transaction = await raw.begin(readWrite);
  await raw.rollback(transaction);
  for (const id of [transaction, Buffer.from('never')]) {
    expect(await failure(raw.commit([], id))).toMatchObject({ code: CODE.INVALID_ARGUMENT });
    expect(await failure(raw.batchGet([`${ROOT}/a/b`], { transaction: id }))).toMatchObject({ code: 3 });
  }
});

test.each([
  ['after 60 s without use', [0, 61_000]],
  ['270 s after its begin', [50_000, 100_000, 150_000, 200_000, 250_000, 271_000]],
])('a transaction expires %s', async (_name, uses) => {
  let nowMs = 1_700_000_000_000;
  const beganAt = nowMs;
  const server = await startFirestoreServer({ nowMs: () => nowMs });
  const { raw, close } = connect(server.port);
  const transaction = await raw.begin(readWrite);
  const read = () => raw.batchGet([`${ROOT}/a/b`], { transaction });
  for (const use of uses.slice(0, -1)) {
    nowMs = beganAt + use;
    await read();
  }
  nowMs = beganAt + (uses.at(-1) as number);
  expect(await failure(read())).toMatchObject({ code: CODE.INVALID_ARGUMENT });
  await close();
  await server.stop();
});
