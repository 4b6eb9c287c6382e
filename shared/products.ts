/**
 * What licences are called in each format, one table a choice. Formats of other systems have their own names for types and
 * tiers; ours are wider.
 */
import type { LicenseRecord } from './records/license.ts';
import type { TierName } from './tiers.ts';
import type { AegisPayload, CaioPayload, Dtlic2Payload } from './wire/issued.ts';

export type LicenseType = LicenseRecord['license_type'];

interface LicenseKind {
  /** Whether it has an end: each one, none, or as it is sold. */
  readonly ends: 'always' | 'never' | 'as_sold';
  /** With an end. AEGIS calls every licence without one perpetual. */
  readonly aegis: AegisPayload['license_type'];
  readonly caio: CaioPayload['license_type'];
}

export const LICENSE_KINDS: Readonly<Record<LicenseType, LicenseKind>> = {
  perpetual: { ends: 'never', aegis: 'perpetual', caio: 'perpetual' },
  subscription: { ends: 'always', aegis: 'subscription', caio: 'standard' },
  demo: { ends: 'always', aegis: 'demo', caio: 'trial' },
  trial: { ends: 'always', aegis: 'demo', caio: 'trial' },
  standard: { ends: 'as_sold', aegis: 'subscription', caio: 'standard' },
  enterprise: { ends: 'as_sold', aegis: 'subscription', caio: 'enterprise' },
};

/** Whether a licence of this type may have an end, or none. */
export function fitsEnd(type: LicenseType, hasEnd: boolean): boolean {
  const { ends } = LICENSE_KINDS[type];
  return ends === 'as_sold' || (ends === 'always') === hasEnd;
}

/** DTLIC2 tiers. Each is that of at least one tier of ours, so an operator can issue any. */
export const DTLIC2_TIERS: Readonly<Record<TierName, Dtlic2Payload['tier']>> = {
  free: 'lite',
  team: 'core',
  pro: 'pro',
  enterprise: 'pro',
};
