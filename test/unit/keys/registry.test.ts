/** Which lists of keys make sense, and what the operator is told of the others. */
import { describe, expect, test } from 'vitest';
import type { AlgorithmName } from '../../../shared/algorithms.ts';
import {
  type ForeignKey,
  MAC_ALGORITHM,
  type MacKey,
  type RegisteredKey,
  registryProblems,
  type SigningKey,
  type SigningUse,
  sunsetProblem,
} from '../../../shared/keys/registry.ts';
import { KEY_STATES, type KeyState } from '../../../shared/keys/states.ts';

const ED = 'EC_SIGN_ED25519';
const ARN = 'arn:aws:kms:eu-west-1:123456789012:key/one';
const RSA = 'RSA_SIGN_PKCS1_4096_SHA256';

const key = (name: string, state: KeyState, algorithm: AlgorithmName = ED, fingerprint?: string) =>
  ({ name, state, algorithm, fingerprint, use: 'license' }) satisfies SigningKey;

const used = (use: SigningUse, name: string, more: Partial<SigningKey> = {}): SigningKey => ({
  ...key(name, 'active'),
  use,
  ...more,
});

const foreign = (kid?: string, issuer = 'https://other.test'): ForeignKey => ({
  use: 'verify',
  pem: `the PEM of ${issuer}`,
  algorithm: ED,
  issuer,
  kid,
  state: 'retiring',
});

const MAC: MacKey = { use: 'mac', name: 'm', algorithm: MAC_ALGORITHM, sunsetAt: 0 };

const OTHER_USES = [used('root', 'r'), used('download', 'd'), foreign('f'), MAC];

const NONE = `No key is active for ${ED}, which has others; make one active, or remove them all`;

describe('a list of keys', () => {
  test.each<[string, RegisteredKey[], string[]]>([
    ['that is empty', [], []],
    ['with one active key', [key('a', 'active')], []],
    ['with one active key for each algorithm', [key('a', 'active'), key('b', 'active', RSA)], []],
    ['with every state', KEY_STATES.map((state) => key(state, state)), []],
    [
      'with several that are not active',
      [key('a', 'active'), key('b', 'retired'), key('c', 'retired'), key('d', 'staged')],
      [],
    ],
    ...(['staged', 'retiring', 'retired', 'compromised'] as const).map(
      (state): [string, RegisteredKey[], string[]] => [
        `with one that is ${state}`,
        [key('a', state)],
        [NONE],
      ],
    ),
    ['whose active key is of another algorithm', [key('a', 'active', RSA), key('b', 'staged')], [NONE]],
    ['with one active key in each cloud', [key('a', 'active'), key(ARN, 'active')], []],
    ['whose second cloud is being prepared', [key('a', 'active'), key(ARN, 'staged')], []],
    [
      'with two active keys in one cloud',
      [key('a', 'active'), key(ARN, 'active'), key(`${ARN}2`, 'active')],
      [`Two keys are active for ${ED}, at 1 and 2; leave one of them active`],
    ],
    [
      'with two active keys',
      [key('a', 'active'), key('b', 'active', RSA), key('c', 'active')],
      [`Two keys are active for ${ED}, at 0 and 2; leave one of them active`],
    ],
    [
      'with a name twice',
      [key('a', 'active'), key('b', 'active', RSA), key('a', 'retired')],
      ['The keys at 0 and 2 have the same name; list each key version once'],
    ],
    [
      'with a fingerprint twice',
      [key('a', 'active', ED, 'f'), key('b', 'compromised', ED, 'f')],
      ['The keys at 0 and 1 have the same kid or public key; list each key version once'],
    ],
    ['with a key of every use', [key('a', 'active'), ...OTHER_USES], []],
    ['with no key for licences', OTHER_USES, ['No key is for licences; list the one that signs them']],
    ['with licence keys that do not sign', [key('a', 'retired'), ...OTHER_USES], [NONE]],
    [
      'with two active roots, of whatever algorithm and cloud',
      [key('a', 'active'), used('root', 'r'), used('root', ARN, { algorithm: RSA })],
      ['Two keys are active for root, at 1 and 2; leave one of them active'],
    ],
    ['whose root is staged', [key('a', 'active'), used('root', 'r', { state: 'staged' })], []],
    [
      'with two active download keys of one algorithm and cloud',
      [key('a', 'active'), used('download', 'd'), used('download', ARN), used('download', 'e')],
      [`Two keys are active for download with ${ED}, at 1 and 3; leave one of them active`],
    ],
    [
      'whose download key does not sign',
      [key('a', 'active'), used('download', 'd', { state: 'staged' })],
      [`No key is active for download with ${ED}, which has others; make one active, or remove them all`],
    ],
    [
      'with one key for two uses',
      [key('a', 'active'), used('download', 'a')],
      ['The keys at 0 and 1 have the same name; list each key version once'],
    ],
    [
      'with a MAC key that has the name of another key',
      [key('m', 'active'), MAC],
      ['The keys at 0 and 1 have the same name; list each key version once'],
    ],
    [
      'with a kid of other systems twice',
      [foreign('f'), key('a', 'active'), foreign('f', 'another issuer')],
      ['The keys at 0 and 2 have the same kid or public key; list each key version once'],
    ],
    [
      'with a key of another system that has the kid of an own one',
      [key('a', 'active', ED, 'f'), foreign('f')],
      ['The keys at 0 and 1 have the same kid or public key; list each key version once'],
    ],
    [
      'with a kid three times',
      [key('a', 'active', ED, 'f'), foreign('f'), used('root', 'r', { fingerprint: 'f' })],
      [
        'The keys at 0 and 1 have the same kid or public key; list each key version once',
        'The keys at 0 and 2 have the same kid or public key; list each key version once',
      ],
    ],
    [
      'with kids like members of every object',
      [key('a', 'active', ED, '__proto__'), foreign('constructor')],
      [],
    ],
    ['with keys of other systems that name no kid', [key('a', 'active'), foreign(), foreign()], []],
    ['with different fingerprints', [key('a', 'active', ED, 'f'), key('b', 'compromised', ED, 'g')], []],
  ])('%s', (_, keys, problems) => {
    expect(registryProblems(keys)).toEqual(problems);
  });
});

test.each(KEY_STATES)('%s: only a retiring key has an end', (state) => {
  expect(sunsetProblem(state, state === 'retiring')).toBeUndefined();
  expect(sunsetProblem(state, state !== 'retiring')).toBe(
    state === 'retiring' ? 'a retiring key needs the instant of its end' : 'only a retiring key has one',
  );
});
