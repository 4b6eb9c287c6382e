/** Counts of licences over HTTP: by status, type and tier, of those that fit a filter, and whose they are. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LicenseRecord } from '../../shared/records/license.ts';
import { TIER_NAMES } from '../../shared/tiers.ts';
import { LICENSE_TYPES } from '../../shared/wire/admin-licenses.ts';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import { fillStock, isActive, isOver } from '../support/license-stock.ts';
import { startTestService, type TestService } from '../support/service.ts';

const PATH = '/api/v1/admin/stats';

/** Counted here, one by one. */
function countsOf(records: readonly LicenseRecord[], now: number) {
  const count = (fits: (record: LicenseRecord) => boolean) => records.filter(fits).length;
  const each = <Name extends string>(
    names: readonly Name[],
    fits: (record: LicenseRecord, name: Name) => boolean,
  ) => Object.fromEntries(names.map((name) => [name, count((record) => fits(record, name))]));
  return {
    total: records.length,
    by_status: {
      active: count((record) => isActive(record, now)),
      expired: count((record) => isOver(record, now)),
      ...each(['suspended', 'revoked'], (record, name) => record.status === name),
    },
    by_type: each(LICENSE_TYPES, (record, name) => record.license_type === name),
    by_tier: each(TIER_NAMES, (record, name) => record.tier === name),
  };
}

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let call: AdminCall;
  let stock: LicenseRecord[];

  beforeAll(async () => {
    service = await startTestService({ store });
    call = adminCalls(service, await service.admin());
    stock = await fillStock(service, 0, 240);
  });
  afterAll(() => service.stop());

  const now = () => service.ports.clock.now();

  test('every licence is counted once by its status, once by its type and once by its tier', async () => {
    const { body } = await call('GET', PATH);
    expect(body).toEqual(countsOf(stock, now()));
    for (const counts of [body.by_status, body.by_type, body.by_tier])
      expect(Object.values<number>(counts).reduce((sum, number) => sum + number, 0)).toBe(240);
    expect(Math.min(...Object.values<number>({ ...body.by_status, ...body.by_tier }))).toBeGreaterThan(0);
  });

  test.each<[string, (record: LicenseRecord, now: number) => boolean]>([
    ['customer_id=beta', ({ customer_id }) => customer_id === 'beta'],
    ['module_name=rare', ({ product }) => product === 'rare'],
    ['license_type=demo', ({ license_type }) => license_type === 'demo'],
    ['status=active', isActive],
    ['status=expired', isOver],
    ['status=suspended', ({ status }) => status === 'suspended'],
    ['status=revoked', ({ status }) => status === 'revoked'],
    ['email=Acme@X.example', ({ email }) => email === 'acme@x.example'],
    [
      'customer_id=acme&module_name=common&license_type=demo&email=acme@x.example&status=active',
      (record, at) =>
        record.customer_id === 'acme' &&
        record.product === 'common' &&
        record.license_type === 'demo' &&
        isActive(record, at),
    ],
    ['email=nobody@x.example', () => false],
  ])('with %s those are counted and no others', async (query, fits) => {
    const at = now();
    const { status, body } = await call('GET', `${PATH}?${query}`);
    expect([status, body]).toEqual([
      200,
      countsOf(
        stock.filter((record) => fits(record, at)),
        at,
      ),
    ]);
  });

  test('a caller for one customer counts that one’s, and none of another’s', async () => {
    const beta = adminCalls(service, await service.admin(undefined, 'beta'));
    const own = countsOf(
      stock.filter(({ customer_id }) => customer_id === 'beta'),
      now(),
    );
    expect((await beta('GET', PATH)).body).toEqual(own);
    expect((await beta('GET', `${PATH}?customer_id=beta`)).body).toEqual(own);
    expect((await beta('GET', `${PATH}?customer_id=acme`)).body).toEqual(countsOf([], now()));
  });

  test.each([
    'status=lost',
    'license_type=lifetime',
    'customer_id=a/b',
    'module_name=',
    'tier=pro',
    'page=1',
    'cursor=x',
    'expiring_within_days=3',
    'status=active&status=active',
  ])('%s is refused', async (query) => {
    const { status, body } = await call('GET', `${PATH}?${query}`);
    expect([status, body.code]).toEqual([422, 'invalid_request']);
  });
});

test('no licence is read to be counted', async () => {
  const service = await startTestService({ store: 'firestore' });
  try {
    const call = adminCalls(service, await service.admin());
    await fillStock(service, 0, 40);
    await call('GET', PATH);
    for (const query of ['', '?status=active', '?customer_id=acme&status=expired']) {
      service.firestore?.resetStats();
      expect((await call('GET', `${PATH}${query}`)).body.total).toBeGreaterThan(0);
      const { rpcs = {} } = service.firestore?.stats() ?? {};
      expect([rpcs.RunQuery, rpcs.RunAggregationQuery]).toEqual([undefined, expect.any(Number)]);
    }
  } finally {
    await service.stop();
  }
});

test('counts that the store does not answer are a failure and no zeros', async () => {
  const service = await startTestService({ store: 'firestore' });
  try {
    const call = adminCalls(service, await service.admin());
    await call('GET', PATH);
    service.firestore?.setFault({ kind: 'permission_denied' }, { method: 'RunAggregationQuery', times: 1 });
    const { status, body } = await call('GET', PATH);
    expect([status, body.code]).toEqual([503, 'store_unavailable']);
  } finally {
    await service.stop();
  }
});
