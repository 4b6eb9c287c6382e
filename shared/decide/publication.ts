/** What clients learn when a list of keys is published: the list against the manifest that they have. */
import type { ForeignKey, RegisteredKey, SigningKey } from '../keys/registry.ts';
import type { KeyState } from '../keys/states.ts';
import { type KeyChange, kidOf, nameOf } from './key-change.ts';

/** As the manifest has it. */
export interface PublishedKey {
  readonly kid: string;
  readonly state: KeyState;
  /** Milliseconds since the epoch; of a retiring key. */
  readonly sunsetAt?: number | undefined;
}

/** `to` is null of a key that is not listed any more. */
export type PublicationChange = Omit<KeyChange, 'to'> & { readonly to: KeyState | null };

/** Of a key whose kid is not known the kid is empty: it cannot be compared, nor published before it is read. */
export function publicationChanges(
  keys: readonly RegisteredKey[],
  published: readonly PublishedKey[],
): PublicationChange[] {
  const before = new Map(published.map((key) => [key.kid, key]));
  const listed = keys.filter(isPublished).map((key) => ({ key, kid: kidOf(key) ?? '' }));
  const changed = listed.flatMap(({ key, kid }): PublicationChange[] => {
    const { use, state: to, sunsetAt } = key;
    const was = before.get(kid);
    if (was?.state === to && was.sunsetAt === sunsetAt) return [];
    const change = { kid, use, name: nameOf(key), from: was?.state ?? null, to };
    return [{ ...change, ...(sunsetAt !== undefined && { sunsetAt }) }];
  });
  const kids = new Set(listed.map(({ kid }) => kid));
  const gone = published
    .filter(({ kid }) => !kids.has(kid))
    .map(({ kid, state: from }) => ({ kid, use: 'license' as const, name: '', from, to: null }));
  return [...changed, ...gone];
}

/** What the manifest lists: keys that sign licences, and those of other systems. */
export function isPublished(key: RegisteredKey): key is SigningKey | ForeignKey {
  return key.use === 'license' || key.use === 'verify';
}
