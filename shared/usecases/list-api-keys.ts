/** The API keys that a caller may see, in the order of their prefixes: one is found in a list by how it begins. */
import type { Caller } from '../access/caller.ts';
import type { DocumentStore, Query } from '../ports/document-store.ts';
import { apiKeyRecord } from '../records/api-key.ts';
import { API_KEYS } from '../records/paths.ts';
import type { ApiKey } from '../wire/api-keys.ts';
import { type Paging, pagingOf } from '../wire/paging.ts';
import { describeApiKey } from './api-key-answer.ts';
import { type Damage, readList } from './read.ts';

/** @throws CountersignError `store_unavailable` */
export async function listApiKeys(
  store: DocumentStore,
  { customerId }: Pick<Caller, 'customerId'>,
  paging: Paging,
): Promise<{ readonly api_keys: ApiKey[] } & ReturnType<typeof pagingOf> & Damage> {
  const { page, page_size: size } = paging;
  const query: Query =
    customerId === null
      ? { collection: API_KEYS, orderBy: [['prefix', 'asc']] }
      : { collection: API_KEYS, where: [['customer_id', '==', customerId]] };
  const [found, { count }] = await Promise.all([
    store.query({ ...query, limit: page * size }),
    store.aggregate(query),
  ]);
  const { items, damage } = readList(apiKeyRecord, found.slice((page - 1) * size));
  const api_keys = items.map(({ record }) => describeApiKey(record));
  return { api_keys, ...pagingOf(paging, count), ...damage };
}
