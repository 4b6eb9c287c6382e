/** What an operator may do to a key in each state, and what is refused with which sentence. */
import { describe, expect, test } from 'vitest';
import {
  decideKeyChange,
  type KeyCommand,
  type KeyDecision,
  type PinnedKey,
} from '../../../shared/decide/key-change.ts';
import type { ForeignKey, RegisteredKey, SigningKey } from '../../../shared/keys/registry.ts';
import { KEY_STATES, type KeyState } from '../../../shared/keys/states.ts';
import { DAY, NOW } from '../../support/records.ts';

type Stageable = Partial<Omit<PinnedKey, 'state' | 'sunsetAt'>>;

const ED = 'EC_SIGN_ED25519';
const RSA = 'RSA_SIGN_PKCS1_4096_SHA256';
const ARN = 'arn:aws:kms:eu-west-1:123456789012:key/';
const LATER = NOW + DAY;

/** A key named after its kid. */
function key(kid: string, state: KeyState, more: Partial<SigningKey> = {}): SigningKey {
  const sunset = state === 'retiring' ? { sunsetAt: LATER } : {};
  return { use: 'license', name: `name-${kid}`, algorithm: ED, state, fingerprint: kid, ...sunset, ...more };
}

/** A key of another system. */
function foreignKey(state: ForeignKey['state'], more: Partial<ForeignKey> = {}): ForeignKey {
  const sunset = state === 'retiring' ? { sunsetAt: LATER } : {};
  return { use: 'verify', pem: '', algorithm: ED, issuer: 'other', kid: 'k', state, ...sunset, ...more };
}

const always = (outcome: string) => ({ retiring: outcome, retired: outcome, compromised: outcome });

const staging = (kid: string, more: Stageable = {}): KeyCommand => ({
  action: 'stage',
  key: { use: 'license', name: `name-${kid}`, algorithm: ED, fingerprint: kid, ...more },
});

/** `kid: state` of each row after the change, or why there is none. */
function outcome(decision: KeyDecision): string | string[] {
  if (decision.kind === 'refuse') return decision.detail;
  if (decision.kind === 'unchanged') return 'unchanged';
  return decision.keys.map((row) => ('state' in row ? `${kidOf(row)}: ${row.state}` : row.use));
}

const kidOf = (row: RegisteredKey) =>
  row.use === 'verify' ? row.kid : 'fingerprint' in row && row.fingerprint;

const decide = (keys: readonly RegisteredKey[], command: KeyCommand) =>
  outcome(decideKeyChange(keys, command, NOW));

const FINAL = (state: KeyState) => `This key is ${state}, which is final. Stage another one.`;
const NO_WAY_BACK = (state: KeyState) => `Only a retiring key can be gone back to, and this one is ${state}.`;
const LISTED = (state: KeyState) => `This key is in the list already, and it is ${state}.`;
const NOTHING_TO_TAKE_OVER = 'This key does not sign, so nothing has to take over.';

