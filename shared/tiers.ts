/**
 * The tiers of floating licences, one row each: what a licence gets when its operator says nothing else.
 * Every value can be overridden per licence.
 */

const DAY_SECONDS = 86_400;

export const TIERS = {
  free: { offlineGraceSeconds: 0 },
  pro: { offlineGraceSeconds: 7 * DAY_SECONDS },
  team: { offlineGraceSeconds: 3 * DAY_SECONDS },
  enterprise: { offlineGraceSeconds: 0 },
} as const satisfies Record<string, { offlineGraceSeconds: number }>;

export type TierName = keyof typeof TIERS;

export const TIER_NAMES = Object.keys(TIERS) as [TierName, ...TierName[]];
