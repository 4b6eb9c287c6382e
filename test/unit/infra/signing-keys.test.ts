/** Rows of the list of keys that sign nothing here, and rows that must not reach production: every sentence against them. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../../../infra/config.ts';
import { jwkFromPem, thumbprint } from '../../../infra/kms/public-key.ts';
import { parseSigningKeys } from '../../../infra/signing-keys.ts';

const KEY = 'projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1';
const SQLITE = { LICENSE_KEY_PEPPER: 'a pepper for tests, long enough to pass', SQLITE_PATH: 'store.db' };

function complaint(environment: NodeJS.ProcessEnv): string {
  try {
    loadConfig(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error('the configuration was accepted');
}

describe('keys of other systems', () => {
  const [ed, rsa, second] = (['ed25519', 'rsa', 'ed25519'] as const).map((type) =>
    generateKeyPairSync(type as 'rsa', { modulusLength: 4096 })
      .publicKey.export({ type: 'spki', format: 'pem' })
      .toString(),
  );
  const foreign = { use: 'verify', pem: ed, algorithm: 'EC_SIGN_ED25519', issuer: 'https://other.test' };
  const mac = { use: 'mac', name: KEY, algorithm: 'HMAC_SHA256', sunset_at: '2027-01-31T00:00:00Z' };
  const sunset = { sunset_at: '2027-01-31T00:00:00Z' };
  /** Beside the key that signs licences, which every list needs. */
  const listOf = (...rows: object[]) => ({
    ...SQLITE,
    SIGNING_KEYS_JSON: JSON.stringify([{ name: `${KEY}9`, algorithm: 'EC_SIGN_ED25519' }, ...rows]),
  });

  test('verify, until an end or for good, and sign nothing', () => {
    const rows = [
      { ...foreign, ...sunset, kid: 'legacy-1' },
      { ...foreign, pem: second, state: 'compromised', kid: 'legacy-2' },
      { ...foreign, pem: rsa, algorithm: 'RSA_SIGN_PKCS1_4096_SHA256', ...sunset, state: 'retiring' },
      mac,
    ];
    const sunsetAt = Date.UTC(2027, 0, 31);
    expect(loadConfig(listOf(...rows)).SIGNING_KEYS_JSON?.slice(1)).toEqual([
      { ...foreign, kid: 'legacy-1', state: 'retiring', sunsetAt },
      { ...foreign, pem: second, kid: 'legacy-2', state: 'compromised' },
      { ...foreign, pem: rsa, algorithm: 'RSA_SIGN_PKCS1_4096_SHA256', state: 'retiring', sunsetAt },
      { use: 'mac', name: KEY, algorithm: 'HMAC_SHA256', sunsetAt },
    ]);
  });

  const without = (row: object, member: string) => ({ ...row, [member]: undefined });
  const noPem = 'SIGNING_KEYS_JSON (at 1.pem) is wrong: must be one public key in PEM, and nothing else.';

  test.each<[what: string, row: object, sentence: string | RegExp]>([
    ['a PEM that is none', { ...foreign, ...sunset, pem: 'a key' }, noPem],
    [
      'a PEM of another kind',
      { ...foreign, ...sunset, pem: ed?.replaceAll('PUBLIC KEY', 'CERTIFICATE') },
      noPem,
    ],
    [
      'a PEM of another algorithm',
      { ...foreign, ...sunset, pem: rsa },
      'SIGNING_KEYS_JSON (at 1.pem) is wrong: is a key for another algorithm.',
    ],
    ['no PEM', { ...without(foreign, 'pem'), ...sunset }, /^SIGNING_KEYS_JSON \(at 1\.pem\) is wrong: /],
    [
      'no issuer',
      { ...without(foreign, 'issuer'), ...sunset },
      /^SIGNING_KEYS_JSON \(at 1\.issuer\) is wrong: /,
    ],
    [
      'an empty issuer',
      { ...foreign, ...sunset, issuer: '' },
      /^SIGNING_KEYS_JSON \(at 1\.issuer\) is wrong: /,
    ],
    ['an empty kid', { ...foreign, ...sunset, kid: '' }, /^SIGNING_KEYS_JSON \(at 1\.kid\) is wrong: /],
    [
      'no end',
      foreign,
      'SIGNING_KEYS_JSON (at 1.sunset_at) is wrong: a retiring key needs the instant of its end.',
    ],
    [
      'an end of one that is over',
      { ...foreign, ...sunset, state: 'retired' },
      'SIGNING_KEYS_JSON (at 1.sunset_at) is wrong: only a retiring key has one.',
    ],
    [
      'a state in which keys sign',
      { ...foreign, state: 'active' },
      /^SIGNING_KEYS_JSON \(at 1\.state\) is wrong: /,
    ],
    ['a name in a KMS', { ...foreign, ...sunset, name: KEY }, /"name"/],
    [
      'a MAC key without an end',
      without(mac, 'sunset_at'),
      /^SIGNING_KEYS_JSON \(at 1\.sunset_at\) is wrong: /,
    ],
    [
      'a MAC key of another algorithm',
      { ...mac, algorithm: 'EC_SIGN_ED25519' },
      /^SIGNING_KEYS_JSON \(at 1\.algorithm\)/,
    ],
    ['a MAC key with a state', { ...mac, state: 'active' }, /"state"/],
    ['a MAC key without a version', { ...mac, name: 'mac' }, /^SIGNING_KEYS_JSON \(at 1\.name\) is wrong: /],
    ...['sign', 'licence', 'Verify', '', 'constructor', '__proto__', null, 5, ['verify']].map(
      (use): [string, object, string] => [
        `a use that there is not, ${JSON.stringify(use)}`,
        { ...foreign, use },
        'SIGNING_KEYS_JSON (at 1.use) is wrong: must be one of license, root, download, verify, mac.',
      ],
    ),
    ['a row that is none', [], /^SIGNING_KEYS_JSON \(at 1(\.\w+)?\) is wrong: /],
  ])('are refused with %s', (_, row, sentence) => {
    const said = complaint(listOf(row)).split('\n')[0];
    if (typeof sentence === 'string') expect(said).toBe(sentence);
    else expect(said).toMatch(sentence);
    expect(complaint(listOf(row))).not.toContain('other.test');
  });

  describe('that are in the list already', () => {
    const kid = thumbprint(jwkFromPem(ed ?? ''));
    const once = 'have the same kid or public key; list each key version once.';
    const own = { name: `${KEY}8`, algorithm: 'EC_SIGN_ED25519', state: 'compromised' };
    const pinned = { ...own, fingerprint: kid };
    const theirs = { ...foreign, ...sunset };
    const others = { ...theirs, pem: second };

    test.each<[string, row: object, row: object]>([
      ['the kid of an own fingerprint', pinned, { ...others, kid }],
      ['the key of an own fingerprint', pinned, theirs],
      ['the key of an own fingerprint under another kid', pinned, { ...theirs, kid: 'k' }],
      ['the key of an own one', { ...own, pem: ed }, theirs],
      ['the kid of an own key', { ...own, pem: ed }, { ...others, kid }],
      ['a key twice', theirs, theirs],
      ['a key of two issuers', theirs, { ...theirs, issuer: 'https://third.test' }],
      ['a key of two states', { ...theirs, kid: 'a' }, { ...foreign, state: 'compromised', kid: 'b' }],
      ['a kid twice', { ...theirs, kid: 'a' }, { ...others, kid: 'a' }],
      ['the kid that another has by its key', theirs, { ...others, kid }],
      ['two own keys with one public key', { ...own, pem: ed }, { ...pinned, name: `${KEY}7` }],
    ])('are refused: %s', (_, first, second) => {
      for (const rows of [
        [first, second],
        [second, first],
      ])
        expect(complaint(listOf(...rows))).toBe(`SIGNING_KEYS_JSON is wrong: The keys at 1 and 2 ${once}`);
    });
  });

  test.each([
    ['a state', '"state":"compromised"', '"state":"active"'],
    ['a state, once escaped', '"state":"compromised"', '"st\\u0061te":"active"'],
    ['a PEM', '"pem":"a"', '"pem":"b"'],
  ])('are refused with a member twice: %s', (_, first, second) => {
    const row = `{"name":"${KEY}","algorithm":"EC_SIGN_ED25519",${first},${second}}`;
    expect(complaint({ ...SQLITE, SIGNING_KEYS_JSON: `[${row}]` })).toMatch(
      /^SIGNING_KEYS_JSON is wrong: cannot be read as JSON: The JSON object repeats the key, at character \d+ of the JSON\.$/,
    );
  });

  test.each<[string, object]>([
    [
      'a signing key',
      {
        name: 'projects/local/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1',
        algorithm: 'EC_SIGN_ED25519',
        state: 'retired',
      },
    ],
    ['a MAC key', { ...mac, name: 'arn:aws:kms:us-east-1:000000000000:alias/mac' }],
  ])('%s of a local KMS is refused in production, in whatever state', (_, row) => {
    const production = { ...listOf(row), NODE_ENV: 'production' };
    expect(complaint(production)).toBe(
      'SIGNING_KEYS_JSON is wrong: The key at 1 is a development key of a local KMS, and NODE_ENV is production.',
    );
    expect(loadConfig({ ...production, NODE_ENV: 'development' }).SIGNING_KEYS_JSON).toHaveLength(2);
    const text = production.SIGNING_KEYS_JSON;
    expect(() => parseSigningKeys(text, { isProduction: true })).toThrow(
      /^The key at 1 is a development key of a local KMS, and NODE_ENV is production$/,
    );
    expect(parseSigningKeys(text)).toHaveLength(2);
  });
});
