/**
 * What a tier of a product gives, from the operator's table. It is asked when a licence is issued, and the licence keeps a copy:
 * a later edit of the table changes no licence.
 */
import { LICENSE_KINDS, type LicenseType } from './products.ts';
import type { LicenseRecord } from './records/license.ts';
import type { TierName } from './tiers.ts';
import type { ProductTable, TierTerms } from './wire/products.ts';

export type Offer =
  | { readonly kind: 'sold'; readonly terms: TierTerms }
  | { readonly kind: 'not_sold'; readonly lacks: 'product' | 'tier'; readonly detail: string };

/** The row of the tier over the defaults of its product. Without a table everything is sold, and nothing comes with it. */
export function offerOf(table: ProductTable | undefined, name: string, tier: TierName): Offer {
  if (table === undefined) return { kind: 'sold', terms: {} };
  const product = table.find((row) => row.name === name);
  if (product === undefined)
    return { kind: 'not_sold', lacks: 'product', detail: 'No product of the table has this name.' };
  const { defaults, tiers } = product;
  const own = tiers[tier];
  if (own === undefined) {
    const sold = Object.keys(tiers).join(', ');
    return { kind: 'not_sold', lacks: 'tier', detail: `This product is sold as ${sold}, not as ${tier}.` };
  }
  const policy = { ...defaults.policy, ...own.policy };
  return { kind: 'sold', terms: { ...defaults, ...own, policy } };
}

/** What a request may say for itself. A member that is absent is the table's to fill in; null and [] are answers. */
export interface AskedTerms {
  readonly license_type: LicenseType;
  readonly features?: readonly string[] | undefined;
  readonly add_features?: readonly string[] | undefined;
  readonly limits?: LicenseRecord['limits'] | undefined;
  readonly seats?: number | null | undefined;
  readonly policy?: TierTerms['policy'] | undefined;
  readonly allowed_major_versions?: number[] | null | undefined;
  readonly duration_days?: number | null | undefined;
}

export function filledIn(asked: AskedTerms, offered: TierTerms) {
  const features = asked.features ?? offered.features ?? [];
  const { license_type, duration_days } = asked;
  const days = LICENSE_KINDS[license_type].ends === 'never' ? undefined : offered.duration_days;
  return {
    features: [...new Set([...features, ...(asked.add_features ?? [])])],
    limits: sentOr(asked.limits, offered.limits),
    seats: sentOr(asked.seats, offered.seats),
    policy: { ...offered.policy, ...asked.policy },
    allowed_major_versions: sentOr(asked.allowed_major_versions, offered.allowed_major_versions),
    duration_days: sentOr(duration_days, days),
  };
}

function sentOr<Value>(sent: Value | null | undefined, offered: Value | null | undefined): Value | null {
  return sent !== undefined ? sent : (offered ?? null);
}
