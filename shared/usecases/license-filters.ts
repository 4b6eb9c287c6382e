/** Which licences a query string asks for. */
import { type Caller, mayTouch } from '../access/caller.ts';
import { MAX_CUSTOMERS_OF_ADDRESS } from '../constants.ts';
import type { DocumentStore, QueryOptions } from '../ports/document-store.ts';
import { CUSTOMERS, customerIdOf, customerPath } from '../records/paths.ts';
import type { LicenseFilters, LicenseStatus } from '../wire/admin-licenses.ts';

export type Conditions = NonNullable<QueryOptions['where']>;

const ACTIVE = ['status', '==', 'active'] as const;

/**
 * Alternatives, of which a licence fits one at most; none where what is wanted contradicts what the caller may see. By an
 * address there are licences that name it themselves, and then those that follow a customer who has it now.
 * @throws CountersignError `store_unavailable`
 */
export async function conditionsOf(
  store: DocumentStore,
  caller: Pick<Caller, 'customerId'>,
  wanted: Omit<LicenseFilters, 'status'>,
): Promise<readonly Conditions[]> {
  if (wanted.customer_id !== undefined && !mayTouch(caller, wanted.customer_id)) return [];
  const customerId = caller.customerId ?? wanted.customer_id;
  const others = [...equal('product', wanted.module_name), ...equal('license_type', wanted.license_type)];
  const filters = [...equal('customer_id', customerId), ...others];
  const email = wanted.email?.trim().toLowerCase();
  if (email === undefined) return [filters];
  const naming: Conditions = [...filters, ['email', '==', email]];
  const customers = await customersAt(store, email, customerId);
  return customers.length === 0
    ? [naming]
    : [naming, [...among(customers), ...others, ['email', '==', null]]];
}

async function customersAt(
  store: DocumentStore,
  email: string,
  customerId: string | undefined,
): Promise<readonly string[]> {
  if (customerId !== undefined) {
    const [customer] = await store.get([customerPath(customerId)]);
    return customer?.fields.email === email ? [customerId] : [];
  }
  const where: Conditions = [['email', '==', email]];
  const found = await store.query({ collection: CUSTOMERS, where, limit: MAX_CUSTOMERS_OF_ADDRESS });
  return found.map(({ path }) => customerIdOf(path));
}

/** One is asked for by itself: a store goes through an index in order for that. */
function among(customers: readonly string[]): Conditions {
  const [first, ...more] = customers;
  if (more.length > 0) return [['customer_id', 'in', customers]];
  return equal('customer_id', first);
}

/** Licences of a status. What is active and what has expired depends on the time, and has several parts. */
export function partsOfStatus(status: LicenseStatus, now: number): readonly Conditions[] {
  switch (status) {
    case 'active':
      return [
        [ACTIVE, ['expires_at', '==', null]],
        [ACTIVE, ['expires_at', '>', now]],
      ];
    case 'expired':
      return [[ACTIVE, ['expires_at', '<=', now]]];
    default:
      return [equal('status', status)];
  }
}

/** Active licences that end after `now` and not after `until`. */
export const endingBetween = (now: number, until: number): Conditions => [
  ACTIVE,
  ['expires_at', '>', now],
  ['expires_at', '<=', until],
];

function equal(field: string, value: string | undefined): Conditions {
  return value === undefined ? [] : [[field, '==', value]];
}