describe('each command on a key in each state', () => {
  const activate: KeyCommand = { action: 'activate', kid: 'k', sunsetAt: LATER };
  const compromise: KeyCommand = { action: 'compromise', kid: 'k' };
  const replace: KeyCommand = { ...compromise, successor: 's' };
  const rollback: KeyCommand = { action: 'rollback', kid: 'k' };
  const retire: KeyCommand = { action: 'retire', kid: 'k' };

  test.each<[action: string, command: KeyCommand, Record<KeyState, string | string[]>]>([
    [
      'stage',
      staging('k'),
      {
        staged: 'unchanged',
        active: LISTED('active'),
        retiring: LISTED('retiring'),
        retired: LISTED('retired'),
        compromised: LISTED('compromised'),
      },
    ],
    [
      'activate',
      activate,
      {
        staged: ['a: retiring', 'k: active', 's: staged'],
        active: 'unchanged',
        retiring: 'This key is retiring. Use rollback to go back to it.',
        retired: FINAL('retired'),
        compromised: FINAL('compromised'),
      },
    ],
    [
      'retire',
      retire,
      {
        staged: ['a: active', 'k: retired', 's: staged'],
        active: 'This key signs. Activate another one first.',
        retiring: ['a: active', 'k: retired', 's: staged'],
        retired: 'unchanged',
        compromised: 'This key is compromised, which is final.',
      },
    ],
    [
      'rollback',
      rollback,
      {
        staged: NO_WAY_BACK('staged'),
        active: 'unchanged',
        retiring: ['a: staged', 'k: active', 's: staged'],
        retired: NO_WAY_BACK('retired'),
        compromised: NO_WAY_BACK('compromised'),
      },
    ],
    [
      'compromise',
      compromise,
      {
        staged: ['a: active', 'k: compromised', 's: staged'],
        active: 'This key signs, and no other one does. Name a staged or retiring key that takes over.',
        retiring: ['a: active', 'k: compromised', 's: staged'],
        retired: ['a: active', 'k: compromised', 's: staged'],
        compromised: 'unchanged',
      },
    ],
    [
      'compromise with a successor',
      replace,
      {
        staged: NOTHING_TO_TAKE_OVER,
        active: ['a: retired', 'k: compromised', 's: active'],
        retiring: NOTHING_TO_TAKE_OVER,
        retired: NOTHING_TO_TAKE_OVER,
        compromised: 'unchanged',
      },
    ],
  ])('%s', (_, command, expected) => {
    for (const state of KEY_STATES) {
      const before = key('a', state === 'active' ? 'retired' : 'active');
      expect(decide([before, key('k', state), key('s', 'staged')], command), state).toEqual(expected[state]);
    }
  });

  test.each([activate, compromise, replace, rollback, retire])(
    '$action of a kid that no key has is refused',
    (command) => {
      expect(decide([key('a', 'active'), foreignKey('retiring', { kid: 'other' })], command)).toBe(
        'No key has the kid k.',
      );
    },
  );

  const SIGNS_NOTHING = 'This is a key of other, which signs nothing here. It can be retired or compromised.';

  test.each<[what: string, command: KeyCommand, Record<ForeignKey['state'], string | string[]>]>([
    ['activate', activate, always(SIGNS_NOTHING)],
    ['rollback', rollback, always(SIGNS_NOTHING)],
    [
      'retire',
      retire,
      {
        retiring: ['a: active', 'k: retired'],
        retired: 'unchanged',
        compromised: 'This key is compromised, which is final.',
      },
    ],
    [
      'compromise',
      compromise,
      {
        retiring: ['a: active', 'k: compromised'],
        retired: ['a: active', 'k: compromised'],
        compromised: 'unchanged',
      },
    ],
    [
      'compromise with a successor',
      replace,
      { retiring: NOTHING_TO_TAKE_OVER, retired: NOTHING_TO_TAKE_OVER, compromised: 'unchanged' },
    ],
  ])('%s of a key of another system', (_, command, expected) => {
    for (const state of ['retiring', 'retired', 'compromised'] as const)
      expect(decide([key('a', 'active'), foreignKey(state)], command), state).toEqual(expected[state]);
  });

  test('a key of another system that ends loses its deadline, and is named after its issuer', () => {
    const decision = decideKeyChange([key('a', 'active'), foreignKey('retiring')], retire, NOW);
    expect(decision).toMatchObject({
      keys: [{}, { use: 'verify', kid: 'k', state: 'retired', sunsetAt: undefined }],
      changes: [{ kid: 'k', use: 'verify', name: 'other', from: 'retiring', to: 'retired' }],
    });
  });
});

