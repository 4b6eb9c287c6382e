/** Whether the operator's list of keys makes sense. The sentences name a key by its place in the list. */
import { ALGORITHM_NAMES, type AlgorithmName } from '../algorithms.ts';
import type { KeyState } from './states.ts';

/** What is wrong with the deadline of a key in this state, or undefined. */
export function sunsetProblem(state: KeyState, hasSunset: boolean): string | undefined {
  if (state === 'retiring' && !hasSunset) return 'a retiring key needs the instant of its end';
  if (state !== 'retiring' && hasSunset) return 'only a retiring key has one';
  return undefined;
}

const CLOUDS = ['google', 'aws'] as const;

export type Cloud = (typeof CLOUDS)[number];

/** The cloud whose KMS has the key of this name. Each cloud has its own active key. */
export function cloudOf(name: string): Cloud {
  return name.startsWith('arn:') ? 'aws' : 'google';
}

/** A row of the operator's list of keys. */
export interface RegisteredKey {
  /** Full resource name of a key version in Google Cloud, or ARN of a key or an alias in AWS. */
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
    ...ALGORITHM_NAMES.flatMap((algorithm) => [
      ...CLOUDS.flatMap((cloud) => rivals(keys, algorithm, cloud)),
      ...withoutActive(keys, algorithm),
    ]),
  ];
}

function repetitions(keys: readonly RegisteredKey[], member: 'name' | 'fingerprint'): string[] {
  return keys.flatMap((key, place) => {
    const first = keys.findIndex((other) => other[member] === key[member]);
    if (key[member] === undefined || first === place) return [];
    return [`The keys at ${first} and ${place} have the same ${member}; list each key version once`];
  });
}

/** Each cloud has one active key at most. */
function rivals(keys: readonly RegisteredKey[], algorithm: AlgorithmName, cloud: Cloud): string[] {
  const [first, second] = keys.flatMap((key, place) => {
    const isOne = key.algorithm === algorithm && key.state === 'active' && cloudOf(key.name) === cloud;
    return isOne ? [place] : [];
  });
  if (second === undefined) return [];
  return [`Two keys are active for ${algorithm}, at ${first} and ${second}; leave one of them active`];
}

/** An algorithm that has keys has one that signs, in whatever cloud. */
function withoutActive(keys: readonly RegisteredKey[], algorithm: AlgorithmName): string[] {
  const own = keys.filter((key) => key.algorithm === algorithm);
  if (own.length === 0 || own.some(({ state }) => state === 'active')) return [];
  return [`No key is active for ${algorithm}, which has others; make one active, or remove them all`];
}
