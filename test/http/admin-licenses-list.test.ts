/** Lists of licences over HTTP: filters, order, pages, whose they are, and what they cost. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LicenseRecord } from '../../shared/records/license.ts';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import { activeFirstToEnd, fillStock, isOver, newest, soonest, stockIds } from '../support/license-stock.ts';
import { DAY } from '../support/records.ts';
import { startTestService, type TestService } from '../support/service.ts';

const PATH = '/api/v1/licenses';

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let call: AdminCall;
  let stock: LicenseRecord[];

  beforeAll(async () => {
    service = await startTestService({ store });
    call = adminCalls(service, await service.admin());
    stock = await fillStock(service, 0, 100);
  });
  afterAll(() => service.stop());

  const idsOf = (body: { licenses: { id: string }[] }) => body.licenses.map(({ id }) => id);

  test('every licence is on one page, newest first', async () => {
    const pages = await Promise.all(
      [1, 2, 3, 4].map((page) => call('GET', `${PATH}?page=${page}&page_size=30`)),
    );
    expect(pages.flatMap(({ body }) => idsOf(body))).toEqual(stockIds([...stock].sort(newest)));
    expect(pages[3]?.body).toMatchObject({ total: 100, page: 4, page_size: 30, total_pages: 4 });
  });

  test.each<[string, (record: LicenseRecord) => boolean]>([
    ['customer_id=beta', ({ customer_id }) => customer_id === 'beta'],
    ['module_name=rare', ({ product }) => product === 'rare'],
    ['license_type=demo', ({ license_type }) => license_type === 'demo'],
    ['status=revoked', ({ status }) => status === 'revoked'],
    ['status=suspended', ({ status }) => status === 'suspended'],
    ['email=ACME@x.Example', ({ email }) => email === 'acme@x.example'],
    [
      'customer_id=acme&module_name=common&license_type=demo&email=acme@x.example&status=suspended',
      (record) =>
        record.customer_id === 'acme' &&
        record.product === 'common' &&
        record.license_type === 'demo' &&
        record.status === 'suspended',
    ],
    ['email=nobody@x.example', () => false],
  ])('%s answers those and no others, newest first', async (query, fits) => {
    const { status, body } = await call('GET', `${PATH}?${query}&page_size=100`);
    expect([status, idsOf(body)]).toEqual([200, stockIds(stock.filter(fits).sort(newest))]);
    expect(body.total).toBe(stock.filter(fits).length);
  });

  test.each(['', '&customer_id=acme', '&license_type=demo&email=beta@x.example&module_name=common'])(
    'what is active and what has expired goes by the end, also with filters (%s)',
    async (more) => {
      const now = service.ports.clock.now();
      const filter = new URLSearchParams(more);
      const mine = stock.filter(
        (record) =>
          (filter.get('customer_id') ?? record.customer_id) === record.customer_id &&
          (filter.get('license_type') ?? record.license_type) === record.license_type &&
          (filter.get('email') ?? record.email) === record.email &&
          (filter.get('module_name') ?? record.product) === record.product,
      );
      const list = (query: string) => call('GET', `${PATH}?page_size=100&${query}${more}`);
      const active = activeFirstToEnd(mine, now);
      const over = mine.filter((record) => isOver(record, now)).sort(soonest);
      expect(idsOf((await list('status=active')).body)).toEqual(stockIds(active));
      expect(idsOf((await list('status=expired')).body)).toEqual(stockIds(over));
      const soon = active.filter(({ expires_at }) => expires_at !== null && expires_at <= now + 30 * DAY);
      expect(idsOf((await list('expiring_within_days=30')).body)).toEqual(stockIds(soon));
    },
  );

  test('a caller for one customer sees that one’s only', async () => {
    const beta = adminCalls(service, await service.admin(undefined, 'beta'));
    const own = stock.filter(({ customer_id }) => customer_id === 'beta');
    expect((await beta('GET', PATH)).body.total).toBe(own.length);
    expect((await beta('GET', `${PATH}?customer_id=acme`)).body).toMatchObject({ licenses: [], total: 0 });
  });

  test.each([
    'page=0',
    'page_size=101',
    'page=101&page_size=100',
    'status=lost',
    'license_type=lifetime',
    'customer_id=a/b',
    'mail=x',
    'status=revoked&expiring_within_days=3',
    'expiring_within_days=-1',
    'expiring_within_days=36501',
  ])('%s is refused', async (query) => {
    const { status, body } = await call('GET', `${PATH}?${query}`);
    expect([status, body.code]).toEqual([422, 'invalid_request']);
  });
});

test('10,000 licences cost the calls that 100 cost', { timeout: 120_000 }, async () => {
  const service = await startTestService({ store: 'firestore' });
  try {
    const call = adminCalls(service, await service.admin());
    const queries = [
      `${PATH}?page_size=50`,
      `${PATH}?email=acme@x.example`,
      `${PATH}?customer_id=acme&license_type=demo&page=2&page_size=5`,
      `${PATH}?status=active`,
      `${PATH}?expiring_within_days=30`,
      '/api/v1/admin/stats',
      '/api/v1/admin/stats?status=active&customer_id=acme',
    ];
    const costs = async () => {
      const each: object[] = [];
      for (const query of queries) {
        service.firestore?.resetStats();
        expect((await call('GET', query)).status).toBe(200);
        const { rpcs } = service.firestore?.stats() ?? {};
        each.push({ ...rpcs });
      }
      return each;
    };
    await fillStock(service, 0, 100);
    await costs();
    const few = await costs();
    await fillStock(service, 100, 10_000);
    expect(await costs()).toEqual(few);
    expect(few[0]).toMatchObject({ RunQuery: 1, RunAggregationQuery: 1 });
  } finally {
    await service.stop();
  }
});
