/**
 * What the end of a licence means, one row a strategy. Keygen, Cryptlex and LicenseSpring name them alike; here a strategy
 * is about sessions, since a document that was signed with an end cannot be told another one.
 */

interface ExpiryRule {
  /** Whether who holds a session when the licence ends may go on with it. */
  readonly continues: boolean;
  /** Whether sessions are granted after the end. */
  readonly grants: boolean;
}

export const EXPIRY_STRATEGIES = {
  restrict: { continues: false, grants: false },
  maintain: { continues: true, grants: false },
  allow: { continues: true, grants: true },
} as const satisfies Record<string, ExpiryRule>;

export type ExpiryStrategy = keyof typeof EXPIRY_STRATEGIES;

export const EXPIRY_STRATEGY_NAMES = Object.keys(EXPIRY_STRATEGIES) as [ExpiryStrategy, ...ExpiryStrategy[]];
