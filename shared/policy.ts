/** Policies of licences: what they are when nobody says, and what each must fulfil. */
import { DEFAULT_HEARTBEAT_SECONDS, DEFAULT_LEASE_SECONDS } from './constants.ts';
import type { LicensePolicy } from './records/license.ts';
import { TIERS, type TierName } from './tiers.ts';

/** The policy of a licence about which nobody says anything else. */
export function policyOf(tier: TierName): LicensePolicy {
  return {
    heartbeat_seconds: DEFAULT_HEARTBEAT_SECONDS,
    lease_seconds: DEFAULT_LEASE_SECONDS,
    offline_grace_seconds: TIERS[tier].offlineGraceSeconds,
    strict_online: false,
    borrow_max_seconds: 0,
  };
}

/** Why a policy cannot be kept by a client that does as it is told, or undefined. */
export function policyProblem({
  heartbeat_seconds: heartbeat,
  lease_seconds: lease,
}: LicensePolicy): string | undefined {
  if (lease > heartbeat) return undefined;
  return `A lease of ${lease} s is over before the next heartbeat, every ${heartbeat} s: lease_seconds must be more than heartbeat_seconds.`;
}
