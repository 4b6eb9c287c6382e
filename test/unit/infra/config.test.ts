/** Every sentence with which a wrong configuration stops the start: it names the variable and never its value. */
import { describe, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../../../infra/config.ts';

const KEY = 'projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1';
const ALWAYS = {
  LICENSE_KEY_PEPPER: 'a pepper for tests, long enough to pass',
  SIGNING_KEYS_JSON: JSON.stringify([{ name: KEY, algorithm: 'EC_SIGN_ED25519' }]),
};
const SQLITE = { ...ALWAYS, SQLITE_PATH: 'store.db' };
const FIRESTORE = { ...ALWAYS, STORE: 'firestore', FIRESTORE_PROJECT: 'acme-licences' };

const keysOf = (...rows: object[]) => ({
  ...SQLITE,
  SIGNING_KEYS_JSON: JSON.stringify(rows.map((row) => ({ name: KEY, algorithm: 'EC_SIGN_ED25519', ...row }))),
});
const SUCCESSOR = { name: `${KEY}2`, state: 'active' };
const FINGERPRINT = 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs';

function complaint(environment: NodeJS.ProcessEnv): string {
  try {
    loadConfig(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error('the configuration was accepted');
}

describe('a configuration is accepted', () => {
  test('with SQLite when no store is named', () => {
    expect(loadConfig(SQLITE)).toMatchObject({ STORE: 'sqlite', SQLITE_PATH: 'store.db' });
    expect(loadConfig({ ...SQLITE, STORE: 'sqlite' })).toEqual(loadConfig(SQLITE));
  });

  test('with Firestore and its default database', () => {
    expect(loadConfig(FIRESTORE)).toMatchObject({
      STORE: 'firestore',
      FIRESTORE_PROJECT: 'acme-licences',
      FIRESTORE_DATABASE: '(default)',
    });
    expect(loadConfig(FIRESTORE).FIRESTORE_EMULATOR_HOST).toBeUndefined();
  });

  test.each([
    { FIRESTORE_PROJECT: 'example.com:licences' },
    { FIRESTORE_DATABASE: 'licences-eu' },
    { FIRESTORE_DATABASE: '(default)' },
    { FIRESTORE_EMULATOR_HOST: '127.0.0.1:8080' },
    { FIRESTORE_EMULATOR_HOST: 'localhost:8080' },
    { FIRESTORE_EMULATOR_HOST: '[::1]:8080' },
    { NODE_ENV: 'production' },
  ])('with Firestore and %o', (more) => {
    expect(loadConfig({ ...FIRESTORE, ...more })).toMatchObject(more);
  });

  test('with empty variables for unset ones', () => {
    const empty = { FIRESTORE_PROJECT: '', FIRESTORE_DATABASE: '', FIRESTORE_EMULATOR_HOST: '', STORE: '' };
    expect(loadConfig({ ...SQLITE, ...empty })).toEqual(loadConfig(SQLITE));
  });
});

describe('signing keys', () => {
  const row = { name: KEY, algorithm: 'EC_SIGN_ED25519', use: 'license' };
  const successor = { ...row, ...SUCCESSOR };

  test('are active when nothing else is said', () => {
    expect(loadConfig(keysOf({})).SIGNING_KEYS_JSON).toEqual([{ ...row, state: 'active' }]);
  });

  test.each(['staged', 'retired', 'compromised'])('may be %s', (state) => {
    const { SIGNING_KEYS_JSON } = loadConfig(keysOf({ state, fingerprint: FINGERPRINT }, SUCCESSOR));
    expect(SIGNING_KEYS_JSON).toEqual([{ ...row, state, fingerprint: FINGERPRINT }, successor]);
  });

  test.each(['2027-01-31T00:00:00Z', '2027-01-31T02:00:00.000+02:00'])('retire at %s', (sunset_at) => {
    const { SIGNING_KEYS_JSON } = loadConfig(keysOf({ state: 'retiring', sunset_at }, SUCCESSOR));
    expect(SIGNING_KEYS_JSON).toEqual([
      { ...row, state: 'retiring', sunsetAt: Date.UTC(2027, 0, 31) },
      successor,
    ]);
  });

  const none =
    'SIGNING_KEYS_JSON is wrong: No key is active for EC_SIGN_ED25519, which has others; make one active, or remove them all.';
  const retiring = { state: 'retiring', sunset_at: '2027-01-31T00:00:00Z' };

  test.each<[title: string, rows: object[], sentence: string]>([
    ['none active', [{ state: 'staged' }], none],
    ['the only one compromised', [{ state: 'compromised' }], none],
    [
      'two active',
      [{}, SUCCESSOR],
      'SIGNING_KEYS_JSON is wrong: Two keys are active for EC_SIGN_ED25519, at 0 and 1; leave one of them active.',
    ],
    [
      'one twice',
      [{}, { state: 'retired' }],
      'SIGNING_KEYS_JSON is wrong: The keys at 0 and 1 have the same name; list each key version once.',
    ],
    [
      'retiring without an end',
      [{ state: 'retiring' }, SUCCESSOR],
      'SIGNING_KEYS_JSON (at 0.sunset_at) is wrong: a retiring key needs the instant of its end.',
    ],
    [
      'active with an end',
      [{ ...retiring, state: 'active' }],
      'SIGNING_KEYS_JSON (at 0.sunset_at) is wrong: only a retiring key has one.',
    ],
    ...['staged', 'retired', 'compromised'].map((state): [string, object[], string] => [
      `${state} with an end`,
      [SUCCESSOR, { ...retiring, state }],
      'SIGNING_KEYS_JSON (at 1.sunset_at) is wrong: only a retiring key has one.',
    ]),
    ...['2027-01-31', 'soon', '2027-01-31T00:00:00', '2027-02-30T00:00:00Z'].map(
      (sunset_at): [string, object[], string] => [
        `an end ${sunset_at}`,
        [{ ...retiring, sunset_at }, SUCCESSOR],
        'SIGNING_KEYS_JSON (at 0.sunset_at) is wrong: must be RFC 3339, such as 2027-01-31T00:00:00Z.',
      ],
    ),
    ...['', 'sha256:00', FINGERPRINT.slice(1), `${FINGERPRINT.slice(0, -1)}t`, `${FINGERPRINT}\n`].map(
      (fingerprint): [string, object[], string] => [
        `a fingerprint ${JSON.stringify(fingerprint)}`,
        [{ fingerprint }],
        'SIGNING_KEYS_JSON (at 0.fingerprint) is wrong: must be a kid: an RFC 7638 SHA-256 thumbprint.',
      ],
    ),
  ])('are refused: %s', (_, rows, sentence) => {
    expect(complaint(keysOf(...rows))).toBe(sentence);
  });

  test.each(['State', 'sunsetAt', 'fingerprnt'])('are refused: a misspelt member %s', (member) => {
    expect(complaint(keysOf({ [member]: 'compromised' }))).toContain(`"${member}"`);
  });

  test.each(['Active', 'revoked', '__proto__', null])('are refused: a state %s', (state) => {
    expect(complaint(keysOf({ state }))).toMatch(/^SIGNING_KEYS_JSON \(at 0\.state\) is wrong: /);
  });
});

describe('a configuration is refused', () => {
  test.each<[title: string, environment: NodeJS.ProcessEnv, sentence: string]>([
    ['an unknown store', { ...SQLITE, STORE: 'mysql' }, 'STORE is wrong: must be sqlite or firestore.'],
    [
      'SQLite without a path',
      ALWAYS,
      'SQLITE_PATH is not set. STORE is sqlite: set SQLITE_PATH to the path of the database file.',
    ],
    [
      'Firestore without a project',
      { ...ALWAYS, STORE: 'firestore' },
      'FIRESTORE_PROJECT is not set. STORE is firestore: set FIRESTORE_PROJECT to the id of the Google Cloud project.',
    ],
    [
      'a path with Firestore',
      { ...FIRESTORE, SQLITE_PATH: 'store.db' },
      'SQLITE_PATH is set, and STORE is firestore. Unset SQLITE_PATH, or set STORE=sqlite.',
    ],
    ...['FIRESTORE_PROJECT', 'FIRESTORE_DATABASE'].map((name): [string, NodeJS.ProcessEnv, string] => [
      `${name} with SQLite`,
      { ...SQLITE, [name]: 'acme-licences' },
      `${name} is set, and STORE is sqlite. Unset ${name}, or set STORE=firestore.`,
    ]),
    [
      'an emulator with SQLite',
      { ...SQLITE, FIRESTORE_EMULATOR_HOST: '127.0.0.1:8080' },
      'FIRESTORE_EMULATOR_HOST is set, and STORE is sqlite. Unset FIRESTORE_EMULATOR_HOST, or set STORE=firestore.',
    ],
    [
      'an emulator in production',
      { ...FIRESTORE, FIRESTORE_EMULATOR_HOST: '127.0.0.1:8080', NODE_ENV: 'production' },
      'FIRESTORE_EMULATOR_HOST points at a local Firestore, and NODE_ENV is production. Unset FIRESTORE_EMULATOR_HOST.',
    ],
    [
      'a local KMS in production',
      { ...FIRESTORE, KMS_ENDPOINT: '127.0.0.1:9000', NODE_ENV: 'production' },
      'KMS_ENDPOINT points at a local KMS, and NODE_ENV is production. Unset KMS_ENDPOINT.',
    ],
    [
      'keys from two places',
      { ...SQLITE, SIGNING_KEYS_FILE: 'keys.json' },
      'SIGNING_KEYS_JSON and SIGNING_KEYS_FILE are both set. Unset one of them.',
    ],
    [
      'no keys',
      { ...SQLITE, SIGNING_KEYS_JSON: '' },
      'SIGNING_KEYS_JSON is not set. Set it to the list of signing keys, or SIGNING_KEYS_FILE to its file.',
    ],
    [
      'a local AWS KMS in production',
      { ...FIRESTORE, AWS_KMS_ENDPOINT: 'http://127.0.0.1:9001', NODE_ENV: 'production' },
      'AWS_KMS_ENDPOINT points at a local AWS KMS, and NODE_ENV is production. Unset AWS_KMS_ENDPOINT.',
    ],
    [
      'an AWS KMS elsewhere',
      { ...SQLITE, AWS_KMS_ENDPOINT: 'https://kms.example.com' },
      'AWS_KMS_ENDPOINT is wrong: must be http://127.0.0.1:PORT; leave it unset for the real AWS KMS.',
    ],
    [
      'a project number',
      { ...FIRESTORE, FIRESTORE_PROJECT: '123456789012' },
      'FIRESTORE_PROJECT is wrong: must be the id of a Google Cloud project, not its number or its name.',
    ],
    [
      'a project with a path in it',
      { ...FIRESTORE, FIRESTORE_PROJECT: 'acme/databases/other' },
      'FIRESTORE_PROJECT is wrong: must be the id of a Google Cloud project, not its number or its name.',
    ],
    [
      'a database that cannot be',
      { ...FIRESTORE, FIRESTORE_DATABASE: 'default' + '/' },
      'FIRESTORE_DATABASE is wrong: must be (default) or the id of a Firestore database: 4 to 63 letters, digits and hyphens.',
    ],
    [
      'an emulator with a scheme',
      { ...FIRESTORE, FIRESTORE_EMULATOR_HOST: 'http://127.0.0.1:8080' },
      'FIRESTORE_EMULATOR_HOST is wrong: must be HOST:PORT; leave it unset for the real Firestore.',
    ],
    [
      'an emulator on no port',
      { ...FIRESTORE, FIRESTORE_EMULATOR_HOST: '127.0.0.1:99999' },
      'FIRESTORE_EMULATOR_HOST is wrong: has a port beyond 65535.',
    ],
    [
      'no pepper',
      { ...SQLITE, LICENSE_KEY_PEPPER: '' },
      'LICENSE_KEY_PEPPER is not set. docs/configuration.md says what it is for.',
    ],
    [
      'a short pepper',
      { ...SQLITE, LICENSE_KEY_PEPPER: 'too-short' },
      'LICENSE_KEY_PEPPER is wrong: must have at least 32 characters.',
    ],
    [
      'keys that are not JSON',
      { ...SQLITE, SIGNING_KEYS_JSON: '{' },
      'SIGNING_KEYS_JSON is wrong: cannot be read as JSON: Expected a key in double quotes, at character 1 of the JSON.',
    ],
    [
      'a key without its version',
      { ...SQLITE, SIGNING_KEYS_JSON: JSON.stringify([{ name: 'k', algorithm: 'EC_SIGN_ED25519' }]) },
      'SIGNING_KEYS_JSON (at 0.name) is wrong: name must be the full resource name of a crypto key version, or the ARN of an AWS KMS key or alias.',
    ],
  ])('%s', (_, environment, sentence) => {
    expect(complaint(environment)).toBe(sentence);
  });

  test.each([
    'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    'arn:aws-us-gov:kms:us-gov-west-1:123456789012:alias/license-rsa',
  ])('not: a key in AWS, %s', (name) => {
    const keys = [
      { name: KEY, algorithm: 'EC_SIGN_ED25519' },
      { name, algorithm: 'EC_SIGN_ED25519' },
    ];
    const config = loadConfig({ ...SQLITE, SIGNING_KEYS_JSON: JSON.stringify(keys) });
    expect(config.SIGNING_KEYS_JSON).toMatchObject(keys);
  });

  test('with every problem at once', () => {
    const environment = {
      ...ALWAYS,
      STORE: 'firestore',
      SQLITE_PATH: 'store.db',
      NODE_ENV: 'production',
      KMS_ENDPOINT: '127.0.0.1:9000',
      FIRESTORE_EMULATOR_HOST: '127.0.0.1:8080',
    };
    expect(complaint(environment).match(/^[A-Z_]+/gm)).toEqual([
      'FIRESTORE_PROJECT',
      'SQLITE_PATH',
      'KMS_ENDPOINT',
      'FIRESTORE_EMULATOR_HOST',
    ]);
  });
});
