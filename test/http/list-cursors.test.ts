/** Lists that are walked from cursor to cursor: each item once, in order; and cursors that are refused. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Write } from '../../shared/ports/document-store.ts';
import type { LicenseRecord } from '../../shared/records/license.ts';
import { customerPath } from '../../shared/records/paths.ts';
import { cursorAfter } from '../../shared/usecases/page-cursor.ts';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import { itemIds, walkPages } from '../support/cursor-walks.ts';
import {
  activeFirstToEnd,
  fillStock,
  isOver,
  newest,
  soonest,
  stockIds,
  stockPath,
} from '../support/license-stock.ts';
import { DAY } from '../support/records.ts';
import { startTestService, type TestService } from '../support/service.ts';

const LICENSES = '/api/v1/licenses';
const CUSTOMERS = '/api/v1/customers';
/** More than pages have, so that pages end among equals. */
const TIES = 11;

const customerFields = (n: number) => ({
  ...{ name: `No. ${n}`, company: null, phone: null, address: null, notes: null },
  ...{ email: `mail${n % 2}@x.example`, is_active: n % 3 > 0, created_at: n, updated_at: n },
});

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let call: AdminCall;
  let stock: LicenseRecord[];
  const customers = ['A', 'B-1', 'B_2', 'a', 'acme', 'b', 'beta', 'e', 'z9'];

  beforeAll(async () => {
    service = await startTestService({ store });
    call = adminCalls(service, await service.admin());
    stock = await fillStock(service, 0, 120, { ties: TIES });
    await service.ports.store.commit(
      customers.map((id, n): Write => ({ op: 'set', path: customerPath(id), fields: customerFields(n) })),
    );
  });
  afterAll(() => service.stop());

  const now = () => service.ports.clock.now();
  const cursorOf = async (path: string, query: string): Promise<string> =>
    (await call('GET', `${path}?${query}`)).body.next_cursor;

  describe('a walk', () => {
    test.each<[string, () => LicenseRecord[]]>([
      ['', () => [...stock].sort(newest)],
      ['&status=active', () => activeFirstToEnd(stock, now())],
      ['&status=expired', () => stock.filter((record) => isOver(record, now())).sort(soonest)],
      ['&status=revoked', () => stock.filter(({ status }) => status === 'revoked').sort(newest)],
      [
        '&expiring_within_days=5',
        () =>
          activeFirstToEnd(stock, now()).filter(
            ({ expires_at }) => expires_at !== null && expires_at <= now() + 5 * DAY,
          ),
      ],
      [
        '&status=active&customer_id=beta&module_name=common&email=beta@x.example',
        () =>
          activeFirstToEnd(stock, now()).filter(
            ({ customer_id, product }) => customer_id === 'beta' && product === 'common',
          ),
      ],
      ['&email=nobody@x.example', () => []],
    ])('of licences (%s) lists what fits, once, in order, also among equals', async (filter, expected) => {
      for (const size of [1, 4, 100]) {
        const pages = await walkPages(call, LICENSES, `page_size=${size}${filter}`);
        expect(pages.flatMap(itemIds)).toEqual(stockIds(expected()));
        expect(pages).toHaveLength(Math.max(1, Math.ceil(expected().length / size)));
      }
    });

    test.each<[string, (n: number) => boolean]>([
      ['', () => true],
      ['&is_active=true', (n) => n % 3 > 0],
      ['&email=MAIL1@x.example', (n) => n % 2 === 1],
    ])('of customers (%s) lists what fits, once, in order', async (filter, fits) => {
      const expected = customers.filter((_, n) => fits(n)).sort();
      for (const size of [1, 2, 3, 100]) {
        const pages = await walkPages(call, CUSTOMERS, `page_size=${size}${filter}`);
        expect(pages.flatMap(itemIds)).toEqual(expected);
        expect(pages).toHaveLength(Math.ceil(expected.length / size));
      }
    });

    test('of a caller for one customer stays with that one', async () => {
      const beta = adminCalls(service, await service.admin(undefined, 'beta'));
      const own = stock.filter(({ customer_id }) => customer_id === 'beta').sort(newest);
      expect((await walkPages(beta, LICENSES, 'page_size=7')).flatMap(itemIds)).toEqual(stockIds(own));
      expect((await walkPages(beta, CUSTOMERS, 'page_size=1')).flatMap(itemIds)).toEqual(['beta']);
      expect(await walkPages(beta, LICENSES, 'customer_id=acme')).toMatchObject([{ licenses: [] }]);
    });

    test('may change the size of its pages, and go on from a page by its number', async () => {
      const sorted = stockIds([...stock].sort(newest));
      const second = (await call('GET', `${LICENSES}?page=2&page_size=10`)).body;
      expect(itemIds(second)).toEqual(sorted.slice(10, 20));
      const third = (await call('GET', `${LICENSES}?page_size=30&cursor=${second.next_cursor}`)).body;
      expect(itemIds(third)).toEqual(sorted.slice(20, 50));
      expect((await call('GET', `${LICENSES}?page=12&page_size=10`)).body.next_cursor).toBeNull();
      expect((await call('GET', `${LICENSES}?page=13&page_size=10`)).body).toMatchObject({
        ...{ licenses: [], total: 120, page: 13, total_pages: 12, next_cursor: null },
      });
    });

    test('is told how many there are on its first page alone', async () => {
      const [first, second] = await walkPages(call, LICENSES, 'page_size=60');
      expect(first).toMatchObject({ total: 120, page: 1, page_size: 60, total_pages: 2 });
      expect(second).toMatchObject({ total: null, page: null, page_size: 60, total_pages: null });
    });
  });

  describe('a cursor', () => {
    const refused = async (path: string, query: string, by = call) => {
      const { status, body } = await by('GET', `${path}?${query}`);
      expect([status, body.code, body.errors?.[0]?.pointer], query).toEqual([422, 'invalid_request', '']);
      return body.detail as string;
    };

    test('goes with its own filters alone, and with its own list', async () => {
      const cursor = await cursorOf(LICENSES, 'page_size=5&status=active');
      for (const query of [
        '',
        'status=revoked',
        'status=active&customer_id=acme',
        'status=active&email=acme@x.example',
        'expiring_within_days=30',
      ])
        expect(await refused(LICENSES, `${query}&cursor=${cursor}`)).toContain('with the same filters');
      await refused(CUSTOMERS, `cursor=${cursor}`);
      await refused(CUSTOMERS, `is_active=true&cursor=${await cursorOf(CUSTOMERS, 'page_size=2')}`);
      await refused(LICENSES, `cursor=${await cursorOf(CUSTOMERS, 'page_size=2')}`);
      await refused('/api/v1/admin/api-keys', `cursor=${cursor}`);
    });

    test('is of no use to a caller for another customer', async () => {
      const [beta, acme] = await Promise.all(
        ['beta', 'acme'].map(async (id) => adminCalls(service, await service.admin(undefined, id))),
      );
      const everything = await cursorOf(LICENSES, 'page_size=5');
      const ofBeta = await cursorOf(LICENSES, 'page_size=5&customer_id=beta');
      await refused(LICENSES, `cursor=${everything}`, beta);
      await refused(LICENSES, `customer_id=beta&cursor=${ofBeta}`, beta);
      await refused(LICENSES, `customer_id=beta&cursor=${ofBeta}`, acme);
      const own = (await beta?.('GET', `${LICENSES}?page_size=5`))?.body.next_cursor;
      await refused(LICENSES, `cursor=${own}`, acme);
      await refused(LICENSES, `cursor=${own}`);
    });

    test('that is forged shows no more than the list does', async () => {
      const beta = adminCalls(service, await service.admin(undefined, 'beta'));
      const order = [['created_at', 'desc']] as const;
      const identity = { name: 'licenses', caller: 'beta', filters: {} };
      const list = { parts: [{ collection: 'licenses', orderBy: order }], identity };
      const begin = { path: stockPath(0xfffff), fields: { created_at: now() } };
      const { body } = await beta('GET', `${LICENSES}?cursor=${await cursorAfter(list, 0, begin)}`);
      expect(itemIds(body)).toEqual(
        stockIds(stock.filter(({ customer_id }) => customer_id === 'beta').sort(newest)).slice(0, 20),
      );
    });

    test('that is forged for a part or an order that the list has not is refused', async () => {
      const order = [['created_at', 'desc']] as const;
      const plain = { collection: 'licenses' };
      const identity = { name: 'licenses', caller: null, filters: {} };
      const parts = [plain, { ...plain, orderBy: order }, { ...plain, orderBy: order }];
      const last = { path: stockPath(1), fields: { created_at: 1 } };
      for (const part of [0, 1, 2])
        await refused(LICENSES, `cursor=${await cursorAfter({ parts, identity }, part, last)}`);
    });

    test('that is damaged, too long, empty, given twice or beside a page is refused', async () => {
      const cursor = await cursorOf(LICENSES, 'page_size=5');
      const [digest = '', part = '', instant = '', id = ''] = cursor.split('.');
      const other = digest.startsWith('0') ? '1' : '0';
      const damaged = [
        `${other}${digest.slice(1)}.${part}.${instant}.${id}`,
        `${digest}.1.${instant}.${id}`,
        `${digest}.9.${instant}.${id}`,
        `${digest}.-1.${instant}.${id}`,
        `${digest}.${part}.${Number(instant) + 1}.${id}`,
        `${digest}.${part}..${id}`,
        `${digest}.${part}.1e9.${id}`,
        `${digest}.${part}.${'9'.repeat(16)}.${id}`,
        `${digest}.${part}.${instant}.`,
        `${digest}.${part}.${instant}.${id}%2Fseats%2F1`,
        `${digest}.${part}.${instant}.${id}x`,
        `${digest}.${part}.${instant}`,
        `${cursor}%0A`,
        ...['x', '%00', '....', 'null', '%F0%9F%98%80', 'x'.repeat(257)],
      ];
      for (const text of damaged) await refused(LICENSES, `page_size=5&cursor=${text}`);
      await refused(LICENSES, 'cursor=');
      const active = await cursorOf(LICENSES, 'status=active&page_size=5');
      await refused(LICENSES, `status=active&cursor=${active.replace(/\.0\./, '.1.')}`);
      expect(await refused(LICENSES, `page=2&cursor=${cursor}`)).toMatch(/page: is left out/);
      expect(await refused(CUSTOMERS, `page=1&cursor=${cursor}`)).toMatch(/page: is left out/);
      expect(await refused(LICENSES, `cursor=${cursor}&cursor=${cursor}`)).toMatch(/given twice/);
    });
  });
});
