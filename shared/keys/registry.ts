/** Whether the operator's list of keys makes sense. The sentences name a key by its place in the list. */
import { ALGORITHM_NAMES, type AlgorithmName } from '../algorithms.ts';
import type { KeyState } from './states.ts';

/** What is wrong with the deadline of a key in this state, or undefined. */
export function sunsetProblem(state: KeyState, hasSunset: boolean): string | undefined {
  if (state === 'retiring' && !hasSunset) return 'a retiring key needs the instant of its end';
  if (state !== 'retiring' && hasSunset) return 'only a retiring key has one';
  return undefined;
}

/** A row of the operator's list of keys. */
export interface RegisteredKey {
  /** Full resource name of the key version. */
  readonly name: string;
  readonly algorithm: AlgorithmName;
  readonly state: KeyState;
  /** Milliseconds since the epoch; of a retiring key. */
  readonly sunsetAt?: number | undefined;
  /** The kid that the key must have: the RFC 7638 SHA-256 thumbprint, base64url. */
  readonly fingerprint?: string | undefined;
}

/** Why a list of keys contradicts itself: sentences, each without its full stop. */
export function registryProblems(keys: readonly RegisteredKey[]): string[] {
  return [
    ...repetitions(keys, 'name'),
    ...repetitions(keys, 'fingerprint'),
    ...ALGORITHM_NAMES.flatMap((algorithm) => activeProblems(keys, algorithm)),
  ];
}

function repetitions(keys: readonly RegisteredKey[], member: 'name' | 'fingerprint'): string[] {
  return keys.flatMap((key, place) => {
    const first = keys.findIndex((other) => other[member] === key[member]);
    if (key[member] === undefined || first === place) return [];
    return [`The keys at ${first} and ${place} have the same ${member}; list each key version once`];
  });
}

function activeProblems(keys: readonly RegisteredKey[], algorithm: AlgorithmName): string[] {
  const places = keys.flatMap((key, place) => (key.algorithm === algorithm ? [place] : []));
  const [first, second] = places.filter((place) => keys[place]?.state === 'active');
  if (second !== undefined) {
    return [`Two keys are active for ${algorithm}, at ${first} and ${second}; leave one of them active`];
  }
  if (first === undefined && places.length > 0) {
    return [`No key is active for ${algorithm}, which has others; make one active, or remove them all`];
  }
  return [];
}
