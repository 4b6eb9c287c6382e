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
      'SIGNING_KEYS_JSON is wrong: is not JSON.',
    ],
    [
      'a key without its version',
      { ...SQLITE, SIGNING_KEYS_JSON: JSON.stringify([{ name: 'k', algorithm: 'EC_SIGN_ED25519' }]) },
      'SIGNING_KEYS_JSON (at 0.name) is wrong: name must be the full resource name of a crypto key version.',
    ],
  ])('%s', (_, environment, sentence) => {
    expect(complaint(environment)).toBe(sentence);
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
