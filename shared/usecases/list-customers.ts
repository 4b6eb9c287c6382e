/** The customers that a caller may see, in the order of their ids. Two calls to the store, however many there are. */
import type { Caller } from '../access/caller.ts';
import { DOCUMENT_ID, type DocumentStore, documentId, type Query } from '../ports/document-store.ts';
import { customerRecord } from '../records/customer.ts';
import { CUSTOMERS } from '../records/paths.ts';
import type { Customer, ListCustomersQuery } from '../wire/customers.ts';
import { pagingOf } from '../wire/paging.ts';
import { describeCustomer } from './known-customer.ts';
import { readRecord } from './read.ts';
import { together } from './together.ts';

/** @throws CountersignError `store_unavailable` */
export async function listCustomers(
  store: DocumentStore,
  caller: Pick<Caller, 'customerId'>,
  wanted: ListCustomersQuery,
): Promise<{ readonly customers: Customer[] } & ReturnType<typeof pagingOf>> {
  const { page, page_size: size } = wanted;
  const query = queryOf(caller, wanted);
  const [found, { count }] = await together([
    store.query({ ...query, limit: page * size }),
    store.aggregate(query),
  ]);
  const customers = found.slice((page - 1) * size).flatMap((snapshot) => {
    const customer = readRecord(customerRecord, snapshot);
    return customer === undefined ? [] : [describeCustomer(documentId(snapshot.path), customer.record)];
  });
  return { customers, ...pagingOf(wanted, count) };
}

function queryOf(
  { customerId }: Pick<Caller, 'customerId'>,
  { email, is_active }: ListCustomersQuery,
): Query {
  const where: [string, '==', string | boolean][] = [];
  if (customerId !== null) where.push([DOCUMENT_ID, '==', customerId]);
  if (email !== undefined) where.push(['email', '==', email]);
  if (is_active !== undefined) where.push(['is_active', '==', is_active]);
  return { collection: CUSTOMERS, where };
}
