/** Random bytes that can be made again: for a key that is stored nowhere, and answered once more to whoever repeats the request. */
import { canonicalJson } from '../canonical/jcs.ts';
import type { Hasher } from '../ports/hasher.ts';
import type { Random } from '../ports/random.ts';

export interface Origin {
  /** What the bytes are for, so that no two kinds of key share them. */
  readonly purpose: string;
  /** Random, and kept with what is remembered of the request. */
  readonly salt: string;
  readonly idempotencyKey: string | undefined;
}

/** 64 bytes of the origin and the pepper, from the first one at each call; nobody can make them who lacks one of the three. */
export function derivedRandom(
  hasher: Pick<Hasher, 'hash'>,
  { purpose, salt, idempotencyKey }: Origin,
): Random {
  const part = (place: number) =>
    hasher.hash('idempotency', canonicalJson([purpose, salt, idempotencyKey ?? null, place]));
  const bytes = Uint8Array.from(`${part(0)}${part(1)}`.match(/../g) ?? [], (pair) =>
    Number.parseInt(pair, 16),
  );
  return { bytes: (length) => bytes.subarray(0, length) };
}
