/** Faults, latency and counters. */

import { setTimeout as pause } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Fault } from '../../support/firestore/faults.ts';
import { CODE, failure, ROOT, update, useServer } from './clients.ts';

const context = useServer();

const create = { currentDocument: { exists: false } };
const stored = () => Object.keys(context.server.documents());
const attempt = () => context.raw.commit([update('a/b', {}, create)]);

describe('faults', () => {
  test.each<[Fault, number]>([
    [{ kind: 'aborted' }, CODE.ABORTED],
    [{ kind: 'unavailable_before' }, CODE.UNAVAILABLE],
    [{ kind: 'resource_exhausted' }, CODE.RESOURCE_EXHAUSTED],
    [{ kind: 'permission_denied' }, CODE.PERMISSION_DENIED],
    [{ kind: 'deadline_exceeded_before', delayMs: 5 }, CODE.DEADLINE_EXCEEDED],
  ])('nothing has happened: %j', async (fault, code) => {
    context.server.setFault(fault, { times: 1 });
    expect(await failure(attempt())).toMatchObject({ code });
    expect(stored()).toEqual([]);
    await attempt();
    expect(stored()).toEqual([`${ROOT}/a/b`]);
  });

  test.each<[Fault, number]>([
    [{ kind: 'unavailable_after' }, CODE.UNAVAILABLE],
    [{ kind: 'deadline_exceeded_after', delayMs: 5 }, CODE.DEADLINE_EXCEEDED],
  ])('it has happened: %j', async (fault, code) => {
    context.server.setFault(fault, { times: 1 });
    expect(await failure(attempt())).toMatchObject({ code });
    expect(stored()).toEqual([`${ROOT}/a/b`]);
    expect(context.server.stats().documentsWritten).toBe(1);
  });

  test('delivered twice, a commit fails on its own success', async () => {
    context.server.setFault({ kind: 'duplicate' }, { times: 1 });
    expect(await failure(attempt())).toMatchObject({ code: CODE.ALREADY_EXISTS });
    expect(stored()).toEqual([`${ROOT}/a/b`]);
  });

  test('delivered twice, an increment counts twice', async () => {
    context.server.setFault({ kind: 'duplicate' }, { times: 1 });
    const updateTransforms = [{ fieldPath: 'n', increment: { integerValue: '1' } }];
    await context.raw.commit([update('a/b', {}, { updateTransforms, updateMask: { fieldPaths: [] } })]);
    expect(context.server.documents()[`${ROOT}/a/b`]?.fields).toEqual({ n: 2 });
  });

  test.each(['before', 'after'] as const)("the caller's own deadline ends the wait: %s", async (moment) => {
    context.server.setFault({ kind: `deadline_exceeded_${moment}` }, { times: 1 });
    const startedAt = performance.now();
    expect(await failure(context.raw.commit([update('a/b', {})], undefined, 60))).toMatchObject({ code: 4 });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(50);
    await pause(30);
    expect(stored()).toHaveLength(moment === 'after' ? 1 : 0);
  });

  test('a fault of one method leaves the others alone', async () => {
    context.server.setFault({ kind: 'unavailable_before' }, { method: 'RunQuery' });
    await attempt();
    const query = { from: [{ collectionId: 'a' }] };
    expect(await failure(context.raw.query(query))).toMatchObject({ code: CODE.UNAVAILABLE });
    expect(await failure(context.raw.query(query))).toMatchObject({ code: CODE.UNAVAILABLE });
    context.server.setFault(null);
    expect(await context.raw.query(query)).toHaveLength(1);
  });

  async function struck(fault: Fault, calls: number): Promise<number[]> {
    context.server.setFault(fault, { method: 'Commit' });
    const outcomes: number[] = [];
    for (let call = 0; call < calls; call += 1) {
      outcomes.push(
        await context.raw.commit([update('a/b', {})]).then(
          () => 0,
          ({ code }) => code,
        ),
      );
    }
    return outcomes.map((code, index) => (code === 0 ? -1 : index)).filter((index) => index >= 0);
  }

  test('every third call', async () => {
    expect(await struck({ kind: 'aborted', every: 3 }, 9)).toEqual([2, 5, 8]);
    expect(context.server.stats().faults).toEqual({ aborted: 3 });
  });

  test('at random, the same from the same seed', async () => {
    const first = await struck({ kind: 'aborted', probability: 0.3, seed: 7 }, 100);
    expect(await struck({ kind: 'aborted', probability: 0.3, seed: 7 }, 100)).toEqual(first);
    expect(await struck({ kind: 'aborted', probability: 0.3, seed: 8 }, 100)).not.toEqual(first);
    expect(first.length).toBeGreaterThan(15);
    expect(first.length).toBeLessThan(45);
  });

  test("the high-level client's own retry meets its success", async () => {
    context.server.setFault({ kind: 'unavailable_after' }, { times: 1, method: 'Commit' });
    expect(await failure(context.db.doc('a/b').create({}))).toMatchObject({ code: CODE.ALREADY_EXISTS });
  });
});

