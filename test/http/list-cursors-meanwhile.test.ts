/** Lists that are walked from cursor to cursor while others write, while time passes, and while the store fails. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Write } from '../../shared/ports/document-store.ts';
import type { LicenseRecord } from '../../shared/records/license.ts';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import { itemIds, walkPages } from '../support/cursor-walks.ts';
import {
  activeFirstToEnd,
  fillStock,
  newest,
  stockIds,
  stockLicense,
  stockPath,
} from '../support/license-stock.ts';
import { DAY } from '../support/records.ts';
import { startTestService, type TestService } from '../support/service.ts';

const LICENSES = '/api/v1/licenses';
/** More than pages have, so that pages end among equals. */
const TIES = 11;

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  const MOST = 603;
  let service: TestService;
  let call: AdminCall;

  beforeAll(async () => {
    service = await startTestService({ store });
    call = adminCalls(service, await service.admin());
  });
  beforeEach(async () => {
    for (let n = 0; n < MOST; n += 300)
      await service.ports.store.commit(
        Array.from({ length: 300 }, (_, place): Write => ({ op: 'delete', path: stockPath(n + place) })),
      );
  });
  afterAll(() => service.stop());

  const numberOf = (id: string) => Number(id.slice(-6));
  /** Numbers 0, 3, 6 … come and go; the others stay. */
  const isFleeting = (id: string) => numberOf(id) % 3 === 0;

  test.each(['', '&status=active'])(
    'what stays is listed exactly once (%s)',
    { timeout: 60_000 },
    async (filter) => {
      const options = { ties: TIES, now: service.ports.clock.now() };
      const stock = await fillStock(service, 0, MOST, options);
      const sorted = filter === '' ? [...stock].sort(newest) : activeFirstToEnd(stock, options.now);
      let isWalking = true;
      let writes = 0;
      const others = (async () => {
        for (let n = 0; isWalking; n = (n + 3) % MOST) {
          const fields = stockLicense((n + 300) % MOST, options.now, options);
          const come: Write = { op: 'set', path: stockPath((n + 300) % MOST), fields };
          await service.ports.store.commit([{ op: 'delete', path: stockPath(n) }, come]);
          writes += 1;
          await new Promise(setImmediate);
        }
      })();
      const pages = await walkPages(call, LICENSES, `page_size=7${filter}`, {
        between: async (page) => {
          const last = itemIds(page).at(-1) ?? '';
          if (isFleeting(last))
            await service.ports.store.commit([{ op: 'delete', path: stockPath(numberOf(last)) }]);
        },
      });
      isWalking = false;
      await others;
      const listed = pages.flatMap(itemIds);
      expect(listed.filter((id) => !isFleeting(id))).toEqual(
        stockIds(sorted).filter((id) => !isFleeting(id)),
      );
      expect(new Set(listed).size).toBe(listed.length);
      expect(writes).toBeGreaterThan(pages.length / 2);
    },
  );

  test('a walk goes on where it was when the last licence that it listed is gone', async () => {
    const sorted = stockIds((await fillStock(service, 0, 60, { ties: TIES })).sort(newest));
    const first = (await call('GET', `${LICENSES}?page_size=9`)).body;
    await service.ports.store.commit([{ op: 'delete', path: stockPath(numberOf(sorted[8] ?? '')) }]);
    const rest = await walkPages(call, LICENSES, 'page_size=9', { from: first.next_cursor });
    expect(rest.flatMap(itemIds)).toEqual(sorted.slice(9));
  });

  test('a licence without an end, dated by a clock that is ahead, hides none of those with an end', async () => {
    const now = service.ports.clock.now();
    const [first, ahead, ...others] = await fillStock(service, 0, 60, { ties: TIES, now });
    const fields = { ...(ahead as LicenseRecord), created_at: now + 3 * DAY };
    await service.ports.store.commit([{ op: 'set', path: stockPath(1), fields }]);
    const active = stockIds(activeFirstToEnd([first as LicenseRecord, fields, ...others], now));
    const { body } = await call('GET', `${LICENSES}?page_size=1&status=active`);
    expect(itemIds(body)).toEqual([fields.license_id]);
    const rest = await walkPages(call, LICENSES, 'page_size=100&status=active', { from: body.next_cursor });
    expect(rest.flatMap(itemIds)).toEqual(active.slice(1));
  });

  test('a licence that ends during a walk of the active ones is not listed any more', async () => {
    const stock = await fillStock(service, 0, 300, { ties: TIES });
    const before = stockIds(activeFirstToEnd(stock, service.ports.clock.now()));
    const endless = stock.filter(
      ({ status, expires_at }) => status === 'active' && expires_at === null,
    ).length;
    const query = `page_size=${endless + 2}&status=active`;
    const first = (await call('GET', `${LICENSES}?${query}`)).body;
    service.advance((2.5 * DAY) / 1000);
    const rest = (await walkPages(call, LICENSES, query, { from: first.next_cursor })).flatMap(itemIds);
    const stillActive = new Set(stockIds(activeFirstToEnd(stock, service.ports.clock.now())));
    expect(rest).toEqual(before.slice(endless + 2).filter((id) => stillActive.has(id)));
    expect(rest.length).toBeLessThan(before.length - itemIds(first).length);
    service.advance((-2.5 * DAY) / 1000);
  });
});

test('a store that fails in the middle of a walk is a 503, and the same cursor goes on', async () => {
  const service = await startTestService({ store: 'firestore' });
  try {
    const call = adminCalls(service, await service.admin());
    const sorted = stockIds((await fillStock(service, 0, 30)).sort(newest));
    const { next_cursor: cursor } = (await call('GET', `${LICENSES}?page_size=10`)).body;
    service.firestore?.setFault({ kind: 'permission_denied' }, { method: 'RunQuery', times: 1 });
    const failed = await call('GET', `${LICENSES}?page_size=10&cursor=${cursor}`);
    expect([failed.status, failed.body.code]).toEqual([503, 'store_unavailable']);
    const again = await call('GET', `${LICENSES}?page_size=10&cursor=${cursor}`);
    expect(itemIds(again.body)).toEqual(sorted.slice(10, 20));
  } finally {
    await service.stop();
  }
});
