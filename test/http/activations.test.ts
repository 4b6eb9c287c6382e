/** Operators see where a licence runs, and end activations. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AccessScope } from '../../shared/access/scopes.ts';
import { AUDIT } from '../../shared/records/paths.ts';
import { addCaio, caioCallsOn } from '../support/caio-calls.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';

const READ: AccessScope[] = ['licenses:read'];
const WRITE: AccessScope[] = ['licenses:write'];

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  const { call } = caioCallsOn(() => service.baseUrl);

  beforeAll(async () => {
    service = await startTestService({ store });
  });
  afterAll(() => service.stop());

  async function ask(
    method: 'GET' | 'DELETE',
    path: string,
    {
      scopes = [...READ, ...WRITE],
      customerId,
      key,
    }: { scopes?: AccessScope[]; customerId?: string; key?: string } = {},
  ): Promise<Answer> {
    const headers = {
      ...(await service.admin(scopes, customerId)),
      ...(key !== undefined && { 'idempotency-key': key }),
    };
    const response = await fetch(new URL(`/api/v1/licenses/${path}`, service.baseUrl), { method, headers });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  async function activated(customer_id: string, count: number) {
    const caio = await addCaio(service, { customer_id, max_instances: count });
    for (let i = 0; i < count; i++) await call('activate', caio.text, `${customer_id}-${i}`);
    const { body } = await ask('GET', `${caio.licenseId}/activations`);
    const instances: string[] = body.activations.map(({ instance }: { instance: string }) => instance);
    return { ...caio, instances };
  }

  test('the list is paged, in one order, and names no instance in plain text', async () => {
    const { licenseId, instances } = await activated('paging', 5);
    const pages = await Promise.all(
      [1, 2, 3, 4].map((page) => ask('GET', `${licenseId}/activations?page=${page}&page_size=2`)),
    );
    expect(pages.map(({ body }) => body.activations.length)).toEqual([2, 2, 1, 0]);
    expect(
      pages.flatMap(({ body }) => body.activations.map(({ instance }: { instance: string }) => instance)),
    ).toEqual(instances);
    expect(pages[0]?.body).toMatchObject({ total: 5, total_pages: 3, max_instances: 5 });
    expect(pages[0]?.body.activations[0]).toMatchObject({ live: true, format: 'caio-v2' });
    expect(JSON.stringify(pages.map(({ body }) => body))).not.toContain('paging-0');
  });

  test('one beyond a lowered number is not live', async () => {
    const { licenseId, licenseKey } = await activated('lowering', 3);
    const limits = { max_instances: 2, max_services: 1, max_requests_per_day: 1 };
    await service.updateLicense(licenseKey, { limits });
    const { body } = await ask('GET', `${licenseId}/activations`);
    const live = body.activations.map((activation: { live: boolean }) => activation.live);
    expect(live.filter(Boolean)).toHaveLength(2);
    expect(body).toMatchObject({ total: 3, max_instances: 2 });
  });

  test('an ended one makes room, once, and the audit trail says so', async () => {
    const { licenseId, instances, text } = await activated('ending', 1);
    const path = `${licenseId}/activations/${instances[0]}`;
    expect((await call('activate', text, 'waiting')).status).toBe(409);
    const both = await Promise.all([ask('DELETE', path), ask('DELETE', path)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 404]);
    expect((await call('activate', text, 'waiting')).status).toBe(200);
    expect((await ask('DELETE', path)).body).toMatchObject({ code: 'activation_not_found' });
    const events = await service.ports.store.query({ collection: AUDIT });
    expect(events.map(({ fields }) => fields).filter(({ target }) => target === licenseId)).toEqual([
      expect.objectContaining({
        action: 'activations.end',
        before: expect.objectContaining({ instance: instances[0] }),
        after: null,
      }),
    ]);
  });

  test('a repeated request with its Idempotency-Key is answered alike', async () => {
    const { licenseId, instances, text } = await activated('repeating', 1);
    const path = `${licenseId}/activations/${instances[0]}`;
    const headers = { ...(await service.admin(WRITE)), 'idempotency-key': 'once' };
    const send = () =>
      fetch(new URL(`/api/v1/licenses/${path}`, service.baseUrl), { method: 'DELETE', headers });
    const first = await send();
    await call('activate', text, 'repeating-0');
    const second = await send();
    expect([second.status, await second.json()]).toEqual([200, await first.json()]);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect((await call('validate', text, 'repeating-0')).body).toMatchObject({ activated: true });
  });

  test('a licence that an operator issues and renews runs where it ran, with its new text', async () => {
    const headers = await service.admin(['customers:write', 'licenses:write', 'licenses:read']);
    await service.post('/api/v1/customers', { id: 'on-premises', name: 'On Premises' }, headers);
    const issued = await service.post(
      '/api/v1/licenses',
      {
        customer_id: 'on-premises',
        module_name: 'caio',
        license_type: 'standard',
        duration_days: 30,
        limits: { max_instances: 1, max_services: 2, max_requests_per_day: 3 },
        formats: ['caio-v2'],
      },
      headers,
    );
    expect(issued.status).toBe(201);
    const textOf = async () => {
      const { body } = await ask('GET', `${issued.body.id}/documents?format=caio-v2`);
      return body.documents[0].document as string;
    };
    const text = await textOf();
    expect((await call('activate', text, 'premises')).body).toMatchObject({ valid: true, days_left: 30 });
    const path = `/api/v1/licenses/${issued.body.id}`;
    expect((await service.post(`${path}/renew`, { duration_days: 10 }, headers)).status).toBe(200);
    const { body: renewal } = await call('renew', text);
    expect(renewal).toMatchObject({ renewed: true, days_left: 40, license_key: await textOf() });
    expect((await call('activate', renewal.license_key, 'premises')).body).toMatchObject({
      instances_in_use: 1,
      days_left: 40,
    });
    expect((await call('activate', text, 'elsewhere')).status).toBe(409);
  });

  test('of another customer they do not exist', async () => {
    const { licenseId, instances } = await activated('hidden', 1);
    const before = service.dumpStore();
    const unknown = await ask('GET', '00000000-0000-4000-8000-000000000000/activations', {
      customerId: 'nosy',
    });
    for (const [method, path] of [
      ['GET', `${licenseId}/activations`],
      ['DELETE', `${licenseId}/activations/${instances[0]}`],
      ['DELETE', `${licenseId}/activations/${'0'.repeat(32)}`],
    ] as const) {
      const { status, body } = await ask(method, path, { customerId: 'nosy' });
      expect([status, { ...body, request_id: '' }]).toEqual([404, { ...unknown.body, request_id: '' }]);
    }
    expect((await ask('GET', `${licenseId}/activations`, { customerId: 'hidden' })).status).toBe(200);
    expect(service.dumpStore().includes(instances[0] ?? '?')).toBe(before.includes(instances[0] ?? '?'));
  });

  test('they need their scope, and a sound request', async () => {
    const { licenseId, instances } = await activated('guarded', 1);
    const one = `${licenseId}/activations/${instances[0]}`;
    expect((await ask('GET', `${licenseId}/activations`, { scopes: WRITE })).status).toBe(403);
    expect((await ask('DELETE', one, { scopes: READ })).status).toBe(403);
    expect((await ask('GET', `${licenseId}/activations?page_size=101`)).status).toBe(422);
    expect((await ask('GET', `${licenseId}/activations?page=200&page_size=100`)).status).toBe(422);
    expect((await ask('GET', `${licenseId}/activations?color=red`)).status).toBe(422);
    for (const odd of ['guarded-0', '%00', `${instances[0]}0`, '..%2F..'])
      expect((await ask('DELETE', `${licenseId}/activations/${odd}`)).status).toBe(404);
    expect((await ask('GET', `${licenseId}/activations`)).body.total).toBe(1);
  });
});
