/**
 * Whether a key may vouch for a document now. `docs/keys.md` has the table of states and boundaries; a test runs it.
 *
 * When a document says that it was signed is no input: whoever holds a leaked key writes any time into what they sign.
 */
import type { KeyState } from '../keys/states.ts';
import type { VerificationCode } from '../verification.ts';

interface KeyRule {
  readonly verifies: 'always' | 'until_sunset' | 'never';
  /** Why a document is refused where the state does not verify it. */
  readonly code: VerificationCode | undefined;
}

export const KEY_RULES = {
  // Published before it signs, so that nobody refuses its first document: see docs/adr/0014.
  staged: { verifies: 'always', code: undefined },
  active: { verifies: 'always', code: undefined },
  retiring: { verifies: 'until_sunset', code: 'key_retired' },
  retired: { verifies: 'never', code: 'key_retired' },
  compromised: { verifies: 'never', code: 'key_compromised' },
} as const satisfies Record<KeyState, KeyRule>;

/**
 * Why a key vouches for no document at `now`, or undefined when it does.
 *
 * @param sunsetAt milliseconds since the epoch; the instant from which a retiring key verifies nothing.
 */
export function decideKey(
  state: KeyState,
  sunsetAt: number | undefined,
  now: number,
): VerificationCode | undefined {
  const { verifies, code } = KEY_RULES[state];
  // Written so that a missing deadline and a clock that is not a number refuse.
  const holds = verifies === 'always' || (verifies === 'until_sunset' && now < (sunsetAt ?? Number.NaN));
  return holds ? undefined : code;
}
