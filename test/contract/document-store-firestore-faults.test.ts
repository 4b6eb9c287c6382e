/**
 * What the Firestore adapter makes of a server that fails: reads are right or refused within their deadline, commits are
 * sent once and their outcome is told as far as it is known.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FirestoreStore, openFirestoreStore } from '../../infra/stores/firestore.ts';
import { CountersignError } from '../../shared/errors.ts';
import { CommitInterruptedError, ConflictError } from '../../shared/ports/document-store.ts';
import type { Fault } from '../support/firestore/faults.ts';
import { type FirestoreServer, startFirestoreServer } from '../support/firestore/server.ts';

/** How late an answer may be on a busy machine. */
const SLACK_MS = 4_000;
const DEADLINE_MS = 1_500;
const PROJECT = 'secret-project-name';

const open = (endpoint: string, deadlineMs = DEADLINE_MS): FirestoreStore =>
  openFirestoreStore({ project: PROJECT, database: '(default)', endpoint, deadlineMs });

let server: FirestoreServer;
let store: FirestoreStore;
beforeAll(async () => {
  server = await startFirestoreServer();
  store = open(server.host);
  await store.commit([1, 2, 3].map((n) => ({ op: 'set', path: `read/${n}`, fields: { n } })));
});
beforeEach(() => server.resetStats());
afterEach(() => server.setFault(null));
afterAll(async () => {
  await store.close();
  await server.stop();
});

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    (value) => new Error(`no failure, but ${JSON.stringify(value)}`),
    (reason: Error) => reason,
  );
  // Whatever it is, the public sentence names no project.
  expect(error.message).not.toContain(PROJECT);
  return error;
}

