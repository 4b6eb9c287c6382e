/**
 * Creates a customer under an id of the operator's, which is given once: revoked licences, usage, the audit trail and an
 * issuer of ID tokens go on naming a customer that was deleted, and would mean the next one of that id.
 */
import { CountersignError } from '../errors.ts';
import type { DocumentStore } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import type { CustomerRecord } from '../records/customer.ts';
import { AUDIT, customerPath } from '../records/paths.ts';
import type { CreateCustomer, Customer } from '../wire/customers.ts';
import { type AdminRequest, administer } from './administer.ts';
import { DELETION } from './delete-customer.ts';
import { describeCustomer } from './known-customer.ts';

type CreateRequest = Omit<AdminRequest, 'operation'>;

/** @throws CountersignError `forbidden`, `customer_exists`, `customer_id_taken`, `idempotency_conflict`, `store_unavailable` */
export async function createCustomer(
  ports: Ports,
  request: CreateRequest,
  { id, ...details }: CreateCustomer,
): Promise<{ readonly answer: Customer; readonly replayed: boolean }> {
  // Whatever the id: another answer for one that is taken would say which customers there are.
  if (request.caller.customerId !== null)
    throw new CountersignError('forbidden', 'A caller that is bound to one customer creates none.');
  const path = customerPath(id);
  return administer(ports, { ...request, operation: 'customers.create' }, async (now) => {
    const [found] = await ports.store.get([path]);
    if (found !== undefined)
      throw new CountersignError('customer_exists', 'There is a customer with this id. Choose another one.');
    if (await wasDeleted(ports.store, id))
      throw new CountersignError(
        'customer_id_taken',
        'A customer that was deleted had this id, and an id is given once. Choose another one.',
      );
    const record: CustomerRecord = { ...details, created_at: now, updated_at: now };
    const answer = describeCustomer(id, record);
    return {
      answer,
      writes: [{ op: 'set', path, fields: record, demand: 'absent' }],
      act: { action: 'customers.create', target: id, before: null, after: answer },
    };
  });
}

async function wasDeleted(store: DocumentStore, id: string): Promise<boolean> {
  const deletions = await store.query({
    collection: AUDIT,
    where: [
      ['target', '==', id],
      ['action', '==', DELETION],
    ],
    limit: 1,
  });
  return deletions.length > 0;
}
