/** Whether the operator's list of keys makes sense. The sentences name a key by its place in the list. */
import { ALGORITHM_NAMES, type AlgorithmName } from '../algorithms.ts';
import type { KeyState } from './states.ts';

/** What a key signs. Each use has keys of its own: who may sign download tokens cannot sign licences. */
export const SIGNING_USES = ['license', 'root', 'download'] as const;

export type SigningUse = (typeof SIGNING_USES)[number];

/** A key that signs, or has signed, in a KMS of this service. */
export interface SigningKey {
  readonly use: SigningUse;
  /** Full resource name of a key version in Google Cloud, or ARN of a key or an alias in AWS. */
  readonly name: string;
  readonly algorithm: AlgorithmName;
  readonly state: KeyState;
  /** Milliseconds since the epoch; of a retiring key. */
  readonly sunsetAt?: number | undefined;
  /** The kid that the key must have: the RFC 7638 SHA-256 thumbprint, base64url. */
  readonly fingerprint?: string | undefined;
  /** SubjectPublicKeyInfo: with it, documents verify whatever becomes of the KMS. */
  readonly pem?: string | undefined;
}

/** A key of another system. It verifies licences which that system issued, and signs nothing here. */
export interface ForeignKey {
  readonly use: 'verify';
  /** SubjectPublicKeyInfo. */
  readonly pem: string;
  readonly algorithm: AlgorithmName;
  /** The only issuer whose licences it vouches for. */
  readonly issuer: string;
  /** As its documents name it; its thumbprint when left out. */
  readonly kid?: string | undefined;
  readonly state: Exclude<KeyState, 'staged' | 'active'>;
  readonly sunsetAt?: number | undefined;
}

/** A key that `CAIO-v1` licences are checked with, until its end. It issues nothing. */
export interface MacKey {
  readonly use: 'mac';
  /** Of a MAC key in a KMS, as that of a signing key. */
  readonly name: string;
  readonly algorithm: typeof MAC_ALGORITHM;
  /** Milliseconds since the epoch. */
  readonly sunsetAt: number;
}

export const MAC_ALGORITHM = 'HMAC_SHA256';

/** A row of the operator's list of keys. */
export type RegisteredKey = SigningKey | ForeignKey | MacKey;

export function isSigningKey(key: RegisteredKey): key is SigningKey {
  return key.use !== 'verify' && key.use !== 'mac';
}

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

/** An alias in AWS may be moved to another key. */
export function isAlias(name: string): boolean {
  return cloudOf(name) === 'aws' && name.includes(':alias/');
}

/** Keys of the local KMS have names that no cloud gives out. */
const DEVELOPMENT_NAME = /^(projects\/local\/|arn:aws:kms:[\w-]+:000000000000:)/;

/** Which keys of other systems have this service for their issuer: a sentence for each, without its full stop. */
export function ownIssuerKeys(keys: readonly RegisteredKey[], issuer: string): string[] {
  return keys.flatMap((key, place) =>
    key.use === 'verify' && key.issuer === issuer
      ? [`The key at ${place} has the issuer of this service (ISSUER); a key of another system has its own`]
      : [],
  );
}

/** Why these keys must not be used in production: a sentence for each, without its full stop. */
export function developmentKeys(keys: readonly RegisteredKey[]): string[] {
  return keys.flatMap((key, place) =>
    'name' in key && DEVELOPMENT_NAME.test(key.name)
      ? [`The key at ${place} is a development key of a local KMS, and NODE_ENV is production`]
      : [],
  );
}

/** What documents may call a key. */
type KidsOf = (key: RegisteredKey) => readonly string[];

/**
 * Why a list of keys contradicts itself: sentences, each without its full stop.
 * @param kidsOf may also say the kids of public keys; the members `fingerprint` and `kid` alone unless told.
 */
export function registryProblems(keys: readonly RegisteredKey[], kidsOf: KidsOf = writtenKids): string[] {
  const rows = keys.map((key, place) => ({ key, place }));
  const signing = rows.filter((row): row is Row<SigningKey> => isSigningKey(row.key));
  const isWithoutLicenses = keys.length > 0 && !signing.some(({ key }) => key.use === 'license');
  return [
    ...(isWithoutLicenses ? ['No key is for licences; list the one that signs them'] : []),
    ...repetitions(rows, 'have the same name', (key) => ('name' in key ? [key.name] : [])),
    ...repetitions(rows, 'have the same kid or public key', kidsOf),
    ...SIGNING_USES.flatMap((use) =>
      activityProblems(
        use,
        signing.filter(({ key }) => key.use === use),
      ),
    ),
  ];
}

interface Row<Key = RegisteredKey> {
  readonly key: Key;
  readonly place: number;
}

/** A key is looked up by its kid, whoever has issued it: two keys of one kid would be one key in two states. */
function writtenKids(key: RegisteredKey): string[] {
  if (key.use === 'mac') return [];
  return [isSigningKey(key) ? key.fingerprint : key.kid].filter((kid) => kid !== undefined);
}

function repetitions(
  rows: readonly Row[],
  what: string,
  valuesOf: (key: RegisteredKey) => readonly string[],
): string[] {
  const firsts = new Map<string, number>();
  return rows.flatMap(({ key, place }) => {
    const values = valuesOf(key);
    const first = values.flatMap((value) => firsts.get(value) ?? [])[0];
    for (const value of values) if (!firsts.has(value)) firsts.set(value, place);
    if (first === undefined) return [];
    return [`The keys at ${first} and ${place} ${what}; list each key version once`];
  });
}

function activityProblems(use: SigningUse, rows: readonly Row<SigningKey>[]): string[] {
  // One root signs one manifest, whatever its algorithm and cloud.
  if (use === 'root') return rivals(use, rows);
  return ALGORITHM_NAMES.flatMap((algorithm) => {
    const own = rows.filter(({ key }) => key.algorithm === algorithm);
    const inClouds = CLOUDS.map((cloud) => own.filter(({ key }) => cloudOf(key.name) === cloud));
    const label = use === 'license' ? algorithm : `${use} with ${algorithm}`;
    return [...inClouds.flatMap((inCloud) => rivals(label, inCloud)), ...withoutActive(label, own)];
  });
}

function rivals(label: string, rows: readonly Row<SigningKey>[]): string[] {
  const [first, second] = rows.filter(({ key }) => key.state === 'active');
  if (first === undefined || second === undefined) return [];
  return [
    `Two keys are active for ${label}, at ${first.place} and ${second.place}; leave one of them active`,
  ];
}

/** An algorithm that has keys has one that signs, in whatever cloud. */
function withoutActive(label: string, rows: readonly Row<SigningKey>[]): string[] {
  if (rows.length === 0 || rows.some(({ key }) => key.state === 'active')) return [];
  return [`No key is active for ${label}, which has others; make one active, or remove them all`];
}
