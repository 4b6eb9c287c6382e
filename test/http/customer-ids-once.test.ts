/** What is left of a customer when it is deleted opens nothing of another one: no key outlives it, and its id is given once. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import { beginStory } from '../support/audit-story.ts';
import { addCustomer } from '../support/customers.ts';
import { startRivals } from '../support/rivals.ts';
import { startTestService, type TestService } from '../support/service.ts';

const CUSTOMERS = '/api/v1/customers';
const KEYS = '/api/v1/admin/api-keys';

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let call: AdminCall;

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    call = adminCalls(service, await service.admin());
  });
  afterAll(() => service.stop());

  async function addKey(customerId: string | null, more: object = {}) {
    const body = { name: 'portal', scopes: ['customers:read', 'customers:write'], customer_id: customerId };
    const answer = await call('POST', KEYS, { ...body, ...more });
    expect(answer.status).toBe(201);
    return answer.body as { readonly prefix: string; readonly api_key: string };
  }

  const remove = (id: string, by = call) => by('DELETE', `${CUSTOMERS}/${id}`);
  const recreate = (id: string) => call('POST', CUSTOMERS, { id, name: 'Next', email: 'next@acme.example' });

  describe('a customer whose keys open something', () => {
    test('is not deleted, and the answer says what to do', async () => {
      const id = await addCustomer(call);
      const { prefix } = await addKey(id);
      const before = service.dumpStore();
      const refused = await remove(id);
      expect([refused.status, refused.body.code]).toEqual([409, 'customer_in_use']);
      expect(refused.body.detail).toMatch(/API keys.*[Rr]evoke/);
      expect(service.dumpStore()).toBe(before);
      await call('DELETE', `${KEYS}/${prefix}`);
      expect((await remove(id)).status).toBe(200);
    });

    test('is not deleted by one of them either', async () => {
      const id = await addCustomer(call);
      const { api_key: own } = await addKey(id);
      const refused = await remove(id, adminCalls(service, { 'x-api-key': own }));
      expect(refused.body.code).toBe('customer_in_use');
    });

    test('is not deleted for a key behind a hundred that are over', async () => {
      const id = await addCustomer(call);
      const at = service.ports.clock.now();
      const over = { name: 'x', scopes: ['usage:read'], customer_id: id, created_at: at, last_used_at: null };
      const hash = (place: number) => `${String(place).padStart(3, '0')}-${id}`;
      const write = (place: number, fields: object) => ({
        op: 'set' as const,
        path: `api_keys/${hash(place)}`,
        fields: { ...over, prefix: `csk_${String(place).padStart(8, '0')}`, revoked_at: null, ...fields },
      });
      const ended = Array.from({ length: 120 }, (_, place) =>
        write(place, place % 2 === 0 ? { expires_at: at - 1 } : { expires_at: null, revoked_at: at }),
      );
      const live = write(500, { expires_at: at + 3_600_000 });
      await service.ports.store.commit([...ended, live]);
      expect((await remove(id)).body.code).toBe('customer_in_use');
      service.advance(3601);
      expect((await remove(id)).status).toBe(200);
    });

    test('is deleted when all the keys there are belong to others, or to nobody', async () => {
      const id = await addCustomer(call);
      await addKey(await addCustomer(call));
      await addKey(null);
      expect((await remove(id)).status).toBe(200);
    });
  });

  describe('the id of a customer that was deleted', () => {
    test('is not given again, also not to one that held nothing', async () => {
      const id = await addCustomer(call);
      await remove(id);
      const before = service.dumpStore();
      const refused = await recreate(id);
      expect([refused.status, refused.body.code]).toEqual([409, 'customer_id_taken']);
      expect(service.dumpStore()).toBe(before);
      expect((await call('GET', `${CUSTOMERS}/${id}`)).status).toBe(404);
    });

    test('is not given again for its revoked licences and its keys to be found under another one', async () => {
      const id = await addCustomer(call, { email: 'old@acme.example' });
      const license = await service.addLicense({ customer: { id, name: 'Old' } });
      await service.updateLicense(license, { status: 'revoked' });
      const { api_key: old, prefix } = await addKey(id);
      await call('DELETE', `${KEYS}/${prefix}`);
      expect((await remove(id)).status).toBe(200);
      expect((await recreate(id)).body.code).toBe('customer_id_taken');
      const byKey = adminCalls(service, { 'x-api-key': old });
      expect((await byKey('GET', `${CUSTOMERS}/${id}`)).status).toBe(401);
      expect((await byKey('PATCH', `${CUSTOMERS}/${id}`, { email: 'me@evil.example' })).status).toBe(401);
    });

    test('is told apart from ids that merely were the target of another act', async () => {
      const id = `license-${randomUUID()}`;
      const { prefix } = await addKey(null);
      await call('DELETE', `${KEYS}/${prefix}`);
      expect((await call('POST', CUSTOMERS, { id: prefix, name: 'Named like a key' })).status).toBe(201);
      expect((await call('POST', CUSTOMERS, { id, name: 'x' })).status).toBe(201);
      expect((await call('PATCH', `${CUSTOMERS}/${id}`, { name: 'y' })).status).toBe(200);
      expect((await recreate(id)).body.code).toBe('customer_exists');
    });

    test('is answered as before where the request that created it is repeated', async () => {
      const key = { 'idempotency-key': randomUUID() };
      const sent = { id: randomUUID(), name: 'Once' };
      const first = await call('POST', CUSTOMERS, sent, key);
      await remove(sent.id);
      expect((await call('POST', CUSTOMERS, sent, key)).body).toEqual(first.body);
      expect((await call('GET', `${CUSTOMERS}/${sent.id}`)).status).toBe(404);
    });
  });

  describe.each(['one instance', 'two instances'] as const)('at once, at %s', (instances) => {
    test('of a deletion and a key for that customer one is refused', async () => {
      const rivals = await startRivals(service, instances);
      try {
        for (let round = 0; round < 8; round++) {
          const id = await addCustomer(call);
          const story = await beginStory(service);
          const key = { name: 'portal', scopes: ['customers:read'], customer_id: id };
          const [made, deleted] = await Promise.all([
            rivals.one('POST', KEYS, key),
            rivals.other('DELETE', `${CUSTOMERS}/${id}`),
          ]);
          const isMade = made.status === 201;
          expect([made.status, deleted.status]).toEqual(isMade ? [201, 409] : [422, 200]);
          expect(isMade ? deleted.body.code : made.body.errors[0].pointer).toBe(
            isMade ? 'customer_in_use' : '/customer_id',
          );
          await story.expect([made, deleted], [{ action: isMade ? 'api_keys.create' : 'customers.delete' }]);
        }
      } finally {
        await rivals.stop();
      }
    });

    test('of a deletion and a creation of one id nobody ends with another customer of it', async () => {
      const rivals = await startRivals(service, instances);
      try {
        const id = await addCustomer(call);
        const [created, deleted] = await Promise.all([
          rivals.one('POST', CUSTOMERS, { id, name: 'Next' }),
          rivals.other('DELETE', `${CUSTOMERS}/${id}`),
        ]);
        expect(deleted.status).toBe(200);
        expect(created.body.code).toMatch(/^customer_(exists|id_taken)$/);
        expect((await call('GET', `${CUSTOMERS}/${id}`)).status).toBe(404);
      } finally {
        await rivals.stop();
      }
    });
  });
});
