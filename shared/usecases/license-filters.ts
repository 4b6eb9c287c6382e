/** Which licences a query string asks for. */
import { type Caller, mayTouch } from '../access/caller.ts';
import type { QueryOptions } from '../ports/document-store.ts';
import type { LicenseFilters, LicenseStatus } from '../wire/admin-licenses.ts';

export type Conditions = NonNullable<QueryOptions['where']>;

const ACTIVE = ['status', '==', 'active'] as const;

/** Undefined for what contradicts what the caller may see: there are none. */
export function conditionsOf(
  caller: Pick<Caller, 'customerId'>,
  wanted: Omit<LicenseFilters, 'status'>,
): Conditions | undefined {
  const { customerId } = caller;
  if (wanted.customer_id !== undefined && !mayTouch(caller, wanted.customer_id)) return undefined;
  return [
    ...equal('customer_id', customerId ?? wanted.customer_id),
    ...equal('product', wanted.module_name),
    ...equal('license_type', wanted.license_type),
    ...equal('email', wanted.email?.trim().toLowerCase()),
  ];
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
