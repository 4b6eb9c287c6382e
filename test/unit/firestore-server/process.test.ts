/** The server in a process of its own. */

import { expect, test } from 'vitest';
import { spawnFirestoreServer } from '../../support/firestore/process.ts';
import { CODE, connect, failure, ROOT } from './clients.ts';

test('it serves, obeys, and ends', async () => {
  const server = await spawnFirestoreServer({ indexes: { indexes: [], fieldOverrides: [] }, latencyMs: 1 });
  const { db, raw, close } = connect(server.port);
  try {
    await db.doc('a/b').set({ big: 2n ** 60n, nan: Number.NaN, bytes: Buffer.from([1]) });
    expect((await server.documents())[`${ROOT}/a/b`]?.fields).toEqual({
      big: 2n ** 60n,
      nan: Number.NaN,
      bytes: Buffer.from([1]),
    });
    await server.setFault({ kind: 'permission_denied' }, { times: 1 });
    expect(await failure(db.doc('a/b').set({}))).toMatchObject({ code: CODE.PERMISSION_DENIED });
    expect(await server.stats()).toMatchObject({ rpcs: { Commit: 2 }, faults: { permission_denied: 1 } });
    await server.resetStats();
    expect((await server.stats()).rpcs).toEqual({});
    const group = raw.query({
      from: [{ collectionId: 'a', allDescendants: true }],
      orderBy: [{ field: { fieldPath: 'x' } }],
    });
    expect(await failure(group)).toMatchObject({ code: CODE.FAILED_PRECONDITION });
    await server.setLatency(30);
    const startedAt = performance.now();
    await db.doc('a/b').get();
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(28);
    await server.clear();
    expect(await server.documents()).toEqual({});
  } finally {
    await close();
    await server.stop();
  }
  expect(() => process.kill(server.pid, 0)).toThrow('ESRCH');
  await expect(server.stats()).rejects.toThrow();
  await server.stop();
});

test('a port that is taken is refused with a sentence', async () => {
  const server = await spawnFirestoreServer();
  await expect(spawnFirestoreServer({ port: server.port })).rejects.toThrow(
    `The Firestore test server cannot listen on 127.0.0.1:${server.port}.`,
  );
  await server.stop();
});
