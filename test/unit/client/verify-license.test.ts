/** What a client that trusts a few keys says about issued licences, genuine, changed and signed by the wrong key. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { VerificationKey } from '../../../shared/client/verify.ts';
import {
  type LicenseKeys,
  type LicenseVerificationOptions,
  verifyLicense,
} from '../../../shared/client/verify-license.ts';
import { aegis } from '../../../shared/formats/aegis.ts';
import { caioV2 } from '../../../shared/formats/caio-v2.ts';
import { dtlic2 } from '../../../shared/formats/dtlic2.ts';
import {
  aegisOf,
  aegisPayload,
  caioOf,
  caioPayload,
  caioV1Of,
  dtlic2Of,
  dtlic2Terms,
  EXPIRES_AT,
  ISSUED_AT,
  type LicenseVerdict,
  seal,
  licenseVerdict as verdict,
} from '../../support/issued-licenses.ts';
import { NOW } from '../../support/records.ts';
import {
  ED,
  inlineOf,
  jwsOf,
  keys,
  RSA,
  replaceAt,
  textOf,
  trusted,
} from '../../support/signed-documents.ts';
import { verdict as documentVerdict } from '../../support/verdict.ts';

const [edKey, rsaKey] = trusted as [VerificationKey, VerificationKey];
const stranger = (await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])) as CryptoKeyPair;

const dtlic2Json = (overrides: object = {}) =>
  JSON.stringify({ ...dtlic2Terms(), kid: keys[ED].kid, ...overrides });
const caioJson = (overrides: object = {}) => JSON.stringify({ ...caioPayload(), ...overrides });

/** A genuine licence of each format and algorithm, and its key. */
const LICENSES: [string, string, VerificationKey][] = [
  ['AEGIS', seal(aegis, aegisPayload()), edKey],
  ['CAIO of Ed25519', seal(caioV2, caioPayload()), edKey],
  ['CAIO of RSA', seal(caioV2, caioPayload(), RSA), rsaKey],
  ['DTLIC2', seal(dtlic2, dtlic2Terms()), edKey],
];

/** With another signature of the same length. */
function forge(text: string): string {
  const at = text.lastIndexOf('.') + 5;
  return replaceAt(text, at, text[at] === 'A' ? 'B' : 'A');
}

describe.each(LICENSES)('%s', (_name, text, { kid }) => {
  test('is valid, and says what was signed and by which key', async () => {
    const result = await verifyLicense(text, { keys: trusted, now: NOW });
    const license = { issuedAt: ISSUED_AT, expiresAt: EXPIRES_AT };
    expect(result).toMatchObject({ valid: true, kid, license });
  });

  test('is valid from five minutes before it was issued until it ends', async () => {
    const early = ISSUED_AT - 300_000;
    const at = (now: number) => verdict(text, { now });
    expect([await at(early - 1), await at(early)]).toEqual(['document_not_yet_valid', 'valid']);
    expect([await at(EXPIRES_AT - 1), await at(EXPIRES_AT)]).toEqual(['valid', 'license_expired']);
    expect(await at(Number.NaN)).not.toBe('valid');
  });

  test('is refused with another signature, and where no key is trusted', async () => {
    expect(await verdict(forge(text))).toBe('signature_invalid');
    expect(await verdict(text, { keys: [] })).toBe('unknown_key');
  });

  test('asks a directory of keys as it asks a list', async () => {
    const find: LicenseKeys['find'] = async (kid) => trusted.find((key) => key.kid === kid);
    const directory = { find, all: async () => trusted };
    expect(await verdict(text, { keys: directory })).toBe('valid');
    expect(await verdict(forge(text), { keys: directory })).toBe('signature_invalid');
  });

  test.each([
    ['staged', undefined, 'valid'],
    ['active', undefined, 'valid'],
    ['retiring', NOW + 1, 'valid'],
    ['retiring', NOW, 'key_retired'],
    ['retiring', undefined, 'key_retired'],
    ['retired', undefined, 'key_retired'],
    ['compromised', undefined, 'key_compromised'],
  ] as const)('of a key that is %s until %s is %s', async (state, sunsetAt, expected) => {
    const list = trusted.map((key) => ({ ...key, state, sunsetAt }));
    expect(await verdict(text, { keys: list })).toBe(expected);
  });

  test('mutated in one character is refused', async () => {
    const ascii = fc.constantFrom(...Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)));
    const digit = fc.oneof(ascii, fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }));
    const place = fc.nat({ max: text.length - 1 });
    const mutation = fc.tuple(place, fc.constantFrom(0, 1), fc.option(digit, { nil: '' }));
    await fc.assert(
      fc.asyncProperty(mutation, async ([at, removed, inserted]) => {
        const mutated = text.slice(0, at) + inserted + text.slice(at + removed);
        fc.pre(mutated !== text);
        expect(await verdict(mutated)).not.toBe('valid');
      }),
      { numRuns: 1_500 },
    );
  });

  test('with any character left out is refused, and so is every beginning of it', async () => {
    const damaged = Array.from(text, (_, at) => [text.slice(0, at) + text.slice(at + 1), text.slice(0, at)]);
    const verdicts = await Promise.all([...new Set(damaged.flat())].map((mutated) => verdict(mutated)));
    expect(verdicts).not.toContain('valid');
    expect(verdicts.length).toBeGreaterThan(text.length);
  });
});

