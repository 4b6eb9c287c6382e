/** Lists of customers over HTTP: order, pages, filters, and what they cost. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Write } from '../../shared/ports/document-store.ts';
import { customerPath } from '../../shared/records/paths.ts';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import { startTestService, type TestService } from '../support/service.ts';

const PATH = '/api/v1/customers';

describe.each(['sqlite', 'firestore'] as const)('a list on %s', (store) => {
  let service: TestService;
  let call: AdminCall;
  const ids = ['A', 'B-1', 'B_2', 'a', 'b', 'e', 'z9'];

  beforeAll(async () => {
    service = await startTestService({ store });
    call = adminCalls(service, await service.admin());
    for (const [n, id] of ids.entries())
      await call('POST', PATH, { id, name: id, email: `Mail${n % 2}@x.example`, is_active: n % 3 > 0 });
  });
  afterAll(() => service.stop());

  const idsOf = (body: { customers: { id: string }[] }) => body.customers.map(({ id }) => id);

  test('has every customer once, in the order of ids, page by page', async () => {
    const sorted = [...ids].sort();
    const pages = await Promise.all([1, 2, 3].map((page) => call('GET', `${PATH}?page=${page}&page_size=3`)));
    expect(pages.flatMap(({ body }) => idsOf(body))).toEqual(sorted);
    expect(pages[2]?.body).toMatchObject({ total: 7, page: 3, page_size: 3, total_pages: 3 });
    expect((await call('GET', `${PATH}?page=4&page_size=3`)).body).toMatchObject({ total: 7, customers: [] });
  });

  test('is filtered by address however it is written, by is_active, and by both', async () => {
    const expected = (fits: (n: number) => boolean) => ids.filter((_, n) => fits(n)).sort();
    const cases: [string, (n: number) => boolean][] = [
      ['email=MAIL1@x.example', (n) => n % 2 === 1],
      ['is_active=false', (n) => n % 3 === 0],
      ['email=mail0@X.example&is_active=true', (n) => n % 2 === 0 && n % 3 > 0],
      ['email=mail', () => false],
    ];
    for (const [query, fits] of cases) {
      const { body } = await call('GET', `${PATH}?${query}`);
      expect([query, idsOf(body), body.total]).toEqual([query, expected(fits), expected(fits).length]);
    }
  });

  test.each([
    'page=0',
    'page=x',
    'page_size=101',
    'page=101&page_size=100',
    'is_active=1',
    'mail=x',
    'page=1&page=2',
  ])('with %s is refused', async (query) => {
    const { status, body } = await call('GET', `${PATH}?${query}`);
    expect([status, body.code]).toEqual([422, 'invalid_request']);
  });
});

describe('on Firestore a page costs two calls', () => {
  let service: TestService;
  let call: AdminCall;

  beforeAll(async () => {
    service = await startTestService({ store: 'firestore' });
    call = adminCalls(service, await service.admin());
  });
  afterAll(() => service.stop());

  /** Customers up to this number, a hundred in a commit. */
  async function fill(from: number, to: number): Promise<void> {
    for (let first = from; first < to; first += 100) {
      const writes = Array.from({ length: 100 }, (_, n): Write => {
        const id = `c-${String(first + n).padStart(5, '0')}`;
        return { op: 'set', path: customerPath(id), fields: recordOf(first + n), demand: 'absent' };
      });
      await service.ports.store.commit(writes);
    }
  }

  const recordOf = (n: number) => ({
    name: `No. ${n}`,
    email: n === 7 ? 'seven@x.example' : `n${n}@x.example`,
    company: null,
    phone: null,
    address: null,
    notes: null,
    is_active: n % 10 > 0,
    created_at: n,
    updated_at: n,
  });

  /** What the list asks the store for, beside what any call does to know its caller. */
  async function costOf(query: string): Promise<Record<string, number>> {
    await call('GET', `${PATH}/c-00000`);
    service.firestore?.resetStats();
    const { body } = await call('GET', `${PATH}?${query}`);
    expect(body.customers.length).toBeGreaterThan(0);
    const { rpcs = {} } = service.firestore?.stats() ?? {};
    return { ...rpcs };
  }

  test('with 100 customers and with 10,000, filtered or not', { timeout: 120_000 }, async () => {
    const queries = ['', 'page=4&page_size=25', 'email=seven@x.example', 'is_active=false'];
    await fill(0, 100);
    const small: Record<string, number>[] = [];
    for (const query of queries) small.push(await costOf(query));
    await fill(100, 10_000);
    for (const [place, query] of queries.entries()) {
      const large = await costOf(query);
      expect(large).toEqual(small[place]);
      expect(large).toMatchObject({ RunQuery: 1, RunAggregationQuery: 1 });
    }
    expect((await call('GET', PATH)).body.total).toBe(10_000);
  });
});
