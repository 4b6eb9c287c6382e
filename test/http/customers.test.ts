/** Customers over HTTP, on both stores: each call with its success, its refusals, its repetition and its races. */
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

  async function eventsOf(target: string) {
    const { body } = await call('GET', `/api/v1/admin/audit-logs?target=${target}`);
    return body.events.reverse();
  }

  describe('POST', () => {
    test('creates a customer with what is left out as null, and tells the audit trail', async () => {
      const sent = { id: 'acme-gmbh', name: 'Ação 東京 Ελ ACME', email: 'IT@Acme.example' };
      const { status, body, headers } = await call('POST', PATH, sent, { 'x-request-id': 'req-1' });
      expect(status).toBe(201);
      expect(body).toEqual({
        id: 'acme-gmbh',
        name: 'Ação 東京 Ελ ACME',
        email: 'it@acme.example',
        company: null,
        phone: null,
        address: null,
        notes: null,
        is_active: true,
        created_at: expect.stringMatching(/^20.*\+00:00$/),
        updated_at: body.created_at,
      });
      expect(headers.get('etag')).toMatch(/^"[0-9a-f]{32}"$/);
      const found = await call('GET', `${PATH}/acme-gmbh`);
      expect([found.body, found.headers.get('etag')]).toEqual([body, headers.get('etag')]);
      expect(await eventsOf('acme-gmbh')).toMatchObject([
        { action: 'customers.create', request_id: 'req-1', before: null, after: body },
      ]);
    });

    test('of an id that is taken is customer_exists, and changes nothing', async () => {
      const id = await add();
      const before = service.dumpStore();
      const { status, body } = await call('POST', PATH, { id, name: 'another' });
      expect([status, body.code]).toEqual([409, 'customer_exists']);
      expect(service.dumpStore()).toBe(before);
    });

    test('of one id by ten at once: one is told 201', async () => {
      const sent = (n: number) => call('POST', PATH, { id: 'contested', name: `no ${n}` });
      const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => sent(n)));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
      const winner = answers.find(({ status }) => status === 201);
      expect((await call('GET', `${PATH}/contested`)).body).toEqual(winner?.body);
      expect(await eventsOf('contested')).toHaveLength(1);
    });

    test('repeated with its Idempotency-Key answers the same; another body is a conflict', async () => {
      const key = { 'idempotency-key': 'create-once' };
      const sent = { id: 'once', name: 'Once' };
      const first = await call('POST', PATH, sent, key);
      const second = await call('POST', PATH, sent, key);
      expect([second.status, second.body, second.headers.get('etag')]).toEqual([
        201,
        first.body,
        first.headers.get('etag'),
      ]);
      expect([first, second].map(({ headers }) => headers.get('idempotent-replayed'))).toEqual([
        null,
        'true',
      ]);
      const other = await call('POST', PATH, { ...sent, name: 'Twice' }, key);
      expect([other.status, other.body.code]).toEqual([409, 'idempotency_conflict']);
      expect(await eventsOf('once')).toHaveLength(1);
    });

    test.each([
      ['no id', { name: 'x' }, '/id'],
      ['no name', { id: 'x' }, '/name'],
      ['an empty name', { id: 'x', name: '' }, '/name'],
      ['a name that is a number', { id: 'x', name: 1 }, '/name'],
      ['a name of 257 characters', { id: 'x', name: 'n'.repeat(257) }, '/name'],
      ['an id with a slash', { id: 'a/b', name: 'x' }, '/id'],
      ['an id of 51 characters', { id: 'a'.repeat(51), name: 'x' }, '/id'],
      ['an id with a line end', { id: 'a\n', name: 'x' }, '/id'],
      ['an address that is none', { id: 'x', name: 'x', email: 'nobody' }, '/email'],
      ['is_active as a text', { id: 'x', name: 'x', is_active: 'yes' }, '/is_active'],
    ])('with %s is refused at that member', async (_, sent, pointer) => {
      const before = service.dumpStore();
      const { status, body } = await call('POST', PATH, sent);
      expect([status, body.code]).toEqual([422, 'invalid_request']);
      expect(body.errors).toEqual([expect.objectContaining({ pointer })]);
      expect(service.dumpStore()).toBe(before);
    });
  });

  describe('PATCH', () => {
    test('changes what is sent, leaves the rest, and records both sides of the difference', async () => {
      const id = await add({ email: 'old@acme.example', notes: 'n' });
      const { body: before } = await call('GET', `${PATH}/${id}`);
      const { status, body } = await call('PATCH', `${PATH}/${id}`, {
        email: 'NEW@acme.example',
        notes: null,
        name: before.name,
      });
      expect(status).toBe(200);
      expect(body).toEqual({
        ...before,
        email: 'new@acme.example',
        notes: null,
        updated_at: body.updated_at,
      });
      expect(Date.parse(body.updated_at)).toBeGreaterThan(Date.parse(before.updated_at));
      expect((await eventsOf(id))[1]).toMatchObject({
        action: 'customers.change',
        before: { email: 'old@acme.example', notes: 'n' },
        after: { email: 'new@acme.example', notes: null },
      });
    });

    test('that changes nothing leaves no event and keeps the tag', async () => {
      const id = await add();
      const { headers } = await call('GET', `${PATH}/${id}`);
      const changed = await call('PATCH', `${PATH}/${id}`, { is_active: true });
      expect([changed.status, changed.headers.get('etag')]).toEqual([200, headers.get('etag')]);
      expect(await eventsOf(id)).toHaveLength(1);
    });

    test('of nothing, of the id alone, or with a wrong type is refused', async () => {
      const id = await add();
      for (const sent of [{}, { id: 'other' }, { is_active: 1 }, { name: null }]) {
        const { status, body } = await call('PATCH', `${PATH}/${id}`, sent);
        expect([status, body.code]).toEqual([422, 'invalid_request']);
      }
    });

    test('with the tag of before is precondition_failed; with the newest one or * it acts', async () => {
      const id = await add();
      const tag = async () => (await call('GET', `${PATH}/${id}`)).headers.get('etag') ?? '';
      const old = await tag();
      const patch = (name: string, ifMatch: string) =>
        call('PATCH', `${PATH}/${id}`, { name }, { 'if-match': ifMatch });
      const first = await patch('first', old);
      expect([first.status, first.headers.get('etag')]).toEqual([200, await tag()]);
      const late = await patch('second', old);
      expect([late.status, late.body.code]).toEqual([412, 'precondition_failed']);
      expect((await patch('third', `"0", ${await tag()}`)).status).toBe(200);
      expect((await patch('weak', `W/${await tag()}`)).status).toBe(412);
      expect((await patch('fourth', '*')).status).toBe(200);
      expect((await call('GET', `${PATH}/${id}`)).body.name).toBe('fourth');
    });

    test('by ten at once who saw the same customer: one of them acts', async () => {
      const id = await add();
      const ifMatch = (await call('GET', `${PATH}/${id}`)).headers.get('etag') ?? '';
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, n) =>
          call('PATCH', `${PATH}/${id}`, { name: `by ${n}` }, { 'if-match': ifMatch }),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(412)]);
    });

    test('by ten at once without a tag: all act, one after the other', async () => {
      const id = await add();
      const patches = Array.from({ length: 10 }, (_, n) =>
        call('PATCH', `${PATH}/${id}`, { phone: `+49 ${n}` }),
      );
      expect((await Promise.all(patches)).every(({ status }) => status === 200)).toBe(true);
      const events = (await eventsOf(id)).slice(1);
      expect(events).toHaveLength(10);
      for (const [place, { before }] of events.entries())
        expect(before.phone).toBe(place === 0 ? null : events[place - 1].after.phone);
    });
  });

  describe('DELETE', () => {
    test('deletes, once; a repetition with its Idempotency-Key answers the same', async () => {
      const id = await add();
      const key = { 'idempotency-key': `delete-${id}` };
      const first = await call('DELETE', `${PATH}/${id}`, undefined, key);
      expect([first.status, first.body]).toEqual([
        200,
        { message: 'The customer is deleted.', customer_id: id },
      ]);
      expect((await call('DELETE', `${PATH}/${id}`, undefined, key)).body).toEqual(first.body);
      expect((await call('DELETE', `${PATH}/${id}`)).body.code).toBe('customer_not_found');
      expect((await call('GET', `${PATH}/${id}`)).status).toBe(404);
      expect(await eventsOf(id)).toMatchObject([
        { action: 'customers.create' },
        { action: 'customers.delete', before: { id }, after: null },
      ]);
    });

    test('is refused while there is a licence that is not revoked', async () => {
      const id = await add();
      const key = await service.addLicense({ customer: { id, name: 'x' } });
      const revoked = await service.addLicense({ customer: { id, name: 'x' } });
      await service.updateLicense(revoked, { status: 'revoked' });
      for (const status of ['active', 'suspended']) {
        await service.updateLicense(key, { status });
        const { status: told, body } = await call('DELETE', `${PATH}/${id}`);
        expect([told, body.code]).toEqual([409, 'customer_in_use']);
      }
      await service.updateLicense(key, { status: 'revoked' });
      expect((await call('DELETE', `${PATH}/${id}`)).status).toBe(200);
    });

    test('of a customer who changed since is precondition_failed', async () => {
      const id = await add();
      const old = (await call('GET', `${PATH}/${id}`)).headers.get('etag') ?? '';
      await call('PATCH', `${PATH}/${id}`, { name: 'other' });
      const { status } = await call('DELETE', `${PATH}/${id}`, undefined, { 'if-match': old });
      expect(status).toBe(412);
      expect((await call('GET', `${PATH}/${id}`)).status).toBe(200);
    });

    test('by two at once: one is told that there is none', async () => {
      const id = await add();
      const both = await Promise.all([1, 2].map(() => call('DELETE', `${PATH}/${id}`)));
      expect(both.map(({ status }) => status).sort()).toEqual([200, 404]);
      expect(await eventsOf(id)).toHaveLength(2);
    });
  });

  test.each(['unknown', 'a%2Fb', '%00', 'a'.repeat(51), '..%2F..'])(
    'nobody has the id %s: customer_not_found, and nothing changes',
    async (id) => {
      const before = service.dumpStore();
      const calls = [
        call('GET', `${PATH}/${id}`),
        call('PATCH', `${PATH}/${id}`, { name: 'x' }),
        call('DELETE', `${PATH}/${id}`),
      ];
      for (const { status, body } of await Promise.all(calls))
        expect([status, body.code]).toEqual([404, 'customer_not_found']);
      expect(service.dumpStore()).toBe(before);
    },
  );
});
