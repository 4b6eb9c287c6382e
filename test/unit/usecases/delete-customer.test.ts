/** The deletion of a customer beside the issue of a licence, in each order that matters; and commits that are not confirmed. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createInstanceMemory } from '../../../infra/memory.ts';
import type { DocumentStore } from '../../../shared/ports/document-store.ts';
import type { Ports } from '../../../shared/ports/ports.ts';
import { AUDIT, CUSTOMERS, customerPath, LICENSES, licensePath } from '../../../shared/records/paths.ts';
import { administer } from '../../../shared/usecases/administer.ts';
import { changeCustomer } from '../../../shared/usecases/change-customer.ts';
import { createCustomer } from '../../../shared/usecases/create-customer.ts';
import { deleteCustomer } from '../../../shared/usecases/delete-customer.ts';
import { knownCustomer } from '../../../shared/usecases/known-customer.ts';
import { createCustomerRequest } from '../../../shared/wire/customers.ts';
import { OPERATOR, portsOn } from '../../support/audit-trail.ts';
import { openFailingStore } from '../../support/failing-store.ts';
import { licenseRecord } from '../../support/records.ts';
import { openTestStore, type TestStore } from '../../support/test-store.ts';

const ID = 'acme-gmbh';
const REQUEST = { caller: OPERATOR, idempotencyKey: undefined, body: {} };
const ACME = createCustomerRequest.parse({ id: ID, name: 'ACME' });

function portsFor(store: DocumentStore): Ports {
  // No use case of customers signs.
  return { ...portsOn(store), memory: createInstanceMemory(), keys: {} as Ports['keys'] };
}

const remove = (store: DocumentStore, id = ID) =>
  deleteCustomer(portsFor(store), { ...REQUEST, id, ifMatch: undefined });

/** A licence for the customer, as operators issue it: nothing of the customer is written. */
function issue(store: DocumentStore, id = ID) {
  const request = { ...REQUEST, operation: 'licenses.issue' };
  return administer(portsOn(store), request, async () => {
    await knownCustomer(store, OPERATOR, id);
    const fields = licenseRecord({ customer: { id, name: 'ACME' }, customer_id: id });
    return {
      answer: {},
      writes: [{ op: 'set' as const, path: licensePath('l1'), fields, demand: 'absent' as const }],
      act: { action: 'licenses.issue', target: 'l1', before: null, after: null },
    };
  });
}

/** Does `work` once, right before a commit of this store is sent. */
function beforeCommit(store: DocumentStore, work: () => Promise<unknown>): DocumentStore {
  let isDone = false;
  return {
    ...store,
    async commit(writes) {
      if (!isDone) {
        isDone = true;
        await work();
      }
      return store.commit(writes);
    },
  };
}

describe.each(['sqlite', 'firestore'] as const)('on %s', (kind) => {
  let testStore: TestStore;
  let store: DocumentStore;

  beforeEach(async () => {
    testStore = await openTestStore(kind);
    store = testStore.store;
    await createCustomer(portsFor(store), REQUEST, ACME);
  });
  afterEach(() => testStore.close());

  const idsOf = async (collection: string) => (await store.query({ collection })).map(({ path }) => path);

  test('a licence that is issued after the look at the licences keeps the customer', async () => {
    const deletion = remove(beforeCommit(store, () => issue(store)));
    await expect(deletion).rejects.toMatchObject({ code: 'customer_in_use' });
    expect([await idsOf(CUSTOMERS), await idsOf(LICENSES)]).toEqual([
      [customerPath(ID)],
      [licensePath('l1')],
    ]);
  });

  test('a deletion after the look at the customer keeps the licence from being issued', async () => {
    const issued = issue(beforeCommit(store, () => remove(store)));
    await expect(issued).rejects.toMatchObject({ code: 'customer_not_found' });
    expect([await idsOf(CUSTOMERS), await idsOf(LICENSES)]).toEqual([[], []]);
  });

  test('both at once, again and again, never leave a licence without its customer', async () => {
    await remove(store);
    for (let round = 0; round < 20; round++) {
      const id = `round-${round}`;
      await createCustomer(portsFor(store), REQUEST, { ...ACME, id });
      const [deleted, issued] = await Promise.allSettled([remove(store, id), issue(store, id)]);
      expect([deleted.status, issued.status].sort()).toEqual(['fulfilled', 'rejected']);
      const left = [await idsOf(CUSTOMERS), await idsOf(LICENSES)].map(({ length }) => length);
      expect(left).toEqual(issued.status === 'fulfilled' ? [1, 1] : [0, 0]);
      const leftOver = [licensePath('l1'), customerPath(id)];
      await store.commit(leftOver.map((path) => ({ op: 'delete', path })));
    }
  });

  test('a store that fails after each write: every act is answered and done once', async () => {
    const failing = openFailingStore(store, { interruptEvery: 2 });
    const ports = portsFor(failing);
    const other = { ...ACME, id: 'other' };
    expect((await createCustomer(ports, REQUEST, other)).answer.name).toBe('ACME');
    for (const name of ['a', 'b', 'c']) {
      const request = { ...REQUEST, id: 'other', ifMatch: undefined };
      expect((await changeCustomer(ports, request, { name })).answer.name).toBe(name);
    }
    expect((await remove(failing)).answer.customer_id).toBe(ID);
    const events = await store.query({ collection: AUDIT });
    expect(events.map(({ fields }) => fields.action)).toEqual([
      'customers.create',
      'customers.create',
      'customers.change',
      'customers.change',
      'customers.change',
      'customers.delete',
    ]);
  });
});