describe('staging', () => {
  test('puts the key at the end of the list, with no deadline', () => {
    expect(decideKeyChange([key('a', 'active')], staging('k'), NOW)).toEqual({
      kind: 'change',
      keys: [key('a', 'active'), key('k', 'staged')],
      changes: [{ kid: 'k', use: 'license', name: 'name-k', from: null, to: 'staged' }],
    });
  });

  test('a key is known by its name and by its kid', () => {
    const keys = [key('a', 'active')];
    expect(decide(keys, staging('k', { name: 'name-a' }))).toBe(LISTED('active'));
    expect(decide(keys, staging('a', { name: 'another name' }))).toBe(LISTED('active'));
  });

  test('a staged key with another public key, or for another use, is not the same', () => {
    const keys = [key('a', 'active'), key('k', 'staged')];
    expect(decide(keys, staging('other', { name: 'name-k' }))).toBe(LISTED('staged'));
    expect(decide(keys, staging('k', { use: 'root' }))).toBe(LISTED('staged'));
    expect(
      decide([key('a', 'active'), { ...key('k', 'staged'), fingerprint: undefined }], staging('k')),
    ).toBe('unchanged');
  });

  test.each<[string, Stageable]>([
    ['another algorithm', { algorithm: RSA }],
    ['another use', { use: 'download' }],
  ])('the first key of %s is refused, because a list cannot begin with one that does not sign', (_, more) => {
    expect(decide([key('a', 'active')], staging('k', more))).toMatch(
      /^No key signs for (license|download) with .+ yet, so this one has nothing to follow\./,
    );
  });

  test.each<[string, SigningKey[], Stageable]>([
    ['a twin in another cloud', [key('a', 'active')], { name: `${ARN}k` }],
    [
      'a root, whatever its algorithm',
      [key('a', 'active'), key('r', 'active', { use: 'root' })],
      { use: 'root', algorithm: RSA },
    ],
    ['the first root', [key('a', 'active')], { use: 'root' }],
    [
      'a download key beside one',
      [key('a', 'active'), key('d', 'active', { use: 'download' })],
      { use: 'download' },
    ],
  ])('%s may be staged', (_, keys, more) => {
    expect(decide(keys, staging('k', more))).toEqual([
      ...keys.map((row) => `${row.fingerprint}: active`),
      'k: staged',
    ]);
  });
});

describe('activating', () => {
  const activation = (sunsetAt: number): KeyCommand => ({ action: 'activate', kid: 'k', sunsetAt });
  const pair = [key('a', 'active'), key('k', 'staged')];

  test('gives the key before it its deadline, and says both', () => {
    const decision = decideKeyChange(pair, activation(LATER), NOW);
    expect(decision).toMatchObject({
      keys: [
        { fingerprint: 'a', state: 'retiring', sunsetAt: LATER },
        { fingerprint: 'k', state: 'active' },
      ],
      changes: [
        { kid: 'a', name: 'name-a', from: 'active', to: 'retiring', sunsetAt: LATER },
        { kid: 'k', name: 'name-k', from: 'staged', to: 'active' },
      ],
    });
  });

  test.each([NOW, NOW - 1, 0, Number.NaN, Number.NEGATIVE_INFINITY])(
    'refuses the deadline %d',
    (sunsetAt) => {
      expect(decide(pair, activation(sunsetAt))).toBe(
        'The end of the key before it has passed. Choose a later one.',
      );
    },
  );

  test('needs no deadline where no key was before it', () => {
    const keys = [key('a', 'active'), key('k', 'staged', { name: `${ARN}k` })];
    expect(decide(keys, activation(Number.NaN))).toEqual(['a: active', 'k: active']);
  });

  test.each<[what: string, other: Partial<SigningKey>, after: KeyState]>([
    ['of the other cloud', { name: `${ARN}a` }, 'active'],
    ['of the other algorithm', { algorithm: RSA }, 'active'],
    ['of another use', { use: 'download' }, 'active'],
    ['that is like it', {}, 'retiring'],
  ])('ends the active key %s: %s', (_, other, after) => {
    const keys = [key('a', 'active', other), key('k', 'staged')];
    expect(decide(keys, activation(NOW + 1))).toEqual([`a: ${after}`, 'k: active']);
  });

  test('a root takes over from the root, whatever algorithm and cloud they have', () => {
    const root = key('a', 'active', { use: 'root', algorithm: RSA, name: `${ARN}a` });
    expect(
      decide([key('l', 'active'), root, key('k', 'staged', { use: 'root' })], activation(LATER)),
    ).toEqual(['l: active', 'a: retiring', 'k: active']);
  });
});