describe('latency', () => {
  test('half of it passes before the effect, half after', async () => {
    context.server.setLatency(80);
    const startedAt = performance.now();
    const answer = attempt();
    await pause(20);
    expect(stored()).toEqual([]);
    await pause(40);
    expect(stored()).toHaveLength(1);
    await answer;
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(78);
    context.server.setLatency(0);
  });
});

describe('counters', () => {
  beforeEach(async () => {
    const names = ['a', 'b', 'c', 'd'].map((id) => update(`c/${id}`, { n: { integerValue: '1' } }));
    await context.raw.commit(names);
    context.server.resetStats();
  });

  const query = { from: [{ collectionId: 'c' }] };
  const BILLS: readonly [name: string, call: () => Promise<unknown>, bill: object][] = [
    [
      'documents that were asked for, there or not',
      () => context.raw.batchGet([`${ROOT}/c/a`, `${ROOT}/c/z`]),
      { documentsRead: 2 },
    ],
    [
      'documents that a query finds',
      () => context.raw.query({ ...query, limit: { value: 3 } }),
      { documentsRead: 3 },
    ],
    [
      'documents that it skips',
      () => context.raw.query({ ...query, offset: 2, limit: { value: 1 } }),
      { documentsRead: 3 },
    ],
    [
      'one for a query that finds nothing',
      () => context.raw.query({ from: [{ collectionId: 'z' }] }),
      { documentsRead: 1 },
    ],
    ['one for a count', () => context.db.collection('c').count().get(), { documentsRead: 1 }],
    [
      'writes',
      () => context.raw.commit([update('c/a', {}), update('c/z', {})]),
      { documentsWritten: 2, documentsRead: 0 },
    ],
    [
      'deletes',
      () => context.raw.commit([{ delete: `${ROOT}/c/a` }]),
      { documentsDeleted: 1, documentsWritten: 0 },
    ],
    [
      'nothing for a commit that fails',
      () => failure(context.raw.commit([update('c/a', {}), update('c/b', {}, create)])),
      { documentsWritten: 0 },
    ],
  ];

  test.each(BILLS)('billed: %s', async (_name, call, bill) => {
    await call();
    expect(context.server.stats()).toMatchObject(bill);
  });

  test('a count of 1,001 entries is two reads', async () => {
    await Promise.all(
      [0, 1, 2].map((part) =>
        context.raw.commit(
          Array.from({ length: 334 }, (_, index) => update(`big/${part * 334 + index}`, {})),
        ),
      ),
    );
    context.server.resetStats();
    expect((await context.db.collection('big').count().get()).data().count).toBe(1002);
    expect(context.server.stats().documentsRead).toBe(2);
  });

  test('calls by method, and rounds of calls that overlap', async () => {
    const { raw, server } = context;
    const read = () => raw.batchGet([`${ROOT}/c/a`]);
    server.setLatency(20);
    await Promise.all([read(), read(), raw.commit([update('c/a', {})])]);
    await read();
    await read();
    await Promise.all([read(), read()]);
    server.setLatency(0);
    expect(server.stats()).toMatchObject({ rpcs: { BatchGetDocuments: 6, Commit: 1 }, rounds: 4 });
    server.resetStats();
    expect(server.stats()).toEqual({
      rpcs: {},
      documentsRead: 0,
      documentsWritten: 0,
      documentsDeleted: 0,
      rounds: 0,
      faults: {},
    });
  });
});
