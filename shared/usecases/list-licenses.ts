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
import { readRecord } from './read.ts';

type LicensePage = { readonly licenses: readonly ListedLicense[] } & ListPage['paging'];

/** @throws CountersignError `invalid_request` for a cursor of another list, `store_unavailable` */
export async function listLicenses(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  caller: Pick<Caller, 'customerId'>,
  wanted: ListLicenses,
): Promise<LicensePage> {
  const now = clock.now();
  const list = listOf('licenses', caller, wanted, partsOf(caller, wanted, now));
  const { snapshots, paging } = await readPage(store, list, wanted);
  const licenses = snapshots.flatMap((snapshot) => {
    const license = readRecord(licenseRecord, snapshot);
    return license === undefined ? [] : [viewOf(license.record, now)];
  });
  return { licenses, ...paging };
}

function partsOf(caller: Pick<Caller, 'customerId'>, wanted: ListLicenses, now: number): Query[] {
  const filters = conditionsOf(caller, wanted);
  if (filters === undefined) return [];
  const { status, expiring_within_days: days } = wanted;
  if (days !== undefined) return [part([...filters, ...endingBetween(now, now + days * DAY_MS)])];
  const parts = status === undefined ? [[]] : partsOfStatus(status, now);
  return parts.map((conditions) => part([...filters, ...conditions]));
}

/** By the end where that is compared, as the store demands. */
function part(where: Conditions): Query {
  const byEnd = where.some(([field, comparison]) => field === 'expires_at' && comparison !== '==');
  return { collection: LICENSES, where, orderBy: [byEnd ? ['expires_at', 'asc'] : ['created_at', 'desc']] };
}
