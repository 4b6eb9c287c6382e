/** Creates a customer under an id of the operator's. */

import { CountersignError } from '../errors.ts';
import type { Ports } from '../ports/ports.ts';
import type { CustomerRecord } from '../records/customer.ts';
import { customerPath } from '../records/paths.ts';
import type { CreateCustomer, Customer } from '../wire/customers.ts';
import { type AdminRequest, administer } from './administer.ts';
import { describeCustomer } from './known-customer.ts';

type CreateRequest = Omit<AdminRequest, 'operation'>;

/** @throws CountersignError `forbidden`, `customer_exists`, `idempotency_conflict`, `store_unavailable` */
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
    const record: CustomerRecord = { ...details, created_at: now, updated_at: now };
    const answer = describeCustomer(id, record);
    return {
      answer,
      writes: [{ op: 'set', path, fields: record, demand: 'absent' }],
      act: { action: 'customers.create', target: id, before: null, after: answer },
    };
  });
}
