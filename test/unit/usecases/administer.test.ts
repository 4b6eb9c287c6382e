/** One commit for an act, its audit event and the memory of its answer. */
import { describe, expect, test } from 'vitest';
import type { Caller } from '../../../shared/access/caller.ts';
import {
  CommitInterruptedError,
  type DocumentStore,
  type Write,
} from '../../../shared/ports/document-store.ts';
import { auditRecord } from '../../../shared/records/audit.ts';
import { type AdminRequest, administer } from '../../../shared/usecases/administer.ts';
import { hashOf } from '../../../shared/usecases/audit-chain.ts';
import { openMemoryStore } from '../../support/memory-store.ts';
import { NOW } from '../../support/records.ts';

const CALLER: Caller = {
  actor: 'key:test',
  scopes: new Set(),
  customerId: null,
  source: '192.0.2.7',
  requestId: 'request-1',
};

let counter = 0;
const portsOf = (store: DocumentStore) => ({
  store,
  clock: { now: () => NOW, pause: async () => undefined },
  random: { bytes: (length: number) => new Uint8Array(length).fill(++counter) },
  hasher: { hash: (domain: string, text: string) => `${domain}:${Buffer.from(text).toString('base64url')}` },
});

const request = (more: Partial<AdminRequest> = {}): AdminRequest => ({
  caller: CALLER,
  operation: 'things.create',
  idempotencyKey: undefined,
  body: { name: 'x' },
  ...more,
});

/** Creates `things/{id}`, and refuses one that is there. */
const creating = (store: DocumentStore, id: string) => async () => {
  const [found] = await store.get([`things/${id}`]);
  if (found !== undefined) throw new Error('it is there already');
  return {
    answer: { id },
    writes: [{ op: 'set' as const, path: `things/${id}`, fields: { id }, demand: 'absent' as const }],
    act: { action: 'things.create', target: id, before: null, after: { id } },
  };
};

const create = (store: DocumentStore, id: string, more?: Partial<AdminRequest>) =>
  administer(portsOf(store), request(more), creating(store, id));

async function chainOf(store: DocumentStore) {
  const events = await store.query({ collection: 'audit', orderBy: [['seq', 'asc']] });
  return events.map(({ fields }) => auditRecord.parse(fields));
}

/** Every event follows the one before, and the head is the last. */
async function expectWhole(store: DocumentStore): Promise<void> {
  const events = await chainOf(store);
  let previous = '';
  for (const [place, event] of events.entries()) {
    expect([event.seq, event.previous]).toEqual([place + 1, previous]);
    expect(event.hash).toBe(await hashOf(event));
    previous = event.hash;
  }
  const [head] = await store.get(['audit_chain/head']);
  expect(head?.fields).toEqual({ seq: events.length, hash: previous });
}

/** The first commits are applied or not, and never confirmed. */
function doubtful(store: DocumentStore, outcomes: boolean[]): DocumentStore {
  return {
    ...store,
    async commit(writes) {
      const isApplied = outcomes.shift();
      if (isApplied === undefined) return store.commit(writes);
      if (isApplied) await store.commit(writes);
      throw new CommitInterruptedError();
    },
  };
}

describe('an act', () => {
  test('is committed with its event, which says who, what, when, from where, before and after', async () => {
    const store = openMemoryStore();
    expect(await create(store, 'a')).toEqual({ answer: { id: 'a' }, replayed: false });
    expect(await chainOf(store)).toMatchObject([
      {
        seq: 1,
        at: NOW,
        actor: 'key:test',
        source: '192.0.2.7',
        request_id: 'request-1',
        action: 'things.create',
        target: 'a',
        before: null,
        after: { id: 'a' },
      },
    ]);
    await expectWhole(store);
  });

  test('that changes nothing leaves no event', async () => {
    const store = openMemoryStore();
    const act = { action: 'things.look', target: 'a', before: null, after: null };
    await administer(portsOf(store), request(), async () => ({ answer: {}, writes: [], act }));
    expect(await chainOf(store)).toEqual([]);
  });

  test('that is refused leaves no event', async () => {
    const store = openMemoryStore();
    await create(store, 'a');
    await expect(create(store, 'a')).rejects.toThrow('it is there already');
    expect(await chainOf(store)).toHaveLength(1);
  });

  test('beside others joins one chain', async () => {
    const store = openMemoryStore();
    const ids = Array.from({ length: 20 }, (_, n) => `id-${n}`);
    await Promise.all(ids.map((id) => create(store, id)));
    expect((await chainOf(store)).map(({ target }) => target).sort()).toEqual([...ids].sort());
    await expectWhole(store);
  });
});

