/**
 * Licences, a page at a time. Without a status they are newest first. What is active and what has expired depends on the
 * time, so those are found by their end: first those without one, newest first, then the others by their end, the next one
 * first. New ones never come between two that were listed before.
 *
 * A page costs one query and one count for each part, whatever there is.
 */

import type { Caller } from '../access/caller.ts';
import { DAY_MS } from '../decide/issue.ts';
import { CountersignError } from '../errors.ts';
import type { Query, QueryOptions } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { type LicenseRecord, licenseRecord } from '../records/license.ts';
import { LICENSES } from '../records/paths.ts';
import type { ListedLicense, ListLicenses } from '../wire/admin-licenses.ts';
import { depthProblem, type Paging, pagingOf } from '../wire/paging.ts';
import { viewOf } from './find-license.ts';
import { readRecord } from './read.ts';

type Listing = Pick<Ports, 'store' | 'clock'>;
type Conditions = NonNullable<QueryOptions['where']>;
type Part = Query & Pick<QueryOptions, 'where'>;

export interface LicensePage extends ReturnType<typeof pagingOf> {
  readonly licenses: readonly ListedLicense[];
}

/** @throws CountersignError `invalid_request` for a page too deep, `store_unavailable` */
export async function listLicenses(
  ports: Listing,
  caller: Pick<Caller, 'customerId'>,
  wanted: ListLicenses,
): Promise<LicensePage> {
  const problem = depthProblem(wanted);
  if (problem !== undefined) throw new CountersignError('invalid_request', problem);
  const now = ports.clock.now();
  const parts = partsOf(wanted, caller, now);
  const { total, records } = await readPage(ports, parts, wanted);
  return { licenses: records.map((record) => viewOf(record, now)), ...pagingOf(wanted, total) };
}

/** None for a filter that contradicts what the caller may see. */
function partsOf(wanted: ListLicenses, { customerId }: Pick<Caller, 'customerId'>, now: number): Part[] {
  if (customerId !== null && wanted.customer_id !== undefined && wanted.customer_id !== customerId) return [];
  const filters: Conditions = [
    ...equal('customer_id', customerId ?? wanted.customer_id),
    ...equal('product', wanted.module_name),
    ...equal('license_type', wanted.license_type),
    ...equal('email', wanted.email?.trim().toLowerCase()),
  ];
  const newest = (...more: Conditions) => part([...filters, ...more], ['created_at', 'desc']);
  const byEnd = (...more: Conditions) => part([...filters, ...more], ['expires_at', 'asc']);
  const active = ['status', '==', 'active'] as const;
  const days = wanted.expiring_within_days;
  if (days !== undefined)
    return [byEnd(active, ['expires_at', '>', now], ['expires_at', '<=', now + days * DAY_MS])];
  switch (wanted.status) {
    case 'active':
      return [newest(active, ['expires_at', '==', null]), byEnd(active, ['expires_at', '>', now])];
    case 'expired':
      return [byEnd(active, ['expires_at', '<=', now])];
    default:
      return [newest(...equal('status', wanted.status))];
  }
}

function part(where: Conditions, order: readonly [string, 'asc' | 'desc']): Part {
  return { collection: LICENSES, where, orderBy: [order] };
}

function equal(field: string, value: string | undefined): Conditions {
  return value === undefined ? [] : [[field, '==', value]];
}

/** The parts are one list, one after the other. */
async function readPage(
  { store }: Pick<Ports, 'store'>,
  parts: readonly Part[],
  { page, page_size }: Paging,
): Promise<{ readonly total: number; readonly records: LicenseRecord[] }> {
  const end = page * page_size;
  const read = await Promise.all(
    parts.map(async (each) => {
      const [snapshots, { count }] = await Promise.all([
        store.query({ ...each, limit: end }),
        store.aggregate(each),
      ]);
      return { snapshots, count };
    }),
  );
  const snapshots = read.flatMap((each) => each.snapshots).slice(end - page_size, end);
  return {
    total: read.reduce((sum, { count }) => sum + count, 0),
    records: snapshots.flatMap((snapshot) => readRecord(licenseRecord, snapshot)?.record ?? []),
  };
}
