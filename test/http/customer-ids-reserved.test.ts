/** Customers whose ids look like names that stores keep for themselves: everything works with them as with any other. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import { addCustomer } from '../support/customers.ts';
import { SUBSCRIPTION } from '../support/license-desk.ts';
import { startTestService, type TestService } from '../support/service.ts';

const CUSTOMERS = '/api/v1/customers';
const LICENSES = '/api/v1/licenses';
const KEYS = '/api/v1/admin/api-keys';
const LONGEST = `__${'x'.repeat(46)}__`;

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let call: AdminCall;

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    call = adminCalls(service, await service.admin());
  });
  afterAll(() => service.stop());

  describe.each(['__x__', '__proto__', '____', '__name__', LONGEST])('the id %s', (id) => {
    const path = `${CUSTOMERS}/${id}`;

    test('is nobody’s before it is given', async () => {
      const answers = [
        call('GET', path),
        call('PATCH', path, { name: 'y' }),
        call('DELETE', path),
        call('POST', LICENSES, { ...SUBSCRIPTION, customer_id: id }),
      ];
      for (const { status, body } of await Promise.all(answers))
        expect([status, body.code]).toEqual([404, 'customer_not_found']);
      const key = await call('POST', KEYS, { name: 'x', scopes: ['usage:read'], customer_id: id });
      expect([key.status, key.body.errors?.[0].pointer]).toEqual([422, '/customer_id']);
    });

    test('is given, once, and its customer is changed', async () => {
      const created = await call('POST', CUSTOMERS, { id, name: 'Before' });
      expect([created.status, created.body.id]).toEqual([201, id]);
      expect((await call('POST', CUSTOMERS, { id, name: 'Again' })).body.code).toBe('customer_exists');
      expect((await call('PATCH', path, { name: 'After' })).body).toMatchObject({ id, name: 'After' });
      expect((await call('GET', path)).body).toMatchObject({ id, name: 'After' });
    });

    test('gets licences, also by a transfer, which its key sees', async () => {
      const issued = await call('POST', LICENSES, { ...SUBSCRIPTION, customer_id: id });
      expect([issued.status, issued.body.customer_id]).toEqual([201, id]);
      const customer_id = await addCustomer(call);
      const other = await call('POST', LICENSES, { ...SUBSCRIPTION, customer_id });
      const moved = await call('POST', `${LICENSES}/${other.body.id}/transfer`, { customer_id: id });
      expect([moved.status, moved.body.customer_id]).toEqual([200, id]);
      const scopes = ['customers:read', 'customers:write', 'licenses:read'];
      const key = await call('POST', KEYS, { name: 'own', scopes, customer_id: id });
      const own = adminCalls(service, { 'x-api-key': key.body.api_key });
      expect((await own('GET', LICENSES)).body.total).toBe(2);
      expect((await own('GET', CUSTOMERS)).body).toMatchObject({ total: 1, customers: [{ id }] });
      expect((await own('GET', path)).body.id).toBe(id);
      expect((await call('GET', `${LICENSES}?customer_id=${id}`)).body.total).toBe(2);
      await call('DELETE', `${KEYS}/${key.body.prefix}`);
      for (const license of [issued, other])
        await call('DELETE', `${LICENSES}/${license.body.id}/revoke`, { reason: 'over' });
    });

    test('is on the audit trail as it is, and not given again', async () => {
      const deleted = await call('DELETE', path);
      expect([deleted.status, deleted.body.customer_id]).toEqual([200, id]);
      const { body } = await call('GET', `/api/v1/admin/audit-logs?target=${id}&action=customers.delete`);
      expect(body.events).toMatchObject([{ target: id, before: { id } }]);
      expect((await call('POST', CUSTOMERS, { id, name: 'x' })).body.code).toBe('customer_id_taken');
    });
  });

  test('all are listed in the order of ids, by number and on from each cursor', async () => {
    // Those that go on where a reserved one ends are in the order of ids after it.
    const ids = [
      '__a__',
      '__a__-',
      '__a__0',
      '__a__A',
      '__a__-__',
      '__a___',
      '__a__a',
      '_',
      '-',
      '__b__',
      'z',
    ];
    const email = 'order@acme.example';
    for (const id of ids) expect((await call('POST', CUSTOMERS, { id, name: id, email })).status).toBe(201);
    const idsOf = (body: { customers: { id: string }[] }) => body.customers.map((customer) => customer.id);
    const all = await call('GET', `${CUSTOMERS}?email=${email}&page_size=100`);
    expect(idsOf(all.body)).toEqual([...ids].sort());
    for (const size of [1, 2, 3]) {
      const seen: string[] = [];
      let cursor: string | null | undefined;
      while (cursor !== null) {
        const on = cursor === undefined ? '' : `&cursor=${cursor}`;
        const { status, body } = await call('GET', `${CUSTOMERS}?email=${email}&page_size=${size}${on}`);
        expect(status).toBe(200);
        seen.push(...idsOf(body));
        cursor = body.next_cursor;
      }
      expect(seen).toEqual([...ids].sort());
    }
  });
});