describe('a commit that was not confirmed', () => {
  test.each([
    ['and happened', [true]],
    ['and did not happen', [false]],
    ['twice, and then happened', [false, true]],
  ])('%s: the act is done once and answered', async (_, outcomes) => {
    const store = openMemoryStore();
    expect(await create(doubtful(store, [...outcomes]), 'a')).toEqual({
      answer: { id: 'a' },
      replayed: false,
    });
    expect(await chainOf(store)).toHaveLength(1);
    await expectWhole(store);
  });
});

test('a commit that happens while it is decided anew is found, and its own effect refuses it nothing', async () => {
  const store = openMemoryStore();
  let late: readonly Write[] | undefined;
  const slow: DocumentStore = {
    ...store,
    async commit(writes) {
      late = writes;
      throw new CommitInterruptedError();
    },
    async get(paths) {
      if (paths.includes('things/a') && late !== undefined) await store.commit(late);
      return store.get(paths);
    },
  };
  expect(await create(slow, 'a')).toEqual({ answer: { id: 'a' }, replayed: false });
  expect(await chainOf(store)).toHaveLength(1);
});

describe('several acts in one commit', () => {
  test('are events of their own, one after the other', async () => {
    const store = openMemoryStore();
    await create(store, 'a');
    const act = (target: string) => ({ action: 'things.sign', target, before: null, after: { target } });
    const writes = [{ op: 'set' as const, path: 'things/b', fields: {} }];
    const change = { answer: {}, writes, act: [act('first'), act('second'), act('third')] };
    await administer(portsOf(doubtful(store, [false, true])), request(), async () => change);
    const events = await chainOf(store);
    expect(events.map(({ target }) => target)).toEqual(['a', 'first', 'second', 'third']);
    expect(new Set(events.map(({ id }) => id)).size).toBe(4);
    await expectWhole(store);
  });
});

describe('an Idempotency-Key', () => {
  const KEY = { idempotencyKey: 'k-1' };

  test('gives the same answer again, and acts once', async () => {
    const store = openMemoryStore();
    await create(store, 'a', KEY);
    expect(await create(store, 'a', KEY)).toEqual({ answer: { id: 'a' }, replayed: true });
    expect(await chainOf(store)).toHaveLength(1);
  });

  test('of two requests at once lets one act', async () => {
    const store = openMemoryStore();
    const answers = await Promise.all([create(store, 'a', KEY), create(store, 'a', KEY)]);
    expect(answers.map(({ replayed }) => replayed).sort()).toEqual([false, true]);
    expect(await chainOf(store)).toHaveLength(1);
  });

  test('with another body is a conflict', async () => {
    const store = openMemoryStore();
    await create(store, 'a', KEY);
    await expect(create(store, 'b', { ...KEY, body: { name: 'y' } })).rejects.toMatchObject({
      code: 'idempotency_conflict',
    });
    expect(await chainOf(store)).toHaveLength(1);
  });

  test.each([
    ['of another caller', { caller: { ...CALLER, actor: 'key:other' } }],
    ['of another operation', { operation: 'things.remove' }],
  ])('%s is another key', async (_, more) => {
    const store = openMemoryStore();
    await create(store, 'a', KEY);
    expect(await create(store, 'b', { ...KEY, ...more })).toEqual({ answer: { id: 'b' }, replayed: false });
  });
});
