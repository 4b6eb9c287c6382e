/** The customers that a caller may see, in the order of their ids. */
import type { Caller } from '../access/caller.ts';
import { DOCUMENT_ID, type DocumentStore, type Query } from '../ports/document-store.ts';
import { customerRecord } from '../records/customer.ts';
import { CUSTOMERS, customerIdOf, customerSegment } from '../records/paths.ts';
import type { Customer, ListCustomersQuery } from '../wire/customers.ts';
import { describeCustomer } from './known-customer.ts';
import { type ListPage, listOf, readPage } from './list-pages.ts';
import { type Damage, readList } from './read.ts';

type CustomerPage = { readonly customers: readonly Customer[] } & ListPage['paging'] & Damage;

/** @throws CountersignError `invalid_request` for a cursor of another list, `store_unavailable` */
export async function listCustomers(
  store: DocumentStore,
  caller: Pick<Caller, 'customerId'>,
  wanted: ListCustomersQuery,
): Promise<CustomerPage> {
  const list = listOf('customers', caller, wanted, [queryOf(caller, wanted)]);
  const { snapshots, paging } = await readPage(store, list, wanted);
  const { items, damage } = readList(customerRecord, snapshots);
  const customers = items.map(({ path, record }) => describeCustomer(customerIdOf(path), record));
  return { customers, ...paging, ...damage };
}

function queryOf(
  { customerId }: Pick<Caller, 'customerId'>,
  { email, is_active }: ListCustomersQuery,
): Query {
  const where: [string, '==', string | boolean][] = [];
  if (customerId !== null) where.push([DOCUMENT_ID, '==', customerSegment(customerId)]);
  if (email !== undefined) where.push(['email', '==', email]);
  if (is_active !== undefined) where.push(['is_active', '==', is_active]);
  return { collection: CUSTOMERS, where };
}