async function unavailable(promise: Promise<unknown>): Promise<CountersignError> {
  const error = await failureOf(promise);
  expect(error).toBeInstanceOf(CountersignError);
  expect(error).toMatchObject({ code: 'store_unavailable', cause: expect.any(Error) });
  expect((error as CountersignError).retryAfterSeconds).toBeGreaterThan(0);
  return error as CountersignError;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const READS = {
  BatchGetDocuments: {
    ask: () => store.get(['read/1', 'read/none']),
    answer: [expect.objectContaining({ fields: { n: 1 } }), undefined],
  },
  RunQuery: {
    ask: async () => (await store.query({ collection: 'read' })).map(({ fields }) => fields.n),
    answer: [1, 2, 3],
  },
  RunAggregationQuery: {
    ask: async () => (await store.aggregate({ collection: 'read' })).count,
    answer: 3,
  },
} as const;

/** Faults that pass, with the status that the cause names. A short delay stands for a deadline at the server. */
const PASSING: readonly (readonly [Fault, string])[] = [
  [{ kind: 'aborted' }, 'ABORTED'],
  [{ kind: 'resource_exhausted' }, 'RESOURCE_EXHAUSTED'],
  [{ kind: 'unavailable_before' }, 'UNAVAILABLE'],
  [{ kind: 'unavailable_after' }, 'UNAVAILABLE'],
  [{ kind: 'deadline_exceeded_before', delayMs: 5 }, 'DEADLINE_EXCEEDED'],
  [{ kind: 'deadline_exceeded_after', delayMs: 5 }, 'DEADLINE_EXCEEDED'],
];
const passing = PASSING.map(([fault, status]) => ({ fault, status, kind: fault.kind }));

describe.each(Object.keys(READS) as (keyof typeof READS)[])('%s', (method) => {
  const { ask, answer } = READS[method];

  test.each(passing)('$kind, once or twice: asked again, and the answer is right', async ({ fault }) => {
    for (const times of [1, 2]) {
      server.resetStats();
      server.setFault(fault, { times, method });
      expect(await ask()).toEqual(answer);
      expect(server.stats().rpcs).toEqual({ [method]: times + 1 });
    }
  });

  test.each(passing)('$kind, always: unavailable after three attempts', async ({ fault, status }) => {
    server.setFault(fault);
    const error = await unavailable(ask());
    expect((error.cause as AggregateError).errors).toHaveLength(3);
    expect((error.cause as AggregateError).errors).toEqual(
      Array(3).fill(expect.objectContaining({ name: 'FirestoreCallError', status })),
    );
    expect(server.stats().rpcs).toEqual({ [method]: 3 });
  });

  test('permission_denied: unavailable, not asked again', async () => {
    server.setFault({ kind: 'permission_denied' });
    const error = await unavailable(ask());
    expect(error).toMatchObject({ retryAfterSeconds: 60, cause: { status: 'PERMISSION_DENIED' } });
    expect(server.stats().rpcs).toEqual({ [method]: 1 });
  });

  test('duplicate: the answer is right', async () => {
    server.setFault({ kind: 'duplicate' });
    expect(await ask()).toEqual(answer);
  });

  test('a server that never answers: three attempts at most, all within the deadline', async () => {
    server.setFault({ kind: 'deadline_exceeded_before' });
    const elapsed = await timed(() => unavailable(ask()));
    expect(elapsed).toBeGreaterThan(DEADLINE_MS * 0.8);
    expect(elapsed).toBeLessThan(DEADLINE_MS + SLACK_MS);
    expect(server.stats().rpcs[method]).toBeGreaterThan(1);
  });

  test('one call that is lost leaves time to ask again', async () => {
    server.setFault({ kind: 'deadline_exceeded_before' }, { times: 1 });
    expect(await ask()).toEqual(answer);
  });
});

describe('Commit', () => {
  const write = (path: string) => store.commit([{ op: 'set', path, fields: { a: 1 }, demand: 'absent' }]);
  const isStored = async (path: string) => (await store.get([path]))[0] !== undefined;
  const fresh = () => `written/${randomUUID()}`;

  test.each(passing)('$kind: interrupted, sent once, done or not', async ({ fault, status, kind }) => {
    const path = fresh();
    server.setFault(fault, { method: 'Commit' });
    const error = await failureOf(write(path));
    expect(error).toBeInstanceOf(CommitInterruptedError);
    expect(error.cause).toMatchObject({ name: 'FirestoreCallError', status });
    expect(server.stats().rpcs).toEqual({ Commit: 1 });
    expect(await isStored(path)).toBe(kind.endsWith('_after'));
  });

  test('permission_denied: unavailable, sent once, not done', async () => {
    const path = fresh();
    server.setFault({ kind: 'permission_denied' }, { method: 'Commit' });
    expect(await unavailable(write(path))).toMatchObject({ retryAfterSeconds: 60 });
    expect(server.stats().rpcs).toEqual({ Commit: 1 });
    expect(await isStored(path)).toBe(false);
  });

  test('duplicate: a conflict with its own success', async () => {
    const path = fresh();
    server.setFault({ kind: 'duplicate' });
    const error = await failureOf(write(path));
    expect(error).toBeInstanceOf(ConflictError);
    expect(error).toMatchObject({ path });
    expect(await isStored(path)).toBe(true);
  });

  test('duplicate without a demand: done', async () => {
    const path = fresh();
    server.setFault({ kind: 'duplicate' });
    const [version] = await store.commit([{ op: 'set', path, fields: { a: 1 } }]);
    expect((await store.get([path]))[0]?.version).toBe(version);
  });

  test('a server that never answers: interrupted at the deadline, sent once', async () => {
    server.setFault({ kind: 'deadline_exceeded_after' }, { method: 'Commit' });
    const path = fresh();
    const elapsed = await timed(async () => {
      expect(await failureOf(write(path))).toBeInstanceOf(CommitInterruptedError);
    });
    expect(elapsed).toBeGreaterThan(DEADLINE_MS * 0.9);
    expect(elapsed).toBeLessThan(DEADLINE_MS + SLACK_MS);
    expect(server.stats().rpcs).toEqual({ Commit: 1 });
    expect(await isStored(path)).toBe(true);
  });
});

describe('the connection', () => {
  test('to a port where nobody listens: reads are unavailable and commits interrupted, within the deadline', async () => {
    const nobody = open('127.0.0.1:1', 1_000);
    const elapsed = await timed(async () => {
      expect(String((await unavailable(nobody.get(['a/1']))).cause)).toContain('UNAVAILABLE');
      const commit = nobody.commit([{ op: 'delete', path: 'a/1' }]);
      expect(await failureOf(commit)).toBeInstanceOf(CommitInterruptedError);
    });
    expect(elapsed).toBeLessThan(2 * 1_000 + SLACK_MS);
    await nobody.close();
  });

  test('to a server that was stopped and started again on its port works again', async () => {
    const first = await startFirestoreServer();
    const reconnecting = open(first.host);
    await reconnecting.commit([{ op: 'set', path: 'a/1', fields: {} }]);
    await first.stop();
    await unavailable(reconnecting.get(['a/1']));
    const second = await startFirestoreServer({ port: first.port });
    await expect.poll(() => reconnecting.get(['a/1']), { timeout: 10_000 }).toEqual([undefined]);
    await reconnecting.close();
    await second.stop();
  });

  test('that is closed answers nothing any more, and says so', async () => {
    const closed = open(server.host);
    await closed.get(['read/1']);
    await closed.close();
    await closed.close();
    const sentence = { code: 'store_unavailable', message: 'The store was closed.', retryAfterSeconds: 1 };
    await expect(closed.get(['read/1'])).rejects.toMatchObject(sentence);
    await expect(closed.query({ collection: 'read' })).rejects.toMatchObject(sentence);
    await expect(closed.aggregate({ collection: 'read' })).rejects.toMatchObject(sentence);
    await expect(closed.commit([{ op: 'delete', path: 'a/1' }])).rejects.toMatchObject(sentence);
  });

  test('that takes longer than the deadline: unavailable, because nothing was sent', async () => {
    const hasty = open(server.host, 1);
    const commit = hasty.commit([{ op: 'delete', path: 'a/1' }]);
    expect(await unavailable(commit)).toMatchObject({ cause: { status: 'DEADLINE_EXCEEDED', sent: false } });
    expect(server.stats().rpcs).toEqual({});
    await hasty.close();
  });

  test('that was never used is closed', async () => {
    await open('127.0.0.1:1').close();
  });

  test('without credentials that can be read: unavailable, nothing sent, the process lives', async () => {
    const before = process.env.GOOGLE_APPLICATION_CREDENTIALS;
    process.env.GOOGLE_APPLICATION_CREDENTIALS = 'nonexistent/credentials.json';
    const real = openFirestoreStore({ project: PROJECT, database: '(default)', deadlineMs: 3_000 });
    try {
      for (const _ of ['first', 'second']) {
        expect(await unavailable(real.get(['a/1']))).toMatchObject({ cause: { status: 'UNAUTHENTICATED' } });
      }
      const commit = real.commit([{ op: 'delete', path: 'a/1' }]);
      expect(await unavailable(commit)).toMatchObject({ cause: { status: 'UNAUTHENTICATED', sent: false } });
    } finally {
      await real.close();
      if (before === undefined) delete process.env.GOOGLE_APPLICATION_CREDENTIALS;
      else process.env.GOOGLE_APPLICATION_CREDENTIALS = before;
    }
  });
});
