/**
 * What an operator may do to the list of keys. Plain lists in, a new list or the reason against it out; the order of
 * rows, which is the order of failover, stays.
 */
import {
  cloudOf,
  type ForeignKey,
  isSigningKey,
  type RegisteredKey,
  type SigningKey,
} from '../keys/registry.ts';
import type { KeyState } from '../keys/states.ts';
import { decideKey } from './key.ts';

/** A signing key of which the kid is known: every row has a fingerprint once an operator has touched the list. */
export type PinnedKey = SigningKey & { readonly fingerprint: string };

export type KeyCommand =
  | { readonly action: 'stage'; readonly key: Omit<PinnedKey, 'state' | 'sunsetAt'> }
  /** `sunsetAt` is the end of the key that was active, in milliseconds since the epoch. */
  | { readonly action: 'activate'; readonly kid: string; readonly sunsetAt: number }
  | { readonly action: 'retire'; readonly kid: string }
  /** Back to the retiring key `kid`; the active one is staged again, so that what it signed holds. */
  | { readonly action: 'rollback'; readonly kid: string }
  /** `successor` becomes active where the compromised key was. */
  | { readonly action: 'compromise'; readonly kid: string; readonly successor?: string | undefined };

export interface KeyChange {
  readonly kid: string;
  readonly use: RegisteredKey['use'];
  /** Of a key of another system, its issuer. */
  readonly name: string;
  readonly from: KeyState | null;
  readonly to: KeyState;
  readonly sunsetAt?: number | undefined;
}

export type KeyDecision =
  | {
      readonly kind: 'change';
      readonly keys: readonly RegisteredKey[];
      readonly changes: readonly KeyChange[];
    }
  /** The list is as the command wants it. */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refuse'; readonly detail: string };

/** @param keys of which each key of another system has its `kid`, as one of ours has its fingerprint */
export function decideKeyChange(
  keys: readonly RegisteredKey[],
  command: KeyCommand,
  now: number,
): KeyDecision {
  if (command.action === 'stage') return stage(keys, command.key);
  const key = keys.filter(isChangeable).find((row) => kidOf(row) === command.kid);
  if (key === undefined) return refuse(`No key has the kid ${command.kid}.`);
  switch (command.action) {
    case 'activate':
      return isSigningKey(key) ? activate(keys, key, command.sunsetAt, now) : signsNothing(key);
    case 'retire':
      return retire(keys, key);
    case 'rollback':
      return isSigningKey(key) ? rollBack(keys, key, now) : signsNothing(key);
    case 'compromise':
      return compromise(keys, key, command.successor, now);
  }
}

/** Has a state. */
type ChangeableKey = SigningKey | ForeignKey;

const isChangeable = (key: RegisteredKey): key is ChangeableKey => key.use !== 'mac';

/** Undefined while it is not known: of one of ours that no KMS has given yet, of another system's that is not named. */
export const kidOf = (key: ChangeableKey) => (isSigningKey(key) ? key.fingerprint : key.kid);

/** What people know it by, beside its kid. */
export const nameOf = (key: ChangeableKey) => (isSigningKey(key) ? key.name : key.issuer);

const signsNothing = ({ issuer }: ForeignKey) =>
  refuse(`This is a key of ${issuer}, which signs nothing here. It can be retired or compromised.`);

function stage(keys: readonly RegisteredKey[], key: Omit<PinnedKey, 'state' | 'sunsetAt'>): KeyDecision {
  const { fingerprint: kid, name, use, algorithm } = key;
  const known = signingKeys(keys).find((row) => row.name === name || row.fingerprint === kid);
  if (known !== undefined) return stageAgain(known, key);
  if (use !== 'root' && !hasSigner(keys, key))
    return refuse(
      `No key signs for ${use} with ${algorithm} yet, so this one has nothing to follow. Write it into the list as active.`,
    );
  return {
    kind: 'change',
    keys: [...keys, { ...key, state: 'staged' }],
    changes: [{ kid, use, name, from: null, to: 'staged' }],
  };
}

/** The same name may be another key by now: an alias moves. */
function stageAgain(
  known: SigningKey,
  { use, fingerprint }: Pick<PinnedKey, 'use' | 'fingerprint'>,
): KeyDecision {
  const isSame = known.use === use && (known.fingerprint ?? fingerprint) === fingerprint;
  if (isSame && known.state === 'staged') return { kind: 'unchanged' };
  return refuse(`This key is in the list already, and it is ${known.state}.`);
}

