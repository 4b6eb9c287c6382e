/** The states of a key version. What each of them means for a document is `shared/decide/key.ts`. */

/** The life of a key version in its order; any of them can turn out to be compromised. */
export const KEY_STATES = ['staged', 'active', 'retiring', 'retired', 'compromised'] as const;

export type KeyState = (typeof KEY_STATES)[number];

/** States that are over for good: the kid is all that anybody needs to know of such a key. */
export type BarredKeyState = 'retired' | 'compromised';

export function isBarred(state: KeyState): state is BarredKeyState {
  return state === 'retired' || state === 'compromised';
}
