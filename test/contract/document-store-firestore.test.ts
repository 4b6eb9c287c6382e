/** The Firestore adapter on the test server, and on the server that FIRESTORE_EMULATOR_HOST names. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { createFirestoreClient, type FirestoreClient } from '../../infra/stores/firestore/client.ts';
import type { WireFields, WireWrite } from '../../infra/stores/firestore/wire.ts';
import { type FirestoreStore, openFirestoreStore } from '../../infra/stores/firestore.ts';
import type { Value, Write } from '../../shared/ports/document-store.ts';
import { type FirestoreServer, startFirestoreServer } from '../support/firestore/server.ts';
import { documentStoreContract, type OpenStore } from './document-store.ts';

const PROJECT = 'countersign-test';
const DATABASE = `projects/${PROJECT}/databases/(default)`;

async function openOn(endpoint: string, stop: () => Promise<void>): Promise<OpenStore> {
  const open = () => openFirestoreStore({ project: PROJECT, database: '(default)', endpoint });
  let store = open();
  return {
    store,
    close: async () => {
      await store.close();
      await stop();
    },
    reopen: async () => {
      await store.close();
      store = open();
      return store;
    },
  };
}

documentStoreContract('Firestore', async () => {
  const server = await startFirestoreServer();
  return openOn(server.host, server.stop);
});

const emulator = process.env.FIRESTORE_EMULATOR_HOST;
if (emulator) documentStoreContract('FIRESTORE_EMULATOR_HOST', () => openOn(emulator, async () => undefined));

describe('Firestore store', () => {
  let server: FirestoreServer;
  let store: FirestoreStore;
  let raw: FirestoreClient;
  beforeAll(async () => {
    server = await startFirestoreServer();
    store = openFirestoreStore({ project: PROJECT, database: '(default)', endpoint: server.host });
    raw = createFirestoreClient({ database: DATABASE, endpoint: server.host });
  });
  beforeEach(() => server.resetStats());
  afterAll(async () => {
    await store.close();
    await raw.close();
    await server.stop();
  });

  const soon = () => Date.now() + 5_000;
  const rawFields = async (path: string): Promise<WireFields | undefined> => {
    const documents = [`${DATABASE}/documents/${path}`];
    return (await raw.batchGetDocuments({ database: DATABASE, documents }, soon()))[0]?.found?.fields;
  };
  const rawSet = async (path: string, fields: object): Promise<void> => {
    const update = { name: `${DATABASE}/documents/${path}`, fields } as WireWrite['update'] & object;
    await raw.commit({ database: DATABASE, writes: [{ update }] }, soon());
  };

  describe('numbers', () => {
    it.each<[value: number, stored: object]>([
      [0, { integerValue: '0' }],
      [-0, { integerValue: '0' }],
      [1_767_225_600_123, { integerValue: '1767225600123' }],
      [Number.MAX_SAFE_INTEGER, { integerValue: '9007199254740991' }],
      [Number.MIN_SAFE_INTEGER, { integerValue: '-9007199254740991' }],
      [2 ** 53, { doubleValue: 2 ** 53 }],
      [2 ** 60, { doubleValue: 2 ** 60 }],
      [0.5, { doubleValue: 0.5 }],
    ])('%d is stored as %o', async (value, stored) => {
      const path = `numbers/${randomUUID()}`;
      await store.commit([{ op: 'set', path, fields: { value, list: [value] } }]);
      const fields = await rawFields(path);
      expect(fields?.value).toMatchObject(stored);
      expect(fields?.list?.arrayValue?.values[0]).toMatchObject(stored);
      expect((await store.get([path]))[0]?.fields).toEqual({ value: value + 0, list: [value + 0] });
    });

    it('compare by size, whichever way they are stored', async () => {
      const collection = `numbers-${randomUUID()}`;
      const values = [-(2 ** 60), -1.5, -1, 0, 0.5, 1, 2 ** 53 - 1, 2 ** 53, 2 ** 60];
      await store.commit(
        values.map((n, i): Write => ({ op: 'set', path: `${collection}/${9 - i}`, fields: { n } })),
      );
      const found = await store.query({ collection, orderBy: [['n', 'asc']] });
      expect(found.map(({ fields }) => fields.n)).toEqual(values);
      const above = await store.query({ collection, where: [['n', '>', 2 ** 53 - 1]] });
      expect(above.map(({ fields }) => fields.n)).toEqual([2 ** 53, 2 ** 60]);
    });

    it('that another program stored are numbers too', async () => {
      const path = `numbers/${randomUUID()}`;
      await rawSet(path, {
        whole: { doubleValue: 3 },
        minus: { doubleValue: -0 },
        big: { integerValue: '1152921504606846976' },
      });
      expect((await store.get([path]))[0]?.fields).toEqual({ whole: 3, minus: 0, big: 2 ** 60 });
    });
  });

  describe('what the port has no value for', () => {
    const foreign: Record<string, object> = {
      'a timestamp': { timestampValue: { seconds: '1', nanos: 0 } },
      bytes: { bytesValue: Buffer.from([1]) },
      'a reference': { referenceValue: `${DATABASE}/documents/a/b` },
      'a place': { geoPointValue: { latitude: 1, longitude: 2 } },
      'not a number': { doubleValue: Number.NaN },
      infinity: { doubleValue: Number.POSITIVE_INFINITY },
      'a timestamp in a list': { arrayValue: { values: [{ timestampValue: { seconds: '1' } }] } },
      'bytes in a map': { mapValue: { fields: { b: { bytesValue: Buffer.from([1]) } } } },
    };

    it.each(Object.keys(foreign))('%s is a damaged document, and one call', async (title) => {
      const collection = `damaged-${randomUUID()}`;
      await rawSet(`${collection}/a`, { value: foreign[title] });
      server.resetStats();
      const damaged = {
        code: 'store_unavailable',
        message: 'A stored document is damaged; the operator has to look at the log.',
        retryAfterSeconds: 60,
        cause: { name: 'DamagedDocumentError' },
      };
      await expect(store.get([`${collection}/a`])).rejects.toMatchObject(damaged);
      await expect(store.query({ collection })).rejects.toMatchObject(damaged);
      expect(server.stats().rpcs).toEqual({ BatchGetDocuments: 1, RunQuery: 1 });
      // It can still be counted, and replaced.
      expect((await store.aggregate({ collection })).count).toBe(1);
      await store.commit([{ op: 'set', path: `${collection}/a`, fields: { value: 1 } }]);
      expect(await store.query({ collection })).toHaveLength(1);
    });
  });

  describe('calls', () => {
    const paths = ['a', 'b', 'c', 'a', 'none'].map((id) => `calls/${id}`);
    const some: Write[] = ['a', 'b', 'c'].map((id) => ({ op: 'set', path: `calls/${id}`, fields: { n: 1 } }));

    it.each<[what: string, work: () => Promise<unknown>, rpcs: Record<string, number>]>([
      ['a commit of three', () => store.commit(some), { Commit: 1 }],
      ['a get of five, one of them twice', () => store.get(paths), { BatchGetDocuments: 1 }],
      ['a query', () => store.query({ collection: 'calls' }), { RunQuery: 1 }],
      ['a count', () => store.aggregate({ collection: 'calls' }), { RunAggregationQuery: 1 }],
      [
        'a count and two sums',
        () => store.aggregate({ collection: 'calls' }, { sum: ['n', 'm'] }),
        { RunAggregationQuery: 3 },
      ],
      ['a get of nothing', () => store.get([]), {}],
      ['a commit of nothing', () => store.commit([]), {}],
      [
        'a version that Firestore never gave',
        () =>
          store.commit([{ op: 'delete', path: 'calls/a', demand: { version: 'v1' } }]).catch(() => undefined),
        {},
      ],
      ['a mistake', () => store.query({ collection: 'calls/a' }).catch(() => undefined), {}],
    ])('%s', async (_, work, rpcs) => {
      await work();
      expect(server.stats().rpcs).toEqual(rpcs);
    });

    it('ask for a document once, however often it is named', async () => {
      await store.get(['calls/a', 'calls/b', 'calls/a', 'calls/a']);
      expect(server.stats().documentsRead).toBe(2);
    });

    it('of one aggregate run side by side', async () => {
      server.setLatency(20);
      await store.aggregate({ collection: 'calls' }, { sum: ['n', 'm'] });
      server.setLatency(0);
      expect(server.stats()).toMatchObject({ rounds: 1, rpcs: { RunAggregationQuery: 3 } });
    });

    it('take more than the 4 MiB that gRPC allows by itself', async () => {
      const collection = `large-${randomUUID()}`;
      const writes = Array.from({ length: 9 }, (_, n): Write => {
        return { op: 'set', path: `${collection}/${n}`, fields: { text: 'x'.repeat(1_000_000) } };
      });
      await store.commit(writes);
      expect(await store.query({ collection })).toHaveLength(9);
      expect(await store.get(writes.map(({ path }) => path))).toHaveLength(9);
    });
  });

  it('updates a field whose name needs quotes, and no other', async () => {
    const path = `names/${randomUUID()}`;
    const names = ['plain', 'a.b', '`', '\\', '`.\\', '1', 'é', ' ', '*', 'constructor', '_x9', 'a`b`'];
    const all = (value: Value) => Object.fromEntries(names.map((name) => [name, value]));
    await store.commit([{ op: 'set', path, fields: { ...all(0), a: { b: 'kept' } } }]);
    await store.commit([{ op: 'update', path, fields: all(1) }]);
    expect((await store.get([path]))[0]?.fields).toEqual({ ...all(1), a: { b: 'kept' } });
  });

  it('keeps two versions apart that differ by a microsecond', async () => {
    const path = `versions/${randomUUID()}`;
    const versions = new Set<string | undefined>();
    for (let n = 0; n < 50; n += 1) {
      const [version] = await store.commit([{ op: 'set', path, fields: { n } }]);
      versions.add(version);
    }
    expect(versions.size).toBe(50);
    for (const version of versions) expect(version).toMatch(/^\d{10}\.\d{9}$/);
  });

  it('names the document in a conflict where Firestore does', async () => {
    const licence = `licenses/${randomUUID()}`;
    const seat = `${licence}/seats/1`;
    await store.commit([{ op: 'set', path: seat, fields: {} }]);
    const both: Write[] = [
      { op: 'set', path: licence, fields: {}, demand: 'absent' },
      { op: 'set', path: seat, fields: {}, demand: 'absent' },
    ];
    await expect(store.commit(both)).rejects.toMatchObject({ name: 'ConflictError', path: seat });
    await expect(store.commit([{ op: 'update', path: licence, fields: { a: 1 } }])).rejects.toMatchObject({
      name: 'ConflictError',
      path: licence,
    });
  });

  test('another database of the project holds other documents', async () => {
    const other = openFirestoreStore({ project: PROJECT, database: 'other', endpoint: server.host });
    await store.commit([{ op: 'set', path: 'databases/a', fields: { in: 'default' } }]);
    expect(await other.get(['databases/a'])).toEqual([undefined]);
    await other.commit([{ op: 'set', path: 'databases/a', fields: { in: 'other' }, demand: 'absent' }]);
    expect((await store.get(['databases/a']))[0]?.fields).toEqual({ in: 'default' });
    await other.close();
  });
});
