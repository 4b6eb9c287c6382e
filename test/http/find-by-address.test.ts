/** Licences by an e-mail address over HTTP: the holder's, or the one that the customer has now. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DocumentStore } from '../../shared/ports/document-store.ts';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import { deskOn, of } from '../support/license-desk.ts';
import { serveBeside } from '../support/serve-beside.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe.each(['sqlite', 'firestore'] as const)('on %s', (kind) => {
  let service: TestService;
  const desk = deskOn(() => service);

  beforeAll(async () => {
    service = await startTestService({ store: kind, deadlineMs: 10_000 });
    await desk.openDesk();
  });
  afterAll(() => service.stop());

  const customer = (id: string, email: string | null) =>
    desk.operator('POST', '/api/v1/customers', { id, name: id, email });
  const move = (id: string, email: string | null) =>
    desk.operator('PATCH', `/api/v1/customers/${id}`, { email });
  const issued = async (customer_id: string, more: object = {}): Promise<string> =>
    (await desk.issued({ customer_id, formats: [], ...more })).id;
  const idsOf = (licenses: { id: string }[]) => licenses.map(({ id }) => id);
  async function find(email: string, more = '', by: AdminCall = desk.operator): Promise<string[]> {
    const { body } = await by('GET', `/api/v1/licenses?email=${encodeURIComponent(email)}${more}`);
    expect(body.total).toBe(body.licenses.length);
    const stats = await by('GET', `/api/v1/admin/stats?email=${encodeURIComponent(email)}${more}`);
    expect(stats.body.total).toBe(body.total);
    return idsOf(body.licenses);
  }

  test('a customer who moves is found where they are now; who holds a licence, where the licence says', async () => {
    await customer('mover', 'old@mover.example');
    const plain = await issued('mover');
    const held = await issued('mover', { holder: { name: 'Zoë', email: 'Zoe@Holder.example' } });
    expect(await find('OLD@mover.example')).toEqual([plain]);
    await move('mover', 'New@Mover.example');
    expect(await find('new@mover.example')).toEqual([plain]);
    expect(await find('old@mover.example')).toEqual([]);
    expect(await find('zoe@holder.example')).toEqual([held]);
    for (const [filter, found] of [
      ['&status=active', [plain]],
      ['&status=suspended', []],
      ['&customer_id=mover&module_name=sale_forecast', [plain]],
      ['&customer_id=other-co', []],
      ['&license_type=demo', []],
    ] as const)
      expect(await find('new@mover.example', filter), filter).toEqual(found);
    await desk.operator('POST', of(plain, '/suspend'), { reason: 'unpaid' });
    expect(await find('new@mover.example', '&status=suspended')).toEqual([plain]);
    await move('mover', null);
    expect(await find('new@mover.example')).toEqual([]);
  });

  test('both kinds of an address are one list, each licence once, also by pages', async () => {
    const email = 'shared@example.com';
    for (const id of ['shared-1', 'shared-2']) await customer(id, email);
    const holder = { name: 'Shared', email };
    const held = await issued('other-co', { holder });
    const both = await issued('shared-1', { holder });
    const following = [await issued('shared-1'), await issued('shared-2')];
    expect(await find(email)).toEqual([both, held, ...following.toReversed()]);
    expect((await find(email, '&status=active')).toSorted()).toEqual([both, held, ...following].toSorted());
    const walked: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const at = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const { body } = await desk.operator('GET', `/api/v1/licenses?email=${email}&page_size=1${at}`);
      walked.push(...idsOf(body.licenses));
      cursor = body.next_cursor;
    }
    expect(walked).toEqual([both, held, ...following.toReversed()]);
  });

  test('a transferred licence is found by whoever has it', async () => {
    await customer('giver', 'giver@example.com');
    await customer('taker', 'taker@example.com');
    const id = await issued('giver');
    await desk.operator('POST', of(id, '/transfer'), { customer_id: 'taker' });
    expect([await find('giver@example.com'), await find('taker@example.com')]).toEqual([[], [id]]);
  });

  test('who may touch one customer finds nothing of another', async () => {
    await customer('private', 'private@example.com');
    const id = await issued('private');
    expect(await find('private@example.com', '', desk.acme)).toEqual([]);
    expect(await find('private@example.com', '&customer_id=private', desk.acme)).toEqual([]);
    const own = adminCalls(service, await service.admin(['licenses:read'], 'private'));
    expect(await find('private@example.com', '', own)).toEqual([id]);
  });

  test('a record of before, with a copy of its customer’s address, is found by that', async () => {
    const license = await desk.issued({ formats: [] });
    await service.updateLicense(license.license_key, { email: 'copy@example.com' });
    expect(await find('copy@example.com')).toEqual([license.id]);
  });

  test('asks the store as often of many licences as of few', async () => {
    const calls: string[] = [];
    const counting = new Proxy(service.ports.store, {
      get: (store, name: keyof DocumentStore) => {
        const method = store[name];
        if (typeof method !== 'function') return method;
        return (...given: unknown[]) => {
          calls.push(name);
          return (method as (...args: unknown[]) => unknown).apply(store, given);
        };
      },
    });
    const instance = await serveBeside(service, { ports: { store: counting } });
    const by = adminCalls(instance, await service.admin(['licenses:read']));
    const costs: number[] = [];
    for (const [id, count] of [
      ['few', 2],
      ['many', 40],
    ] as const) {
      await customer(id, `${id}@example.com`);
      for (let i = 0; i < count; i++) await issued(id);
      await by('GET', `/api/v1/licenses?email=${id}@example.com`);
      calls.length = 0;
      await by('GET', `/api/v1/licenses?email=${id}@example.com`);
      costs.push(calls.length);
    }
    await instance.stop();
    expect(costs[0]).toBeGreaterThan(0);
    expect(costs[1]).toBe(costs[0]);
  });
});