describe('a key that the licence names', () => {
  const barred = (state: 'retired' | 'compromised') => [{ kid: keys[ED].kid, state }, rsaKey];

  test.each([
    ['retired', 'key_retired'],
    ['compromised', 'key_compromised'],
  ] as const)('and that is barred as %s is told so', async (state, code) => {
    expect(await verdict(seal(aegis, aegisPayload()), { keys: barred(state) })).toBe(code);
    expect(await verdict(seal(dtlic2, dtlic2Terms()), { keys: barred(state) })).toBe(code);
  });

  test('is the only one that may have signed', async () => {
    const other = { ...edKey, kid: 'another' };
    expect(await verdict(seal(dtlic2, dtlic2Terms()), { keys: [other] })).toBe('unknown_key');
    const swapped = [{ ...rsaKey, kid: edKey.kid }];
    expect(await verdict(seal(aegis, aegisPayload()), { keys: swapped })).toBe('algorithm_mismatch');
    expect(await verdict(seal(dtlic2, dtlic2Terms()), { keys: swapped })).toBe('algorithm_mismatch');
  });

  test.each(['none', 'HS256', 'RS256', 'EDDSA', 'ES256'])('is not asked to verify alg %s', async (alg) => {
    expect(await verdict(aegisOf(ED, aegisPayload(), { alg }))).toBe('algorithm_mismatch');
  });

  test('is not asked to verify AEGIS when it is RSA, whatever alg the licence names', async () => {
    for (const alg of ['RS256', 'EdDSA'])
      expect(await verdict(aegisOf(RSA, aegisPayload(), { alg }))).toBe('algorithm_mismatch');
  });

  test('may be asked for only by its own kid', async () => {
    const asked: string[] = [];
    const directory: LicenseKeys = {
      find: async (kid) => {
        asked.push(kid);
        return undefined;
      },
      all: async () => {
        throw new Error('nobody needs all keys');
      },
    };
    expect(await verdict(seal(dtlic2, dtlic2Terms()), { keys: directory })).toBe('unknown_key');
    expect(asked).toEqual([keys[ED].kid]);
  });
});

