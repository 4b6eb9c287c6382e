/** Lists beyond the 10,000th item over HTTP: walked whole, and each page at the cost of the others. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAdminClient } from '../../shared/client/admin-client.ts';
import type { Write } from '../../shared/ports/document-store.ts';
import type { LicenseRecord } from '../../shared/records/license.ts';
import { customerPath } from '../../shared/records/paths.ts';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import { itemIds, type WalkedPage, walkPages } from '../support/cursor-walks.ts';
import { fillStock, newest, stockIds } from '../support/license-stock.ts';
import { startTestService, type TestService } from '../support/service.ts';

const LICENSES = '/api/v1/licenses';
const CUSTOMERS = '/api/v1/customers';
const MANY = 10_301;
const TIES = 40;
/** By number a page reads the list from its beginning, which takes the test server of Firestore seconds. */
const DEEP = { sqlite: 100, firestore: 10 } as const;

describe.each(['sqlite', 'firestore'] as const)('on %s', { timeout: 120_000 }, (store) => {
  let service: TestService;
  let call: AdminCall;
  let stock: LicenseRecord[];
  const customers = Array.from({ length: MANY }, (_, n) => `c-${String(n).padStart(6, '0')}`);

  beforeAll(async () => {
    service = await startTestService({ store });
    call = adminCalls(service, await service.admin());
    stock = await fillStock(service, 0, MANY, { ties: TIES });
    for (let n = 0; n < MANY; n += 400)
      await service.ports.store.commit(customers.slice(n, n + 400).map(customerWrite));
  }, 120_000);
  afterAll(() => service.stop());

  const customerWrite = (id: string): Write => ({
    op: 'set',
    path: customerPath(id),
    fields: {
      ...{ name: id, email: null, company: null, phone: null, address: null, notes: null },
      ...{ is_active: true, created_at: 1, updated_at: 1 },
    },
  });

  /** The pages, and what each cost the store. One of the documents is the caller's API key. */
  async function costs(path: string, query: string) {
    const bills: object[] = [];
    service.firestore?.resetStats();
    const between = async (_: WalkedPage) => {
      const { rpcs: { RunQuery, RunAggregationQuery } = {}, documentsRead } =
        service.firestore?.stats() ?? {};
      bills.push({ RunQuery, RunAggregationQuery, documentsRead });
      service.firestore?.resetStats();
    };
    return { pages: await walkPages(call, path, query, { between }), bills };
  }

  test.each<[string, () => string[]]>([
    [LICENSES, () => stockIds([...stock].sort(newest))],
    [CUSTOMERS, () => customers],
  ])('%s is listed whole, and its last pages cost what its second one does', async (path, expected) => {
    const { pages, bills: counted } = await costs(path, 'page_size=100');
    expect(pages.flatMap(itemIds)).toEqual(expected());
    expect(pages).toHaveLength(Math.ceil(MANY / 100));
    if (store === 'sqlite') return;
    const [, ...bills] = counted;
    expect(bills).toEqual([
      ...bills.slice(1).map(() => ({ RunQuery: 1, documentsRead: 102 })),
      { RunQuery: 1, documentsRead: 2 },
    ]);
  });

  test('the client walks them whole', async () => {
    const apiKey = (await service.admin())['x-api-key'];
    const client = createAdminClient({ baseUrl: service.baseUrl, apiKey });
    const listed = await Array.fromAsync(client.licenses.all(), ({ id }) => id);
    expect(listed).toEqual(stockIds([...stock].sort(newest)));
    expect(await Array.fromAsync(client.customers.all(), ({ id }) => id)).toEqual(customers);
  });

  test.each([LICENSES, CUSTOMERS])(
    '%s by number reaches to the 10,000th item, and goes on by cursor',
    async (path) => {
      const deepest = (await call('GET', `${path}?page=${DEEP[store]}&page_size=100`)).body;
      expect(deepest).toMatchObject({ total: MANY, page: DEEP[store], total_pages: 104 });
      const rest = await walkPages(call, path, 'page_size=100', { from: deepest.next_cursor });
      expect(rest.flatMap(itemIds)).toHaveLength(MANY - DEEP[store] * 100);
      const beyond = await call('GET', `${path}?page=101&page_size=100`);
      expect([beyond.status, beyond.body.code]).toEqual([422, 'invalid_request']);
      expect(beyond.body.detail).toContain('go on with next_cursor');
    },
  );
});
