/** How many licences there are, by status, type and tier: counted by the store, none of them read. */
import type { Caller } from '../access/caller.ts';
import type { Ports } from '../ports/ports.ts';
import { LICENSES } from '../records/paths.ts';
import { TIER_NAMES } from '../tiers.ts';
import {
  LICENSE_STATUSES,
  LICENSE_TYPES,
  type LicenseFilters,
  type LicenseStats,
} from '../wire/admin-licenses.ts';
import { type Conditions, conditionsOf, partsOfStatus } from './license-filters.ts';
import { together } from './together.ts';

type Count = (parts: readonly Conditions[], ...more: Conditions) => Promise<number>;

/** @throws CountersignError `store_unavailable` */
export async function licenseStats(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  caller: Pick<Caller, 'customerId'>,
  wanted: LicenseFilters,
): Promise<LicenseStats> {
  const now = clock.now();
  const filters = await conditionsOf(store, caller, wanted);
  const count: Count = async (parts, ...more) => {
    const each = filters.flatMap((filter) => parts.map((part) => [...filter, ...part, ...more]));
    const counts = await together(each.map((where) => store.aggregate({ collection: LICENSES, where })));
    return counts.reduce((sum, { count: number }) => sum + number, 0);
  };
  const { status, license_type: type } = wanted;
  const parts = status === undefined ? [[]] : partsOfStatus(status, now);
  const [by_status, by_type, by_tier] = await together([
    countEach(LICENSE_STATUSES, status, (each) => count(partsOfStatus(each, now))),
    countEach(LICENSE_TYPES, type, (each) => {
      return type === undefined ? count(parts, ['license_type', '==', each]) : count(parts);
    }),
    countEach(TIER_NAMES, undefined, (each) => count(parts, ['tier', '==', each])),
  ]);
  const total = Object.values(by_status).reduce((sum, number) => sum + number, 0);
  return { total, by_status, by_type, by_tier };
}

/** Of a name that a filter leaves out there are none. */
async function countEach<Name extends string>(
  names: readonly Name[],
  only: Name | undefined,
  count: (name: Name) => Promise<number>,
): Promise<Record<Name, number>> {
  const counted = names.map(async (name): Promise<readonly [Name, number]> => {
    const isLeftOut = only !== undefined && only !== name;
    return [name, isLeftOut ? 0 : await count(name)];
  });
  return Object.fromEntries(await together(counted)) as Record<Name, number>;
}