describe('a CAIO licence, which names no key,', () => {
  const text = seal(caioV2, caioPayload());
  const other = { ...edKey, kid: 'other', key: stranger.publicKey };

  test('is verified with every key of its algorithm, and the one that fits decides', async () => {
    const retired = { ...edKey, state: 'retired' } as const;
    expect(await verdict(text, { keys: [other, rsaKey, edKey] })).toBe('valid');
    expect(await verdict(text, { keys: [other, rsaKey, retired] })).toBe('key_retired');
    // The state of a key that did not sign is of no interest.
    expect(await verdict(text, { keys: [{ ...other, state: 'compromised' }, edKey] })).toBe('valid');
  });

  test('is signature_invalid where none of them fits, and unknown_key where there is none', async () => {
    expect(await verdict(text, { keys: [other] })).toBe('signature_invalid');
    expect(await verdict(text, { keys: [rsaKey] })).toBe('unknown_key');
  });

  test('of a barred key is like one of no key', async () => {
    const barred = { kid: edKey.kid, state: 'compromised' } as const;
    expect(await verdict(text, { keys: [barred, rsaKey] })).toBe('unknown_key');
    expect(await verdict(text, { keys: [barred, other] })).toBe('signature_invalid');
  });

  test('with a signature of no known length is signature_invalid', async () => {
    const cut = `${text.slice(0, text.lastIndexOf('.'))}.${Buffer.alloc(256).toString('base64')}`;
    expect(await verdict(cut)).toBe('signature_invalid');
    expect(await verdict(cut, { keys: [] })).toBe('signature_invalid');
  });

  test('of version 1 can be verified by nobody without the secret', async () => {
    expect(await verdict(caioV1Of(caioJson()))).toBe('unknown_key');
    expect(await verdict(caioV1Of('[]'))).toBe('malformed_document');
  });
});

describe('what is wrong is told in order:', () => {
  const expired = seal(aegis, aegisPayload({ exp: ISSUED_AT / 1000 + 1 }));
  const broken = { ...aegisPayload(), jti: '' };
  const mislabelled = forge(aegisOf(ED, broken, { alg: 'RS256' }));
  const [caio, blob] = [caioOf(ED, caioJson({ features: 0 })), dtlic2Of(ED, dtlic2Json({ tier: 0 }))];
  const others = trusted.map((key) => ({ ...key, issuer: 'x' }));
  const retired = others.map((key) => ({ ...key, state: 'retired' as const }));
  const cases: [string, string, Partial<LicenseVerificationOptions>, LicenseVerdict][] = [
    ['the state before the algorithm', mislabelled, { keys: retired }, 'key_retired'],
    ['the algorithm before the signature', mislabelled, { keys: others }, 'algorithm_mismatch'],
    ['the signature before the claims', forge(aegisOf(ED, broken)), { keys: others }, 'signature_invalid'],
    ['the signature before the payload of CAIO', forge(caio), {}, 'signature_invalid'],
    ['the signature before the payload of DTLIC2', forge(blob), {}, 'signature_invalid'],
    ['the payload of CAIO', caio, {}, 'malformed_document'],
    ['the payload of DTLIC2', blob, {}, 'malformed_document'],
    ['the claims before the issuer', aegisOf(ED, broken), { keys: others }, 'malformed_document'],
    ['the issuer before the end', expired, { keys: others }, 'issuer_mismatch'],
    ['the end before the scope', expired, { scope: { product: 'x' } }, 'license_expired'],
  ];

  test.each(cases)('%s', async (_what, text, options, expected) => {
    expect(await verdict(text, options)).toBe(expected);
  });

  test('a session is no issued licence', async () => {
    expect(await verdict(jwsOf(ED))).toBe('malformed_document');
    expect(await verdict(textOf(inlineOf(ED)))).toBe('malformed_document');
    expect(await verdict(inlineOf(ED) as unknown as string)).toBe('malformed_document');
  });

  test('an issued licence is no session', async () => {
    for (const [, text] of LICENSES) expect(await documentVerdict(text)).not.toBe('valid');
    // In ASCII, the bytes that DTLIC2 signs are also those of an inline document with the same members.
    const [, signature = ''] = seal(dtlic2, dtlic2Terms({ name: 'Ada' })).split('.');
    const document = {
      ...JSON.parse(dtlic2Json({ name: 'Ada' })),
      signature: Buffer.from(signature, 'base64url').toString('base64'),
      signature_algorithm: ED,
    };
    expect(await documentVerdict(document)).toBe('malformed_document');
    expect(await documentVerdict({ ...document, name: 'Eve' })).toBe('signature_invalid');
  });

  test('members that another system added hold, but for those that limit a JWT', async () => {
    const claims = Object.fromEntries(Object.entries({ note: '', ...aegisPayload() }).reverse());
    expect(await verdict(aegisOf(ED, claims))).toBe('valid');
    expect(await verdict(aegisOf(ED, { ...claims, nbf: 0 }))).toBe('malformed_document');
  });
});

