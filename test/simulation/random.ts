/**
 * Randomness from a seed: sfc32 (Chris Doty-Humphrey, PractRand), seeded by a hash of text. A split depends on the
 * seed and the label only, not on what was drawn before, so one actor's draws never shift another's.
 */
import type { Random } from '../../shared/ports/random.ts';

export interface Prng extends Random {
  uint32(): number;
  /** In [0, 1). */
  fraction(): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(choices: readonly T[]): T;
  /** A key of `weights`, as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K;
  /** An independent stream. */
  split(label: string): Prng;
}

const WARM_UP = 12;

export function prng(seed: string): Prng {
  let [a, b, c, counter] = [...hash128(seed)] as [number, number, number, number];
  const uint32 = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < WARM_UP; i++) uint32();
  const fraction = () => uint32() / 2 ** 32;
  const between = (low: number, high: number) => low + Math.floor(fraction() * (high - low + 1));
  return {
    uint32,
    fraction,
    between,
    chance: (probability) => fraction() < probability,
    pick: (choices) => {
      if (choices.length === 0) throw new RangeError('there is nothing to pick from');
      return choices[between(0, choices.length - 1)] as (typeof choices)[number];
    },
    weighted: (weights) => weighted(weights, fraction()),
    bytes: (length) => Uint8Array.from({ length }, () => uint32() & 0xff),
    split: (label) => prng(`${seed}/${label}`),
  };
}

function weighted<K extends string>(weights: Readonly<Record<K, number>>, fraction: number): K {
  const rows = Object.entries<number>(weights) as [K, number][];
  let rest = fraction * rows.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [key, weight] of rows) {
    if (rest < weight) return key;
    rest -= weight;
  }
  throw new RangeError('every weight is zero');
}

/** Four unrelated 32-bit hashes of a text or of bytes: FNV-1a with a finalizer (MurmurHash3's), four times. */
export function hash128(data: string | Uint8Array): Uint32Array {
  const hashes = new Uint32Array([0x811c9dc5, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35]);
  const isText = typeof data === 'string';
  let [h0, h1, h2, h3] = hashes as unknown as [number, number, number, number];
  for (let i = 0; i < data.length; i++) {
    const unit = isText ? data.charCodeAt(i) : (data[i] as number);
    h0 = Math.imul(h0 ^ unit, 0x01000193);
    h1 = Math.imul(h1 ^ unit, 0x5bd1e995);
    h2 = Math.imul(h2 ^ unit, 0x1b873593);
    h3 = Math.imul(h3 ^ unit, 0x27d4eb2f);
  }
  hashes.set([h0 ^ h1, h1 ^ h2, h2 ^ h3, h3 ^ Math.imul(h0, 31)].map(finalized));
  return hashes;
}

function finalized(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** 32 hex characters. */
export function hexHash(text: string): string {
  return Array.from(hash128(text), (word) => word.toString(16).padStart(8, '0')).join('');
}
