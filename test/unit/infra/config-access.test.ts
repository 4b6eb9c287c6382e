/** Whose ID tokens are accepted and which proxies are believed: what is taken, and the sentences that stop the start. */
import { describe, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../../../infra/config.ts';
import { oidcSettings } from '../../../infra/oidc-settings.ts';

const KEY = 'projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1';
const PLAIN = {
  LICENSE_KEY_PEPPER: 'a pepper for tests, long enough to pass',
  SIGNING_KEYS_JSON: JSON.stringify([{ name: KEY, algorithm: 'EC_SIGN_ED25519' }]),
  SQLITE_PATH: 'store.db',
};
const MAPPING = { claim: 'groups', map: { 'licensing-ops': ['licenses:write'] } };
const OIDC = {
  OIDC_ISSUER: 'https://accounts.example.com',
  OIDC_AUDIENCE: 'countersign',
  OIDC_SCOPES: JSON.stringify(MAPPING),
};

function complaint(environment: NodeJS.ProcessEnv): string {
  try {
    loadConfig({ ...PLAIN, ...environment });
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error('the configuration was accepted');
}

describe('ID tokens', () => {
  test('are not accepted unless they are configured', () => {
    expect(oidcSettings(loadConfig(PLAIN))).toBeUndefined();
  });

  test('of an issuer are', () => {
    expect(oidcSettings(loadConfig({ ...PLAIN, ...OIDC }))).toEqual({
      issuer: OIDC.OIDC_ISSUER,
      audience: 'countersign',
      scopes: MAPPING,
      jwksUrl: undefined,
    });
    const jwksUrl = 'https://accounts.example.com/keys';
    expect(oidcSettings(loadConfig({ ...PLAIN, ...OIDC, OIDC_JWKS_URL: jwksUrl }))?.jwksUrl).toBe(jwksUrl);
  });

  test.each(['OIDC_ISSUER', 'OIDC_AUDIENCE', 'OIDC_SCOPES'])('without %s stop the start', (name) => {
    expect(complaint({ ...OIDC, [name]: '' })).toBe(
      `${name} is not set. ID tokens need OIDC_ISSUER, OIDC_AUDIENCE, OIDC_SCOPES; unset all for none.`,
    );
  });

  test('with nothing but the place of their keys stop the start', () => {
    expect(complaint({ OIDC_JWKS_URL: 'https://accounts.example.com/keys' }).split('\n')).toHaveLength(3);
  });

  test.each(['accounts.example.com', 'http://accounts.example.com', 'ftp://x', 'http://127.0.0.1.evil.com'])(
    'of %s stop the start',
    (issuer) => {
      expect(complaint({ ...OIDC, OIDC_ISSUER: issuer })).toBe(
        'OIDC_ISSUER is wrong: must be an https:// address.',
      );
    },
  );

  test('of this machine are for development only', () => {
    const local = { ...OIDC, OIDC_ISSUER: 'http://127.0.0.1:9000' };
    expect(loadConfig({ ...PLAIN, ...local }).OIDC_ISSUER).toBe('http://127.0.0.1:9000');
    expect(complaint({ ...local, NODE_ENV: 'production' })).toBe(
      'OIDC_ISSUER is not https, and NODE_ENV is production. Use an https:// address.',
    );
  });

  test.each([
    'not JSON: secret',
    '[]',
    '{"claim":"groups"}',
    '{"claim":"","map":{}}',
    '{"claim":"groups","map":{"ops":"licenses:write"}}',
    '{"claim":"groups","map":{"ops":["licenses:everything"]}}',
    '{"claim":"groups","map":{"ops":[]}}',
    '{"claim":"groups","maps":{},"map":{}}',
  ])('with the scopes %s stop the start', (text) => {
    const message = complaint({ ...OIDC, OIDC_SCOPES: text });
    expect(message).toMatch(/^OIDC_SCOPES is wrong: must be JSON such as /);
    expect(message).not.toContain('secret');
  });
});

describe('TRUSTED_PROXIES', () => {
  test.each([
    [undefined, 0],
    ['0', 0],
    ['2', 2],
  ])('%s is %i', (text, number) => {
    expect(loadConfig({ ...PLAIN, TRUSTED_PROXIES: text }).TRUSTED_PROXIES).toBe(number);
  });

  test.each(['-1', '1.5', 'all', '17'])('%s stops the start', (text) => {
    expect(complaint({ TRUSTED_PROXIES: text })).toMatch(/^TRUSTED_PROXIES is wrong: /);
  });
});
