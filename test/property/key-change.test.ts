/** Whatever an operator does in whatever order, the list stays sound, and what is over stays over. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ALGORITHM_NAMES } from '../../shared/algorithms.ts';
import { decideKey } from '../../shared/decide/key.ts';
import { decideKeyChange, type KeyCommand, kidOf } from '../../shared/decide/key-change.ts';
import {
  cloudOf,
  isSigningKey,
  type RegisteredKey,
  registryProblems,
  SIGNING_USES,
  type SigningKey,
  sunsetProblem,
} from '../../shared/keys/registry.ts';
import { isBarred, KEY_STATES } from '../../shared/keys/states.ts';
import { NOW } from '../support/records.ts';

const PREFIX = { google: 'name-', aws: 'arn:aws:kms:eu-west-1:123456789012:key/' } as const;

const kinds = fc.record({
  use: fc.constantFrom(...SIGNING_USES),
  algorithm: fc.constantFrom(...ALGORITHM_NAMES),
  cloud: fc.constantFrom('google' as const, 'aws' as const),
  state: fc.constantFrom(...KEY_STATES),
});
type Kind = typeof kinds extends fc.Arbitrary<infer T> ? T : never;

const instants = fc.constantFrom(NOW - 1, NOW, NOW + 1, NOW + 1e9, Number.NaN);

function signingKey({ use, algorithm, cloud, state }: Kind, place: number): SigningKey {
  const kid = `kid-${place}`;
  const sunset = state === 'retiring' ? { sunsetAt: NOW + place } : {};
  return { use, algorithm, state, name: `${PREFIX[cloud]}${place}`, fingerprint: kid, ...sunset };
}

const FOREIGN = { use: 'verify', pem: '', algorithm: 'EC_SIGN_ED25519', issuer: 'other' } as const;

/** Keys of other systems. */
const foreignKids = ['foreign-0', 'foreign-1', 'foreign-2'];

const OTHERS: readonly RegisteredKey[] = [
  { ...FOREIGN, kid: 'foreign-0', state: 'retired' },
  { ...FOREIGN, kid: 'foreign-1', state: 'retiring', sunsetAt: NOW + 1 },
  { ...FOREIGN, kid: 'foreign-2', state: 'retiring', sunsetAt: NOW - 1 },
  { use: 'mac', name: 'mac', algorithm: 'HMAC_SHA256', sunsetAt: NOW },
];

/** A second active key of a kind becomes staged; a kind without one gets one. */
function soundList(wanted: readonly Kind[]): RegisteredKey[] {
  const seen = new Set<string>();
  const license: Kind = { use: 'license', algorithm: ALGORITHM_NAMES[0], cloud: 'google', state: 'active' };
  const rows = [...wanted, license].map((kind) => {
    const group = kind.use === 'root' ? kind.use : `${kind.use} ${kind.algorithm} ${kind.cloud}`;
    if (kind.state !== 'active') return kind;
    const isSecond = seen.has(group);
    seen.add(group);
    return isSecond ? { ...kind, state: 'staged' as const } : kind;
  });
  const signs = ({ use, algorithm }: Kind) =>
    rows.some((row) => row.use === use && row.algorithm === algorithm && row.state === 'active');
  const needed = rows.filter((row) => row.use !== 'root' && !signs(row));
  const first = needed.filter(
    (row, place) =>
      needed.findIndex(({ use, algorithm }) => use === row.use && algorithm === row.algorithm) === place,
  );
  return [...rows, ...first.map((row) => ({ ...row, state: 'active' as const }))].map(signingKey);
}

const lists = fc
  .tuple(fc.array(kinds, { minLength: 3, maxLength: 10 }), fc.boolean())
  .map(([wanted, hasOthers]) => [...(hasOthers ? OTHERS : []), ...soundList(wanted)]);

/** Kids of the list, of keys that are staged on the way, and of none. */
const kids = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 12 }).map((place) => `kid-${place}`) },
  { weight: 1, arbitrary: fc.constantFrom(...foreignKids) },
);

