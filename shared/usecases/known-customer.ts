/** A customer as it is stored, for a caller who may see it. */
import { type Caller, mayTouch } from '../access/caller.ts';
import { CountersignError } from '../errors.ts';
import type { DocumentStore } from '../ports/document-store.ts';
import { type CustomerRecord, customerRecord } from '../records/customer.ts';
import { customerPath } from '../records/paths.ts';
import type { Versioned } from '../records/versioned.ts';
import { type Customer, customerId } from '../wire/customers.ts';
import { formatInstant } from '../wire/document.ts';
import { readRecord } from './read.ts';

/**
 * A customer of somebody else is answered as one that does not exist.
 * @throws CountersignError `customer_not_found`, `store_unavailable`
 */
export async function knownCustomer(
  store: DocumentStore,
  caller: Pick<Caller, 'customerId'>,
  id: string,
): Promise<Versioned<CustomerRecord>> {
  if (customerId.safeParse(id).success && mayTouch(caller, id)) {
    const [snapshot] = await store.get([customerPath(id)]);
    const customer = readRecord(customerRecord, snapshot);
    if (customer !== undefined) return customer;
  }
  throw new CountersignError('customer_not_found', 'No customer has this id.');
}

/**
 * One that may get a licence. Its deactivation grows the audit chain, which an operator's write reads before the customer: of
 * the two at once, one is decided anew.
 * @throws CountersignError `customer_not_found`, `customer_inactive`, `store_unavailable`
 */
export async function activeCustomer(
  store: DocumentStore,
  caller: Pick<Caller, 'customerId'>,
  id: string,
): Promise<Versioned<CustomerRecord>> {
  const customer = await knownCustomer(store, caller, id);
  if (customer.record.is_active) return customer;
  throw new CountersignError(
    'customer_inactive',
    'This customer is not active and gets no new licence. Activate it first, or name another one.',
  );
}

/** A customer as operators see it. */
export function describeCustomer(id: string, record: CustomerRecord): Customer {
  return {
    id,
    ...record,
    created_at: formatInstant(record.created_at),
    updated_at: formatInstant(record.updated_at),
  };
}

/** A write always moves the record on, whatever the clock does: stores may keep the version of one that changes nothing. */
export function movedOn({ updated_at }: Pick<CustomerRecord, 'updated_at'>, now: number) {
  return { updated_at: Math.max(now, updated_at + 1) };
}
