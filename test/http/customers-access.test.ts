/** Who sees and changes which customers, over HTTP. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import { addCustomer } from '../support/customers.ts';
import { startTestService, type TestService } from '../support/service.ts';

const PATH = '/api/v1/customers';

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let call: AdminCall;

  beforeAll(async () => {
    service = await startTestService({ store });
    call = adminCalls(service, await service.admin());
  });
  afterAll(() => service.stop());

  const add = (more?: object) => addCustomer(call, more);

  describe('a caller who is bound to one customer', () => {
    let own: string;
    let other: string;
    let bound: AdminCall;

    beforeAll(async () => {
      own = await add({ email: 'shared@acme.example' });
      other = await add({ email: 'shared@acme.example' });
      bound = adminCalls(service, await service.admin(undefined, own));
    });

    test('sees and changes that one', async () => {
      expect((await bound('GET', `${PATH}/${own}`)).body.id).toBe(own);
      expect((await bound('PATCH', `${PATH}/${own}`, { phone: '1' })).status).toBe(200);
    });

    test('meets another one as one that does not exist', async () => {
      const before = service.dumpStore();
      for (const [method, body] of [['GET'], ['PATCH', { name: 'x' }], ['DELETE']] as const) {
        const answers = [other, 'unknown'].map((id) => bound(method, `${PATH}/${id}`, body));
        const [told, unknown] = (await Promise.all(answers)).map(
          ({ status, body: { request_id: _, ...rest } }) => ({
            status,
            rest,
          }),
        );
        expect(told).toEqual(unknown);
        expect(told?.status).toBe(404);
      }
      expect(service.dumpStore()).toBe(before);
    });

    test('finds no other one in lists and totals', async () => {
      const { body } = await bound('GET', `${PATH}?email=shared@acme.example`);
      expect([body.total, body.customers.map(({ id }: { id: string }) => id)]).toEqual([1, [own]]);
      expect((await bound('GET', `${PATH}?page=2`)).body).toMatchObject({ total: 1, customers: [] });
      expect((await bound('GET', `${PATH}?is_active=false`)).body.total).toBe(0);
    });

    test('creates none, and is told the same of an id that is taken', async () => {
      for (const id of [own, other, 'free']) {
        const { status, body } = await bound('POST', PATH, { id, name: 'x' });
        expect([status, body.code]).toEqual([403, 'forbidden']);
      }
    });
  });

  test('a caller without the scope is refused before anything is read', async () => {
    const reader = adminCalls(service, await service.admin(['customers:read']));
    const writer = adminCalls(service, await service.admin(['customers:write']));
    const id = await add();
    expect((await reader('GET', `${PATH}/${id}`)).status).toBe(200);
    expect((await writer('GET', `${PATH}/${id}`)).status).toBe(403);
    for (const [method, path, body] of [
      ['POST', PATH, { id: 'x', name: 'x' }],
      ['PATCH', `${PATH}/${id}`, { name: 'x' }],
      ['DELETE', `${PATH}/${id}`],
    ] as const)
      expect((await reader(method, path, body)).body.code).toBe('forbidden');
  });
});
