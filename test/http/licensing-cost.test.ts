/** What finding a CAIO licence by its text costs the store, and that it is found among others of its customer. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DocumentStore, Write } from '../../shared/ports/document-store.ts';
import { documentPath } from '../../shared/records/paths.ts';
import { addCaio, caioCallsOn, storeCaio } from '../support/caio-calls.ts';
import { caioPayload } from '../support/issued-licenses.ts';
import { type Instance, serveBeside } from '../support/serve-beside.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe.each(['sqlite', 'firestore'] as const)('on %s', (kind) => {
  let service: TestService;
  let instance: Instance;
  const calls: string[] = [];
  const { call } = caioCallsOn(() => instance.baseUrl);

  beforeAll(async () => {
    service = await startTestService({ store: kind, deadlineMs: 10_000 });
    const { store } = service.ports;
    const counting: DocumentStore = {
      ...store,
      get: (paths) => counted('get', () => store.get(paths)),
      query: (query) => counted('query', () => store.query(query)),
    };
    instance = await serveBeside(service, { ports: { store: counting } });
  });
  afterAll(async () => {
    await instance.stop();
    await service.stop();
  });

  function counted<Answer>(name: string, ask: () => Answer): Answer {
    calls.push(name);
    return ask();
  }

  /** How often the store is asked. */
  async function costOf(text: string): Promise<number> {
    calls.length = 0;
    await call('validate', text);
    return calls.length;
  }

  /** Documents of the same customer, before and after this one. */
  async function addOthers(customerId: string, hash: string, count: number): Promise<void> {
    const writes = Array.from({ length: count }, (_, i): Write => {
      const fields = {
        license_id: 'other',
        customer_id: customerId,
        format: 'caio-v2',
        kid: 'k',
        text: `CAIO-v2-${customerId}-${i}`,
        issued_at: 2_000_000_000_000 - i * 10_000_000_000,
        replaces: null,
      };
      return { op: 'set', path: documentPath(hash, 'caio-v2', `other-${i}`), fields };
    });
    await service.ports.store.commit(writes);
  }

  test('is the same for one document of a customer and for hundreds, also of a text that is not on record', async () => {
    const customer_id = 'many-documents';
    const { text, hash, licenseId } = await addCaio(service, { customer_id });
    const path = documentPath(hash, 'caio-v2', 'gone');
    const payload = caioPayload({ customer_id, version: 'gone', issued_at: '2020-01-01T00:00:00+00:00' });
    const gone = await storeCaio(service.ports, { hash, licenseId }, payload, 'gone');
    await service.ports.store.commit([{ op: 'delete', path }]);
    const before = [await costOf(text), await costOf(gone), await costOf(text.replace(/.{4}$/, 'AAA='))];
    await addOthers(customer_id, hash, 300);
    const after = [await costOf(text), await costOf(gone), await costOf(text.replace(/.{4}$/, 'AAA='))];
    expect(before[0]).toBeGreaterThan(0);
    expect(after).toEqual(before);
    expect((await call('validate', text)).body).toMatchObject({ valid: true, customer_id });
    expect((await call('validate', gone)).body).toMatchObject({ code: 'license_not_found' });
  });

  test('two documents of one instant are told apart', async () => {
    const customer_id = 'one-instant';
    const one = await addCaio(service, { customer_id, max_instances: 1 });
    const other = await addCaio(service, { customer_id, max_instances: 2 });
    for (const [{ text }, max_instances] of [
      [one, 1],
      [other, 2],
    ] as const)
      expect((await call('validate', text)).body).toMatchObject({ valid: true, limits: { max_instances } });
    await service.updateLicense(one.licenseKey, { status: 'revoked' });
    expect((await call('validate', one.text)).body).toMatchObject({ code: 'license_revoked' });
    expect((await call('validate', other.text)).body).toMatchObject({ valid: true });
  });
});