describe('an issuer', () => {
  const [ours, aegisTest] = ['https://countersign.test', 'https://aegis.test'];
  const own = seal(aegis, aegisPayload({ iss: ours }));
  const foreign = seal(aegis, aegisPayload({ iss: aegisTest }));
  const of = (issuer: string) => [{ ...edKey, issuer }];
  const cases: [string, string, Partial<LicenseVerificationOptions>, LicenseVerdict][] = [
    ['of ours is not asked for by default', foreign, {}, 'valid'],
    ['of ours is what the licence has to name', own, { issuer: ours }, 'valid'],
    ['of another name is refused', foreign, { issuer: ours }, 'issuer_mismatch'],
    ['of ours in other case is refused', own, { issuer: ours.toUpperCase() }, 'issuer_mismatch'],
    ['of another system vouches for its own', foreign, { keys: of(aegisTest) }, 'valid'],
    ['of another system does not vouch for ours', own, { keys: of(aegisTest) }, 'issuer_mismatch'],
    ['that we ask for does not widen it', own, { keys: of(aegisTest), issuer: ours }, 'issuer_mismatch'],
    ['that we ask for does not narrow it', foreign, { keys: of(aegisTest), issuer: ours }, 'valid'],
    ['of a format without one is ours', seal(caioV2, caioPayload()), { issuer: ours }, 'valid'],
    ['of CAIO is its system', seal(caioV2, caioPayload()), { keys: of('caio'), issuer: 'y' }, 'valid'],
    ['of DTLIC2 is its system', seal(dtlic2, dtlic2Terms()), { keys: of('datatools'), issuer: 'y' }, 'valid'],
    [
      'of another system cannot mint CAIO',
      seal(caioV2, caioPayload()),
      { keys: of('datatools') },
      'issuer_mismatch',
    ],
    [
      'of another system cannot mint DTLIC2',
      seal(dtlic2, dtlic2Terms()),
      { keys: of('caio') },
      'issuer_mismatch',
    ],
    ['of AEGIS cannot mint CAIO', seal(caioV2, caioPayload()), { keys: of(aegisTest) }, 'issuer_mismatch'],
  ];

  test.each(cases)('%s', async (_what, text, options, expected) => {
    expect(await verdict(text, options)).toBe(expected);
  });
});

describe('a scope', () => {
  test('is checked in the order of its members', async () => {
    const members = ['product', 'version', 'instanceFingerprint', 'customerId'] as const;
    const verdicts = [0, 1, 2, 3, 4].map((first) => {
      const rest = Object.fromEntries(members.slice(first).map((member) => [member, 'x']));
      return verdict(seal(aegis, aegisPayload()), { scope: { ...rest, features: ['x'] } });
    });
    expect(await Promise.all(verdicts)).toEqual([
      'product_mismatch',
      'version_mismatch',
      'hardware_mismatch',
      'holder_mismatch',
      'feature_missing',
    ]);
  });
});

test('a licence ends on a leap day, and one without end never', async () => {
  const leap = seal(dtlic2, dtlic2Terms({ expires_at: '2028-02-29T00:00:00+00:00' }));
  const now = Date.UTC(2028, 1, 28, 23, 59, 59, 999);
  expect([await verdict(leap, { now }), await verdict(leap, { now: now + 1 })]).toEqual([
    'valid',
    'license_expired',
  ]);
  const never = seal(caioV2, caioPayload({ license_type: 'perpetual', expires_at: null }));
  expect(await verdict(never, { now: Date.UTC(9999, 11, 31) })).toBe('valid');
  expect(await verdict(never, { now: Number.POSITIVE_INFINITY })).toBe('license_expired');
});
