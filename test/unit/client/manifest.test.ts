/** What a manifest is for, and the boundaries of its time and version. Attacks are a table of their own. */
import { describe, expect, test } from 'vitest';
import {
  type ManifestOptions,
  type ManifestResult,
  verifyManifest,
} from '../../../shared/client/manifest.ts';
import { importVerificationKey, verifyDocument } from '../../../shared/client/verify.ts';
import { CLIENT_CLOCK_SKEW_SECONDS } from '../../../shared/constants.ts';
import { NOW, SECOND } from '../../support/records.ts';
import {
  base64url,
  ED,
  headerOf,
  jwsOf,
  keys,
  RSA,
  signParts,
  sorted,
} from '../../support/signed-documents.ts';

const SECONDS_NOW = Math.floor(NOW / SECOND);
/** Ed25519 is the root here, and RSA a licence key. */
const root = await importVerificationKey(keys[ED].jwk);
const license = { ...keys[RSA].jwk, state: 'active' };

function payloadOf(members: object = {}) {
  return {
    iss: 'countersign',
    iat: SECONDS_NOW,
    exp: SECONDS_NOW + 3600,
    version: 7,
    keys: [license],
    ...members,
  };
}

function manifestOf(members: object = {}): string {
  const head = headerOf(ED, { typ: 'license-keys+jwt' });
  return signParts(ED, base64url(head), base64url(sorted(payloadOf(members))));
}

const verify = (text: string, options: Partial<ManifestOptions> = {}): Promise<ManifestResult> =>
  verifyManifest(text, { root, now: NOW, ...options });

async function codeOf(text: string, options: Partial<ManifestOptions> = {}): Promise<string> {
  const result = await verify(text, options);
  return result.valid ? 'valid' : result.code;
}

describe('a manifest', () => {
  test('gives the keys that verify documents, with nothing pinned but the root', async () => {
    const result = await verify(manifestOf());
    expect(result).toMatchObject({ valid: true, version: 7, expiresAt: (SECONDS_NOW + 3600) * SECOND });
    const trusted = result.valid ? result.keys : [];
    const document = jwsOf(RSA);
    expect(await verifyDocument(document, { keys: trusted, now: NOW })).toMatchObject({ valid: true });
    expect(await verifyDocument(jwsOf(ED), { keys: trusted, now: NOW })).toMatchObject({
      code: 'unknown_key',
    });
  });

  test.each([
    ['retired', 'key_retired'],
    ['compromised', 'key_compromised'],
  ])('bars a %s key by its kid alone', async (state, code) => {
    const { kid, alg } = keys[RSA].jwk;
    const result = await verify(manifestOf({ keys: [{ kid, alg, state }] }));
    const trusted = result.valid ? result.keys : [];
    expect(await verifyDocument(jwsOf(RSA), { keys: trusted, now: NOW })).toMatchObject({ code });
  });

  test('ends a retiring key at its sunset', async () => {
    const sunset_at = new Date(NOW + 10 * SECOND).toISOString();
    const result = await verify(manifestOf({ keys: [{ ...license, state: 'retiring', sunset_at }] }));
    const trusted = result.valid ? result.keys : [];
    const codeAt = async (now: number) => {
      const verdict = await verifyDocument(jwsOf(RSA), { keys: trusted, now });
      return verdict.valid ? 'valid' : verdict.code;
    };
    expect(await codeAt(NOW + 9 * SECOND)).toBe('valid');
    expect(await codeAt(NOW + 10 * SECOND)).toBe('key_retired');
  });

  test('may hold keys of algorithms that this release does not know', async () => {
    const future = { kid: 'later', kty: 'AKP', alg: 'ML-DSA-65', pub: 'AA', state: 'active' };
    const result = await verify(manifestOf({ keys: [future, license] }));
    expect(result.valid && result.keys.map(({ kid }) => kid)).toEqual([keys[RSA].kid]);
  });
});

describe('time and version', () => {
  const cases: [string, object, Partial<ManifestOptions>, string][] = [
    ['1 s before it expires', { exp: SECONDS_NOW + 1 }, {}, 'valid'],
    ['when it expires', { exp: SECONDS_NOW }, {}, 'manifest_expired'],
    [
      'signed as far ahead as clocks may differ',
      { iat: SECONDS_NOW + CLIENT_CLOCK_SKEW_SECONDS },
      {},
      'valid',
    ],
    [
      'signed 1 s further ahead',
      { iat: SECONDS_NOW + CLIENT_CLOCK_SKEW_SECONDS + 1 },
      {},
      'manifest_not_yet_valid',
    ],
    ['the version that was seen', {}, { minimumVersion: 7 }, 'valid'],
    ['a version below the one that was seen', {}, { minimumVersion: 8 }, 'manifest_outdated'],
    ['a clock that is no number', {}, { now: Number.NaN }, 'manifest_not_yet_valid'],
    ['a version that is no number', {}, { minimumVersion: Number.NaN }, 'manifest_outdated'],
  ];
  test.each(cases)('%s: %s', async (_name, members, options, code) => {
    expect(await codeOf(manifestOf(members), options)).toBe(code);
  });
});

test('a manifest with any of its characters changed is refused', async () => {
  const good = manifestOf();
  for (let at = 0; at < good.length; at += 1) {
    const other = good[at] === 'A' ? 'B' : 'A';
    expect(await codeOf(`${good.slice(0, at)}${other}${good.slice(at + 1)}`), `at ${at}`).not.toBe('valid');
  }
});
