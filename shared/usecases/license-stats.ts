/** How many licences there are, by status and by type: counted by the store, none of them read. */

import type { Caller } from '../access/caller.ts';
import type { QueryOptions } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { LICENSES } from '../records/paths.ts';
import { LICENSE_TYPES, type LicenseStats } from '../wire/admin-licenses.ts';

type Conditions = NonNullable<QueryOptions['where']>;

/** @throws CountersignError `store_unavailable` */
export async function licenseStats(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  { customerId }: Pick<Caller, 'customerId'>,
): Promise<LicenseStats> {
  const own: Conditions = customerId === null ? [] : [['customer_id', '==', customerId]];
  const count = async (...where: Conditions) =>
    (await store.aggregate({ collection: LICENSES, where: [...own, ...where] })).count;
  const active = ['status', '==', 'active'] as const;
  const [total, holding, expired, suspended, revoked, ...types] = await Promise.all([
    count(),
    count(active),
    count(active, ['expires_at', '<=', clock.now()]),
    count(['status', '==', 'suspended']),
    count(['status', '==', 'revoked']),
    ...LICENSE_TYPES.map((type) => count(['license_type', '==', type])),
  ]);
  const by_type = Object.fromEntries(LICENSE_TYPES.map((type, place) => [type, types[place] ?? 0]));
  return {
    total,
    by_status: { active: holding - expired, expired, suspended, revoked },
    by_type: by_type as LicenseStats['by_type'],
  };
}