const commands: fc.Arbitrary<KeyCommand> = fc.oneof(
  fc.tuple(kinds, fc.integer({ min: 0, max: 12 })).map(([kind, place]): KeyCommand => {
    const { state: _, sunsetAt: __, fingerprint = '', ...key } = signingKey(kind, place);
    return { action: 'stage', key: { ...key, fingerprint } };
  }),
  fc.record({ action: fc.constant('activate' as const), kid: kids, sunsetAt: instants }),
  fc.record({ action: fc.constantFrom('retire' as const, 'rollback' as const), kid: kids }),
  fc.record({
    action: fc.constant('compromise' as const),
    kid: kids,
    successor: fc.option(kids, { nil: undefined }),
  }),
);

const stateOf = (row: RegisteredKey | undefined) =>
  row !== undefined && 'state' in row ? row.state : undefined;

function expectSound(keys: readonly RegisteredKey[]): void {
  expect(registryProblems(keys)).toEqual([]);
  const active = keys.filter(isSigningKey).filter(({ state }) => state === 'active');
  const groups = active.map(({ use, algorithm, name }) =>
    use === 'root' ? use : `${use} ${algorithm} ${cloudOf(name)}`,
  );
  expect(new Set(groups).size).toBe(groups.length);
  for (const { state, sunsetAt } of keys.filter((key) => key.use !== 'mac'))
    expect(sunsetProblem(state, sunsetAt !== undefined)).toBeUndefined();
}

/** Whether nothing that it signed holds at the time of the commands, and so never again. */
const isOver = (row: RegisteredKey) =>
  row.use !== 'mac' && decideKey(row.state, row.sunsetAt, NOW) !== undefined;

/** Rows stay in their places; what is over stays over; only what is said to change does. */
function expectFaithful(
  before: readonly RegisteredKey[],
  after: readonly RegisteredKey[],
  changes: readonly { readonly kid: string; readonly from: unknown; readonly to: unknown }[],
): void {
  const changed = new Map(changes.map((change) => [change.kid, change]));
  const added = changes.filter(({ from }) => from === null).length;
  expect(after.length).toBe(before.length + added);
  for (const [place, row] of before.entries()) {
    const now = after[place];
    const change = changed.get((row.use !== 'mac' && kidOf(row)) || '');
    if (change === undefined) expect(now).toBe(row);
    else expect({ ...now, state: 0, sunsetAt: 0 }).toEqual({ ...row, state: 0, sunsetAt: 0 });
    if (change !== undefined) expect([change.from, change.to]).toEqual([stateOf(row), stateOf(now)]);
    const [old, next] = [stateOf(row), stateOf(now)];
    if (old !== undefined && next !== undefined && isBarred(old)) expect(isBarred(next)).toBe(true);
    if (now !== undefined && isOver(row)) expect(isOver(now)).toBe(true);
    if (old === 'compromised') expect(next).toBe('compromised');
  }
}

test('any sequence of commands leaves a sound list, in its order, in which what is over stays over', () => {
  const accepted = new Map<string, number>();
  fc.assert(
    fc.property(lists, fc.array(commands, { minLength: 15, maxLength: 40 }), (list, sequence) => {
      let keys: readonly RegisteredKey[] = list;
      expectSound(keys);
      for (const command of sequence) {
        const decision = decideKeyChange(keys, command, NOW);
        if (decision.kind !== 'change') continue;
        const kind = decision.changes.some(({ use }) => use === 'verify') ? 'foreign ' : '';
        const name = `${kind}${command.action}`;
        accepted.set(name, (accepted.get(name) ?? 0) + 1);
        expectSound(decision.keys);
        expectFaithful(keys, decision.keys, decision.changes);
        // The same command again finds its work done.
        expect(decideKeyChange(decision.keys, command, NOW).kind).not.toBe('change');
        keys = decision.keys;
      }
    }),
    { numRuns: 1000 },
  );
  // Otherwise the property would hold of nothing.
  const common = ['stage', 'activate', 'retire', 'rollback', 'compromise'];
  for (const name of [...common, 'foreign retire', 'foreign compromise'])
    expect(accepted.get(name), name).toBeGreaterThan(20);
});
