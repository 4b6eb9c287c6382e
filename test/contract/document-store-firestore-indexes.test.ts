/** The queries of the product need no index but those of `infra/stores/indexes.json`, which Terraform creates. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FirestoreStore, openFirestoreStore } from '../../infra/stores/firestore.ts';
import declaredIndexes from '../../infra/stores/indexes.json' with { type: 'json' };
import { DOCUMENT_ID, type Query } from '../../shared/ports/document-store.ts';
import { type FirestoreServer, startFirestoreServer } from '../support/firestore/server.ts';

describe('indexes', () => {
  let server: FirestoreServer;
  let store: FirestoreStore;
  beforeAll(async () => {
    server = await startFirestoreServer({ indexes: declaredIndexes });
    store = openFirestoreStore({ project: 'test', database: '(default)', endpoint: server.host });
  });
  beforeEach(() => server.resetStats());
  afterAll(async () => {
    await store.close();
    await server.stop();
  });

  const L = 'licenses/0123456789abcdef0123456789abcdef';
  const product: Record<string, Query> = {
    'expired sessions of all licences, a shard at a time': {
      group: 'sessions',
      where: [
        ['shard', '==', 3],
        ['lease_expires_at', '<', 1],
      ],
      orderBy: [['lease_expires_at', 'asc']],
      limit: 100,
    },
    'the next page of them': {
      group: 'sessions',
      where: [
        ['shard', '==', 3],
        ['lease_expires_at', '<', 1],
      ],
      orderBy: [['lease_expires_at', 'asc']],
      limit: 100,
      startAfter: [0, `${L}/sessions/x`],
    },
    'documents of a customer, the newest first': {
      group: 'documents',
      where: [['customer_id', '==', 'acme']],
      orderBy: [['issued_at', 'desc']],
      limit: 100,
      startAfter: [1, `${L}/documents/x`],
    },
    'the newest activation of an instance': {
      group: 'activations',
      where: [['instance', '==', 'x']],
      orderBy: [['last_seen_at', 'desc']],
      limit: 1,
    },
    'activations of a licence': { collection: `${L}/activations`, limit: 20 },
    'a window of slots': {
      collection: `${L}/slots`,
      where: [
        [DOCUMENT_ID, '>=', '0'],
        [DOCUMENT_ID, '<', '1'],
      ],
      limit: 256,
    },
    'the sessions of a licence whose leases end first': {
      collection: `${L}/sessions`,
      orderBy: [['lease_expires_at', 'asc']],
      limit: 16,
    },
    'all sessions of a licence': { collection: `${L}/sessions`, limit: 100, startAfter: ['x'] },
    'sessions of a licence without a seat': {
      collection: `${L}/sessions`,
      where: [['seat', '==', null]],
      limit: 2,
    },
    'the next page of those': {
      collection: `${L}/sessions`,
      where: [['seat', '==', null]],
      limit: 100,
      startAfter: ['x'],
    },
    'a window of seats': {
      collection: `${L}/seats`,
      where: [
        [DOCUMENT_ID, '>=', '0000000'],
        [DOCUMENT_ID, '<', '0000064'],
      ],
      orderBy: [[DOCUMENT_ID, 'asc']],
      limit: 64,
    },
    'seats beyond a number': {
      collection: `${L}/seats`,
      where: [[DOCUMENT_ID, '>=', '0000064']],
      limit: 2,
    },
    'old idempotency records': {
      collection: 'idempotency',
      where: [['expires_at', '<', 1]],
      orderBy: [['expires_at', 'asc']],
      limit: 100,
    },
    'licences whose seats were lowered': {
      collection: 'licenses',
      where: [['seats_lowered_at', '<=', 1]],
      orderBy: [['seats_lowered_at', 'asc']],
      limit: 100,
    },
  };

  it.each(Object.keys(product))('serve %s', async (title) => {
    expect(await store.query(product[title] as Query)).toEqual([]);
  });

  it('serve the counts of seats, all of them and a window', async () => {
    const window = product['a window of seats'] as Query;
    expect((await store.aggregate({ collection: `${L}/seats` })).count).toBe(0);
    expect((await store.aggregate(window)).count).toBe(0);
  });

  it('that are missing are no conflict, and not asked for again', async () => {
    const unknown: Query = { collection: `${L}/sessions`, orderBy: [['started_at', 'asc']] };
    await expect(store.query(unknown)).rejects.toMatchObject({
      code: 'store_unavailable',
      message: 'The store refused; the operator has to look at the log.',
      cause: { status: 'FAILED_PRECONDITION', message: expect.stringMatching(/index/) },
    });
    expect(server.stats().rpcs).toEqual({ RunQuery: 1 });
  });
});