function activate(
  keys: readonly RegisteredKey[],
  key: SigningKey,
  sunsetAt: number,
  now: number,
): KeyDecision {
  if (key.state === 'active') return { kind: 'unchanged' };
  if (key.state === 'retiring') return refuse('This key is retiring. Use rollback to go back to it.');
  if (key.state !== 'staged') return refuse(`This key is ${key.state}, which is final. Stage another one.`);
  const before = activeBeside(keys, key);
  // Written so that a time that is not a number refuses.
  if (before !== undefined && !(sunsetAt > now))
    return refuse('The end of the key before it has passed. Choose a later one.');
  return change(keys, [
    ...(before === undefined ? [] : [{ key: before, to: 'retiring' as const, sunsetAt }]),
    { key, to: 'active' },
  ]);
}

function retire(keys: readonly RegisteredKey[], key: ChangeableKey): KeyDecision {
  if (key.state === 'retired') return { kind: 'unchanged' };
  if (key.state === 'active') return refuse('This key signs. Activate another one first.');
  if (key.state === 'compromised') return refuse('This key is compromised, which is final.');
  return change(keys, [{ key, to: 'retired' }]);
}

function rollBack(keys: readonly RegisteredKey[], key: SigningKey, now: number): KeyDecision {
  if (key.state === 'active') return { kind: 'unchanged' };
  if (key.state !== 'retiring')
    return refuse(`Only a retiring key can be gone back to, and this one is ${key.state}.`);
  if (isOver(key, now)) return refuse(`The end of this key ${HAS_PASSED}`);
  const present = activeBeside(keys, key);
  return change(keys, [
    ...(present === undefined ? [] : [{ key: present, to: 'staged' as const }]),
    { key, to: 'active' },
  ]);
}

/** What is refused by now would hold again, to everybody's surprise. */
const HAS_PASSED =
  'has passed, and its documents are refused: they would hold again. Stage another key: countersign keys stage';

const isOver = ({ state, sunsetAt }: SigningKey, now: number) =>
  state === 'retiring' && decideKey(state, sunsetAt, now) !== undefined;

function compromise(
  keys: readonly RegisteredKey[],
  key: ChangeableKey,
  successorKid: string | undefined,
  now: number,
): KeyDecision {
  if (key.state === 'compromised') return { kind: 'unchanged' };
  const isSigning = key.state === 'active';
  if (successorKid === undefined) {
    if (isSigning && !hasSigner(keys, key))
      return refuse('This key signs, and no other one does. Name a staged or retiring key that takes over.');
    return change(keys, [{ key, to: 'compromised' }]);
  }
  const successor = signingKeys(keys).find(({ fingerprint }) => fingerprint === successorKid);
  if (!isSigning) return refuse('This key does not sign, so nothing has to take over.');
  if (successor === undefined) return refuse(`No key has the kid ${successorKid}.`);
  if (!belongTogether(successor, key) || !['staged', 'retiring'].includes(successor.state))
    return refuse('The successor must be a staged or retiring key of the same use, algorithm and cloud.');
  if (isOver(successor, now)) return refuse(`The end of the successor ${HAS_PASSED}`);
  return change(keys, [
    { key, to: 'compromised' },
    { key: successor, to: 'active' },
  ]);
}

function change(
  keys: readonly RegisteredKey[],
  wanted: readonly { readonly key: ChangeableKey; readonly to: KeyState; readonly sunsetAt?: number }[],
): KeyDecision {
  const next = keys.map((row) => {
    const found = wanted.find(({ key }) => key === row);
    return found === undefined
      ? row
      : ({ ...row, state: found.to, sunsetAt: found.sunsetAt } as ChangeableKey);
  });
  const changes = wanted.map(({ key, to, sunsetAt }) => {
    const { use, state: from } = key;
    const [kid, name] = [kidOf(key) ?? '', nameOf(key)];
    return { kid, use, name, from, to, ...(sunsetAt !== undefined && { sunsetAt }) };
  });
  return { kind: 'change', keys: next, changes };
}

const refuse = (detail: string): KeyDecision => ({ kind: 'refuse', detail });

const signingKeys = (keys: readonly RegisteredKey[]) => keys.filter(isSigningKey);

/** One of them signs at a time. */
function belongTogether(one: SigningKey, other: SigningKey): boolean {
  if (one.use !== other.use) return false;
  if (one.use === 'root') return true;
  return one.algorithm === other.algorithm && cloudOf(one.name) === cloudOf(other.name);
}

function activeBeside(keys: readonly RegisteredKey[], key: SigningKey): SigningKey | undefined {
  return signingKeys(keys).find((other) => other.state === 'active' && belongTogether(other, key));
}

/** An active key for the same, in whatever cloud, other than `key` itself. */
function hasSigner(keys: readonly RegisteredKey[], key: Pick<SigningKey, 'use' | 'algorithm'>): boolean {
  return signingKeys(keys).some(
    (other) =>
      other !== key && other.state === 'active' && other.use === key.use && other.algorithm === key.algorithm,
  );
}