test('going back takes the deadline away, and the key that was active is staged', () => {
  const keys = [key('a', 'active'), key('k', 'retiring', { sunsetAt: NOW + 1 })];
  const decision = decideKeyChange(keys, { action: 'rollback', kid: 'k' }, NOW);
  expect(outcome(decision)).toEqual(['a: staged', 'k: active']);
  expect(decision.kind === 'change' && decision.keys.map(({ sunsetAt }) => sunsetAt)).toEqual([
    undefined,
    undefined,
  ]);
});

const OVER =
  'has passed, and its documents are refused: they would hold again. Stage another key: countersign keys stage';

test.each([NOW, NOW - DAY, Number.NaN, undefined])(
  'nobody goes back to a key whose end was at %d, and none takes over',
  (sunsetAt) => {
    const over = key('k', 'retiring', { sunsetAt });
    expect(decide([key('a', 'active'), over], { action: 'rollback', kid: 'k' })).toBe(
      `The end of this key ${OVER}`,
    );
    expect(decide([key('a', 'active'), over], { action: 'compromise', kid: 'a', successor: 'k' })).toBe(
      `The end of the successor ${OVER}`,
    );
  },
);

describe('a compromise', () => {
  const compromised = (successor?: string): KeyCommand => ({ action: 'compromise', kid: 'k', successor });

  test('of a signing key needs no successor where its twin in another cloud signs', () => {
    const twin = key('t', 'active', { name: `${ARN}t` });
    expect(decide([key('k', 'active'), twin], compromised())).toEqual(['k: compromised', 't: active']);
  });

  test.each<[string, SigningKey]>([
    ['of another algorithm', key('s', 'staged', { algorithm: RSA })],
    ['of another cloud', key('s', 'staged', { name: `${ARN}s` })],
    ['of another use', key('s', 'staged', { use: 'root' })],
    ['that is retired', key('s', 'retired')],
    ['that is compromised', key('s', 'compromised')],
  ])('has no successor %s', (_, successor) => {
    expect(decide([key('k', 'active'), successor], compromised('s'))).toBe(
      'The successor must be a staged or retiring key of the same use, algorithm and cloud.',
    );
  });

  test('cannot be followed by itself, or by a key that is not there', () => {
    expect(decide([key('k', 'active')], compromised('k'))).toMatch(/^The successor must be/);
    expect(decide([key('k', 'active')], compromised('other'))).toBe('No key has the kid other.');
  });

  test.each(['staged', 'retiring'] as const)(
    'may be followed by a %s key, which loses its deadline',
    (state) => {
      const decision = decideKeyChange([key('k', 'active'), key('s', state)], compromised('s'), NOW);
      expect(outcome(decision)).toEqual(['k: compromised', 's: active']);
      expect(decision.kind === 'change' && decision.keys[1]?.sunsetAt).toBeUndefined();
    },
  );

  test('of the root needs another root', () => {
    const keys = [key('a', 'active'), key('k', 'active', { use: 'root' })];
    expect(decide(keys, compromised())).toMatch(/^This key signs, and no other one does\./);
    const next = key('s', 'staged', { use: 'root', algorithm: RSA, name: `${ARN}s` });
    expect(decide([...keys, next], compromised('s'))).toEqual(['a: active', 'k: compromised', 's: active']);
  });
});
