/** Every kind of tampering, planted in the store itself, and what is said of it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DocumentStore, Fields } from '../../../shared/ports/document-store.ts';
import { AUDIT_HEAD_PATH, auditPath } from '../../../shared/records/paths.ts';
import { hashOf } from '../../../shared/usecases/audit-chain.ts';
import { verifyAudit } from '../../../shared/usecases/verify-audit.ts';
import { count } from '../../support/audit-trail.ts';
import { openTestStore, type TestStore } from '../../support/test-store.ts';

/** More than one page of the walk. */
const EVENTS = 105;

describe.each(['sqlite', 'firestore'] as const)('on %s', (kind) => {
  let testStore: TestStore;
  let store: DocumentStore;

  beforeEach(async () => {
    testStore = await openTestStore(kind);
    store = testStore.store;
    for (let n = 0; n < EVENTS; n++) await count(store, 'x');
  });
  afterEach(() => testStore.close());

  const brokenOf = async () => (await verifyAudit(store)).broken;

  async function fieldsOf(path: string): Promise<Fields> {
    const [snapshot] = await store.get([path]);
    if (snapshot === undefined) throw new Error(`nothing is stored at ${path}`);
    return snapshot.fields;
  }

  /** Stores an event with a hash that fits it. */
  async function forge(path: string, fields: Fields): Promise<string> {
    const hash = await hashOf(fields);
    await store.commit([{ op: 'set', path, fields: { ...fields, hash } }]);
    return hash;
  }

  test('a chain that nobody touched is whole', async () => {
    const head = await fieldsOf(AUDIT_HEAD_PATH);
    expect(await verifyAudit(store)).toEqual({ events: EVENTS, head, broken: undefined });
  });

  test.each([1, 2, 100, 101, EVENTS])('event %i is missing', async (seq) => {
    await store.commit([{ op: 'delete', path: auditPath(seq) }]);
    expect(await verifyAudit(store)).toMatchObject({ events: seq - 1, broken: { fault: 'missing', seq } });
  });

  test('all events are missing', async () => {
    const writes = Array.from(
      { length: EVENTS },
      (_, n) => ({ op: 'delete', path: auditPath(n + 1) }) as const,
    );
    await store.commit(writes);
    expect(await brokenOf()).toEqual({ fault: 'missing', seq: 1 });
  });

  test.each([
    ['who', { actor: 'somebody else' }],
    ['when', { at: 0 }],
    ['what there was before', { before: 17 }],
    ['a member that events do not have', { comment: 'x' }],
    ['the hash', { hash: 'f'.repeat(64) }],
    ['a type', { actor: 3 }],
  ])('%s was changed', async (_, fields) => {
    await store.commit([{ op: 'update', path: auditPath(3), fields }]);
    expect(await brokenOf()).toEqual({ fault: 'changed', seq: 3 });
  });

  test('an event was changed together with its hash: the next one does not follow it', async () => {
    await forge(auditPath(3), { ...(await fieldsOf(auditPath(3))), actor: 'somebody else' });
    expect(await brokenOf()).toEqual({ fault: 'unlinked', seq: 4 });
  });

  test('the last event was changed together with its hash: the head differs', async () => {
    await forge(auditPath(EVENTS), { ...(await fieldsOf(auditPath(EVENTS))), actor: 'somebody else' });
    expect(await brokenOf()).toEqual({ fault: 'head_differs', seq: EVENTS });
  });

  test('two events changed places', async () => {
    const [third, fourth] = [await fieldsOf(auditPath(3)), await fieldsOf(auditPath(4))];
    await store.commit([
      { op: 'set', path: auditPath(3), fields: fourth },
      { op: 'set', path: auditPath(4), fields: third },
    ]);
    expect(await brokenOf()).toEqual({ fault: 'misplaced', seq: 3 });
  });

  test.each(['audit/000000000000', 'audit/9', 'audit/zzz'])('%s is no event of the chain', async (path) => {
    await store.commit([{ op: 'set', path, fields: await fieldsOf(auditPath(3)) }]);
    expect((await brokenOf())?.fault).toBe('misplaced');
  });

  test('the head was set back: what follows is beyond it', async () => {
    const { hash = '' } = await fieldsOf(auditPath(5));
    await store.commit([{ op: 'set', path: AUDIT_HEAD_PATH, fields: { seq: 5, hash } }]);
    expect(await brokenOf()).toEqual({ fault: 'beyond_head', seq: 6 });
  });

  test('the head is gone', async () => {
    await store.commit([{ op: 'delete', path: AUDIT_HEAD_PATH }]);
    expect(await brokenOf()).toEqual({ fault: 'beyond_head', seq: 1 });
  });

  test('an event was added by hand, without the head', async () => {
    const { hash: previous = '', ...last } = await fieldsOf(auditPath(EVENTS));
    await forge(auditPath(EVENTS + 1), { ...last, seq: EVENTS + 1, previous });
    expect(await brokenOf()).toEqual({ fault: 'beyond_head', seq: EVENTS + 1 });
  });

  test('the head has another hash', async () => {
    await store.commit([{ op: 'update', path: AUDIT_HEAD_PATH, fields: { hash: '0'.repeat(64) } }]);
    expect(await brokenOf()).toEqual({ fault: 'head_differs', seq: EVENTS });
  });

  test('of two faults the first is named', async () => {
    await store.commit([
      { op: 'update', path: auditPath(40), fields: { actor: 'x' } },
      { op: 'delete', path: auditPath(39) },
    ]);
    expect(await brokenOf()).toEqual({ fault: 'missing', seq: 39 });
  });

  test('events that are written while it walks break nothing', async () => {
    let walks = 0;
    const busy: DocumentStore = {
      ...store,
      async query(query) {
        const page = await store.query(query);
        walks += 1;
        for (let n = 0; n < 3; n++) await count(store, 'meanwhile');
        return page;
      },
    };
    expect((await verifyAudit(busy)).broken).toBeUndefined();
    expect(walks).toBeGreaterThan(1);
  });
});

test('a store where nothing was done has a whole chain of no events', async () => {
  const testStore = await openTestStore('sqlite');
  try {
    expect(await verifyAudit(testStore.store)).toEqual({
      events: 0,
      head: { seq: 0, hash: '' },
      broken: undefined,
    });
  } finally {
    await testStore.close();
  }
});
