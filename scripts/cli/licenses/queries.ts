/** Lists and counts of licences. */
import type { AdminClient, LicenseFilter, ListedLicense } from '../../../shared/client/admin-client.ts';
import { answer, type OutputOptions } from '../output.ts';
import { openService } from '../service.ts';
import { table } from '../table.ts';

export interface FilterOptions extends OutputOptions {
  readonly customer?: string;
  readonly module?: string;
  readonly type?: string;
  readonly status?: string;
  readonly email?: string;
}

export interface ListOptions extends FilterOptions {
  readonly page: number;
  readonly pageSize: number;
}

export interface FindOptions extends OutputOptions {
  readonly email: string;
}

export const COUNTED = ['tier', 'status', 'type'] as const;

export interface CountOptions extends FilterOptions {
  readonly by: (typeof COUNTED)[number];
}

export interface ExpiringOptions extends FilterOptions {
  readonly days: number;
}

export function filterOf({ customer, module, type, status, email }: FilterOptions): LicenseFilter {
  return { customer_id: customer, module_name: module, license_type: type, status, email };
}

export async function listLicenses(options: ListOptions): Promise<void> {
  const { page, pageSize: page_size } = options;
  const found = await openService().licenses.list({ ...filterOf(options), page, page_size });
  answer(
    options,
    found,
    () =>
      `${licenseTable(found.licenses)}\n\nPage ${found.page} of ${found.total_pages}; ${found.total} in all.`,
  );
}

export async function findLicenses(options: FindOptions): Promise<void> {
  const licenses = await Array.fromAsync(openService().licenses.all({ email: options.email }));
  answer(options, { licenses }, () =>
    licenses.length === 0 ? 'No licence names this address.' : licenseTable(licenses),
  );
}

/** The service counts; no licence is read. */
export async function countLicenses(options: CountOptions): Promise<void> {
  const stats = await openService().stats(filterOf(options));
  const counts = Object.entries(stats[`by_${options.by}`])
    .filter(([, number]) => number > 0)
    .sort(([first], [second]) => (first < second ? -1 : 1));
  answer(options, { by: options.by, counts: Object.fromEntries(counts) }, () =>
    table(
      [options.by.toUpperCase(), 'LICENCES'],
      counts.map(([value, number]) => [value, String(number)]),
    ),
  );
}

export async function expiringLicenses(options: ExpiringOptions): Promise<void> {
  const licenses = await Array.fromAsync(endingWithin(openService(), options.days, filterOf(options)));
  answer(options, { days: options.days, licenses }, () =>
    licenses.length === 0 ? `No active licence ends within ${options.days} days.` : licenseTable(licenses),
  );
}

/** Active licences that end within so many days from now, the first to end first. */
export function endingWithin(
  { licenses }: AdminClient,
  days: number,
  filter: LicenseFilter = {},
): AsyncIterable<ListedLicense> {
  return licenses.all({ ...filter, expiring_within_days: days });
}

export function licenseTable(licenses: readonly ListedLicense[]): string {
  const rows = licenses.map((license) => [
    license.id,
    license.customer_id,
    license.module_name,
    license.tier,
    license.license_type,
    license.status,
    license.expires_at ?? 'never',
    license.holder?.email ?? '',
  ]);
  return table(['ID', 'CUSTOMER', 'MODULE', 'TIER', 'TYPE', 'STATUS', 'ENDS', 'HOLDER'], rows);
}

export function licenseMembers(license: object): string {
  const rows = Object.entries(license).map(([member, value]) => [
    member,
    value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return table(['MEMBER', 'VALUE'], rows);
}
