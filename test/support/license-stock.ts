/**
 * A stock of licences, straight into the store, in which every filter has some and leaves some out.
 *
 *   const stock = await fillStock(service, 0, 10_300, { ties: 40 });
 *   expect(ids).toEqual(idsOf(stock.sort(newest)));
 */
import type { Write } from '../../shared/ports/document-store.ts';
import type { LicenseRecord } from '../../shared/records/license.ts';
import { licensePath } from '../../shared/records/paths.ts';
import { TIER_NAMES } from '../../shared/tiers.ts';
import { DAY, licenseRecord } from './records.ts';
import type { TestService } from './service.ts';

export const STOCK_CUSTOMERS = ['acme', 'beta', 'gamma'] as const;
const STOCK_TYPES = ['subscription', 'perpetual', 'demo', 'standard'] as const;
const STATUSES = ['active', 'active', 'active', 'suspended', 'revoked'] as const;
const WRITES_PER_COMMIT = 400;

export interface StockOptions {
  /** How many have one and the same `created_at`, and one and the same end; 1 when left out. */
  readonly ties?: number;
  /** What instants are counted from; the service's time when left out. */
  readonly now?: number;
}

/** The numbers `from` to `to`, without the latter. Where instants are equal, ids are in the order of the numbers. */
export async function fillStock(
  { ports }: Pick<TestService, 'ports'>,
  from: number,
  to: number,
  options: StockOptions = {},
): Promise<LicenseRecord[]> {
  const { now = ports.clock.now() } = options;
  const stock = Array.from({ length: to - from }, (_, place) => stockLicense(from + place, now, options));
  for (let begin = 0; begin < stock.length; begin += WRITES_PER_COMMIT) {
    const records = stock.slice(begin, begin + WRITES_PER_COMMIT);
    await ports.store.commit(
      records.map((fields, place): Write => ({ op: 'set', path: stockPath(from + begin + place), fields })),
    );
  }
  return stock;
}

export const stockPath = (n: number) => licensePath(n.toString(16).padStart(32, '0'));

export function stockLicense(n: number, now: number, { ties = 1 }: StockOptions = {}): LicenseRecord {
  const customerId = STOCK_CUSTOMERS[n % STOCK_CUSTOMERS.length] ?? '';
  const type = STOCK_TYPES[n % STOCK_TYPES.length] ?? 'demo';
  const step = Math.floor(n / ties);
  const end = (step + 1) * DAY;
  return licenseRecord({
    license_id: `stock-${String(n).padStart(6, '0')}`,
    customer: { id: customerId, name: customerId },
    customer_id: customerId,
    email: `${customerId}@x.example`,
    product: n % 7 === 0 ? 'rare' : 'common',
    license_type: type,
    tier: TIER_NAMES[n % 11] ?? 'pro',
    status: STATUSES[n % STATUSES.length] ?? 'active',
    expires_at: type === 'perpetual' ? null : n % 6 === 0 ? now - end : now + end,
    created_at: now - 100 * DAY + step,
  });
}

export const isOver = ({ status, expires_at: end }: LicenseRecord, now: number) =>
  status === 'active' && end !== null && end <= now;
export const isActive = (record: LicenseRecord, now: number) =>
  record.status === 'active' && !isOver(record, now);

/** Orders of lists. Ties go by id, in the direction of the order. */
export const newest = (one: LicenseRecord, other: LicenseRecord) =>
  other.created_at - one.created_at || byId(other, one);
export const soonest = (one: LicenseRecord, other: LicenseRecord) =>
  (one.expires_at ?? 0) - (other.expires_at ?? 0) || byId(one, other);

const byId = ({ license_id: one }: LicenseRecord, { license_id: other }: LicenseRecord) =>
  one < other ? -1 : Number(one > other);

/** What a list of active ones has: those without an end, then the others. */
export function activeFirstToEnd(stock: readonly LicenseRecord[], now: number): LicenseRecord[] {
  const active = stock.filter((record) => isActive(record, now));
  const ending = active.filter(({ expires_at }) => expires_at !== null);
  return [...active.filter(({ expires_at }) => expires_at === null).sort(newest), ...ending.sort(soonest)];
}

export const stockIds = (records: readonly LicenseRecord[]) => records.map(({ license_id }) => license_id);
