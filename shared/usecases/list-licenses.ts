/**
 * Licences, a page at a time. Without a status they are newest first. What is active and what has expired depends on the
 * time, so those are found by their end: first those without one, newest first, then the others by their end, the next one
 * first. New ones never come between two that were listed before.
 */
import type { Caller } from '../access/caller.ts';
import { DAY_MS } from '../decide/issue.ts';
import type { Query } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { licenseRecord } from '../records/license.ts';
import { LICENSES } from '../records/paths.ts';
import type { ListedLicense, ListLicenses } from '../wire/admin-licenses.ts';
import { viewOf } from './find-license.ts';
import { type Conditions, conditionsOf, endingBetween, partsOfStatus } from './license-filters.ts';
import { type ListPage, listOf, readPage } from './list-pages.ts';
import { type Damage, readList } from './read.ts';

type LicensePage = { readonly licenses: readonly ListedLicense[] } & ListPage['paging'] & Damage;

/** @throws CountersignError `invalid_request` for a cursor of another list, `store_unavailable` */
export async function listLicenses(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  caller: Pick<Caller, 'customerId'>,
  wanted: ListLicenses,
): Promise<LicensePage> {
  const now = clock.now();
  const list = listOf('licenses', caller, wanted, await partsOf(store, caller, wanted, now));
  const { snapshots, paging } = await readPage(store, list, wanted);
  const { items, damage } = readList(licenseRecord, snapshots);
  return { licenses: items.map(({ record }) => viewOf(record, now)), ...paging, ...damage };
}

async function partsOf(
  store: Ports['store'],
  caller: Pick<Caller, 'customerId'>,
  wanted: ListLicenses,
  now: number,
): Promise<Query[]> {
  const filters = await conditionsOf(store, caller, wanted);
  const parts = conditionsOfStatus(wanted, now);
  return filters.flatMap((filter) => parts.map((conditions) => part([...filter, ...conditions])));
}

function conditionsOfStatus({ status, expiring_within_days: days }: ListLicenses, now: number) {
  if (days !== undefined) return [endingBetween(now, now + days * DAY_MS)];
  return status === undefined ? [[]] : partsOfStatus(status, now);
}

/** By the end where that is compared, as the store demands. */
function part(where: Conditions): Query {
  const byEnd = where.some(([field, comparison]) => field === 'expires_at' && comparison !== '==');
  return { collection: LICENSES, where, orderBy: [byEnd ? ['expires_at', 'asc'] : ['created_at', 'desc']] };
}
