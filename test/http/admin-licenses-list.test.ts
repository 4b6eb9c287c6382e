/** Lists and counts of licences over HTTP: filters, order, pages, whose they are, and what they cost. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Write } from '../../shared/ports/document-store.ts';
import type { LicenseRecord } from '../../shared/records/license.ts';
import { licensePath } from '../../shared/records/paths.ts';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import { DAY, licenseRecord } from '../support/records.ts';
import { startTestService, type TestService } from '../support/service.ts';

const PATH = '/api/v1/licenses';
const CUSTOMERS = ['acme', 'beta', 'gamma'];
const TYPES = ['subscription', 'perpetual', 'demo', 'standard'] as const;
const STATUSES = ['active', 'active', 'active', 'suspended', 'revoked'] as const;

/** The nth licence of a stock in which every filter has some and leaves some out. */
function nth(n: number, now: number): LicenseRecord {
  const customerId = CUSTOMERS[n % CUSTOMERS.length] ?? '';
  const type = TYPES[n % TYPES.length] ?? 'demo';
  const [past, future] = [now - (n + 1) * DAY, now + (n + 1) * DAY];
  return licenseRecord({
    license_id: randomUUID(),
    customer: { id: customerId, name: customerId },
    customer_id: customerId,
    email: `${customerId}@x.example`,
    product: n % 7 === 0 ? 'rare' : 'common',
    license_type: type,
    status: STATUSES[n % STATUSES.length] ?? 'active',
    expires_at: type === 'perpetual' ? null : n % 6 === 0 ? past : future,
    created_at: now - 100 * DAY + n,
  });
}

async function fill(service: TestService, from: number, to: number): Promise<LicenseRecord[]> {
  const stock: LicenseRecord[] = [];
  for (let begin = from; begin < to; begin += 400) {
    const writes: Write[] = [];
    for (let n = begin; n < Math.min(to, begin + 400); n++) {
      const fields = nth(n, service.ports.clock.now());
      stock.push(fields);
      writes.push({ op: 'set', path: licensePath(n.toString(16).padStart(32, '0')), fields });
    }
    await service.ports.store.commit(writes);
  }
  return stock;
}

const isOver = ({ status, expires_at: end }: LicenseRecord, now: number) =>
  status === 'active' && end !== null && end <= now;
const newest = (one: LicenseRecord, other: LicenseRecord) => other.created_at - one.created_at;
const soonest = (one: LicenseRecord, other: LicenseRecord) => (one.expires_at ?? 0) - (other.expires_at ?? 0);

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let call: AdminCall;
  let stock: LicenseRecord[];

  beforeAll(async () => {
    service = await startTestService({ store });
    call = adminCalls(service, await service.admin());
    stock = await fill(service, 0, 100);
  });
  afterAll(() => service.stop());

  const idsOf = (body: { licenses: { id: string }[] }) => body.licenses.map(({ id }) => id);
  const expected = (records: LicenseRecord[]) => records.map(({ license_id }) => license_id);

  test('every licence is on one page, newest first', async () => {
    const pages = await Promise.all(
      [1, 2, 3, 4].map((page) => call('GET', `${PATH}?page=${page}&page_size=30`)),
    );
    expect(pages.flatMap(({ body }) => idsOf(body))).toEqual(expected([...stock].sort(newest)));
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
    expect([status, idsOf(body)]).toEqual([200, expected(stock.filter(fits).sort(newest))]);
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
      const active = mine.filter((record) => record.status === 'active' && !isOver(record, now));
      const endless = active.filter(({ expires_at }) => expires_at === null).sort(newest);
      const ending = active.filter(({ expires_at }) => expires_at !== null).sort(soonest);
      const over = mine.filter((record) => isOver(record, now)).sort(soonest);
      expect(idsOf((await list('status=active')).body)).toEqual(expected([...endless, ...ending]));
      expect(idsOf((await list('status=expired')).body)).toEqual(expected(over));
      const soon = ending.filter(({ expires_at }) => (expires_at ?? 0) <= now + 30 * DAY);
      expect(idsOf((await list('expiring_within_days=30')).body)).toEqual(expected(soon));
    },
  );

  test('a caller for one customer sees that one’s only, in lists and in counts', async () => {
    const beta = adminCalls(service, await service.admin(undefined, 'beta'));
    const own = stock.filter(({ customer_id }) => customer_id === 'beta');
    expect((await beta('GET', PATH)).body.total).toBe(own.length);
    expect((await beta('GET', `${PATH}?customer_id=acme`)).body).toMatchObject({ licenses: [], total: 0 });
    expect((await beta('GET', '/api/v1/admin/stats')).body.total).toBe(own.length);
  });

  test('counts add up by status and by type', async () => {
    const now = service.ports.clock.now();
    const { body } = await call('GET', '/api/v1/admin/stats');
    const count = (fits: (record: LicenseRecord) => boolean) => stock.filter(fits).length;
    expect(body).toEqual({
      total: 100,
      by_status: {
        active: count((record) => record.status === 'active' && !isOver(record, now)),
        expired: count((record) => isOver(record, now)),
        suspended: count(({ status }) => status === 'suspended'),
        revoked: count(({ status }) => status === 'revoked'),
      },
      by_type: {
        ...Object.fromEntries(TYPES.map((type) => [type, count((record) => record.license_type === type)])),
        trial: 0,
        enterprise: 0,
      },
    });
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
    await fill(service, 0, 100);
    await costs();
    const few = await costs();
    await fill(service, 100, 10_000);
    expect(await costs()).toEqual(few);
    expect(few[0]).toMatchObject({ RunQuery: 1, RunAggregationQuery: 1 });
  } finally {
    await service.stop();
  }
});
