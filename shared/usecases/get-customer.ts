import type { Caller } from '../access/caller.ts';
import type { DocumentStore } from '../ports/document-store.ts';
import type { Customer } from '../wire/customers.ts';
import { describeCustomer, knownCustomer } from './known-customer.ts';

/** @throws CountersignError `customer_not_found`, `store_unavailable` */
export async function getCustomer(store: DocumentStore, caller: Caller, id: string): Promise<Customer> {
  const { record } = await knownCustomer(store, caller, id);
  return describeCustomer(id, record);
}
