/**
 * The table of attacks on the key manifest. It is a compact JWS, so it has to stand what a licence has to, and more: it is
 * rolled back, comes from another root, or holds keys that contradict each other.
 */
import type { AlgorithmName } from '../../shared/algorithms.ts';
import type { JsonValue } from '../../shared/canonical/strict-json.ts';
import type { ManifestCode } from '../../shared/client/manifest.ts';
import type { VerificationCode } from '../../shared/verification.ts';
import { jwsConfusions } from './attacks-algorithms.ts';
import { SPELT_JWS } from './attacks-base64.ts';
import { COMPACT, payloadText } from './attacks-compact.ts';
import { type Attack, type Make, openJws, resealed, sealInline, sealJws } from './attacks-forgery.ts';
import { KEY_ENTRIES } from './attacks-manifest-keys.ts';
import {
  activeJwk,
  firstKey,
  keysOf,
  type ManifestAttack,
  numberOf,
  rows,
  signedWith,
  unsignedWith,
} from './attacks-manifest-payload.ts';
import { jwsSignatures } from './attacks-signatures.ts';
import { documentPayload } from './records.ts';
import { claimsOf, textOf } from './signed-documents.ts';

/** What the code of a licence is called where the same is wrong with a manifest. */
const MANIFEST_CODE: Partial<Record<VerificationCode, ManifestCode>> = {
  malformed_document: 'malformed_manifest',
  unsupported_header: 'malformed_manifest',
  unknown_key: 'unknown_root',
  algorithm_mismatch: 'algorithm_mismatch',
  signature_invalid: 'signature_invalid',
};

function asManifestAttack({ name, make, code }: Attack<string>): ManifestAttack {
  const manifestCode = MANIFEST_CODE[code];
  if (manifestCode === undefined) throw new Error(`${code} has no counterpart among the codes of manifests`);
  return { name, make, code: manifestCode };
}

const ROOTS: ManifestAttack[] = [
  ...rows('unknown_root', {
    'another root under its own kid': ({ document, stranger }) =>
      resealed(document, stranger, { kid: stranger.kid }),
    'a licence key under its own kid': ({ document, other }) =>
      resealed(document, other, { alg: other.alg, kid: other.kid }),
    'the root under the kid of a licence key': ({ document, key, other }) =>
      resealed(document, key, { kid: other.kid }),
    'another root that lists itself and the pinned one': ({ document, key, stranger }) => {
      const { header, payload } = openJws(document);
      const keys = [activeJwk(stranger), activeJwk(key)];
      return sealJws(stranger, { ...header, kid: stranger.kid }, { ...payload, keys });
    },
  }),
  ...rows('algorithm_mismatch', {
    'a licence key under the kid of the root': ({ document, other }) =>
      resealed(document, other, { alg: other.alg }),
  }),
  ...rows('signature_invalid', {
    'another root with the pinned kid written in': ({ document, stranger }) =>
      resealed(document, stranger, {}),
    'another root with the pinned kid written in, and keys of its own': ({ document, stranger }) => {
      const { header, payload } = openJws(document);
      return sealJws(stranger, header, { ...payload, keys: [activeJwk(stranger)] });
    },
    'a licence key with kid and algorithm of the root': ({ document, other }) =>
      resealed(document, other, {}),
    'a key is added': unsignedWith((payload, stranger) => ({
      keys: [...keysOf(payload), activeJwk(stranger)],
    })),
    'a key is left out': unsignedWith((payload) => ({ keys: keysOf(payload).slice(1) })),
    'a key comes back to life': unsignedWith((payload) => ({
      keys: keysOf(payload).map((key) => ({ ...key, state: 'staged' })),
    })),
    'a version is raised': unsignedWith(({ version }) => ({ version: numberOf(version) + 1 })),
    'an end is put off': unsignedWith(({ exp }) => ({ exp: numberOf(exp) + 1 })),
  }),
];

const TIMES: ManifestAttack[] = [
  ...rows('manifest_outdated', {
    'the version before the one that was seen': signedWith(({ version }) => ({
      version: numberOf(version) - 1,
    })),
    'the first version': signedWith(() => ({ version: 1 })),
    'an older version that lasts longer': signedWith(({ exp }) => ({ version: 1, exp: numberOf(exp) + 1e6 })),
    'an older version that was signed later': signedWith(({ iat }) => ({
      version: 1,
      iat: numberOf(iat) + 1,
    })),
  }),
  ...rows('manifest_expired', {
    expired: signedWith(({ iat }) => ({ exp: numberOf(iat) })),
    'expired when it was signed': signedWith(({ iat }) => ({ exp: numberOf(iat) - 1 })),
    'expired in 1970': signedWith(() => ({ iat: 0, exp: 0 })),
    'expired, though its version is newer': signedWith(({ iat, version }) => ({
      exp: numberOf(iat),
      version: numberOf(version) + 1,
    })),
  }),
  ...rows('manifest_not_yet_valid', {
    'signed in the future': signedWith(({ iat, exp }) => ({
      iat: numberOf(iat) + 1e6,
      exp: numberOf(exp) + 1e6,
    })),
    'signed in milliseconds': signedWith(({ iat, exp }) => ({
      iat: numberOf(iat) * 1000,
      exp: numberOf(exp) * 1000,
    })),
  }),
];

const NO_VERSIONS = [
  '"7"',
  '7.5',
  '-7',
  '0',
  'null',
  'true',
  '[7]',
  '{}',
  '9007199254740992',
  '-9007199254740992',
  '1e400',
  '1e16',
  'NaN',
];

const VERSIONS = NO_VERSIONS.flatMap((literal) =>
  rows('malformed_manifest', {
    [`a version ${literal}`]: payloadText((text) => text.replace(/("version":)\d+/, `$1${literal}`)),
  }),
);

const CLAIMS = rows('malformed_manifest', {
  'no version': signedWith(() => ({ version: undefined })),
  'no time of signing': signedWith(() => ({ iat: undefined })),
  'no end': signedWith(() => ({ exp: undefined })),
  'an end null': signedWith(() => ({ exp: null })),
  'an end as text': signedWith(({ exp }) => ({ exp: String(exp) })),
  'an end in fractions': signedWith(({ exp }) => ({ exp: numberOf(exp) + 0.5 })),
  'a time of signing before 1970': signedWith(() => ({ iat: -1 })),
  'no issuer': signedWith(() => ({ iss: undefined })),
  'no keys': signedWith(() => ({ keys: [] })),
  'keys null': signedWith(() => ({ keys: null })),
  'keys missing': signedWith(() => ({ keys: undefined })),
  'keys by kid': signedWith((payload) => ({
    keys: Object.fromEntries(keysOf(payload).map((key) => [String(key.kid), key])),
  })),
  'keys in an array more': signedWith(({ keys }) => ({ keys: [keys as JsonValue] })),
});

/** Documents of another kind, though the root itself signed them. */
const CROSSED = rows('malformed_manifest', {
  'a licence': ({ document, key }) =>
    sealJws(key, { ...openJws(document).header, typ: 'license+jwt' }, claimsOf(documentPayload())),
  'a licence under the type of a manifest': ({ document, key }) =>
    sealJws(key, openJws(document).header, claimsOf(documentPayload())),
  'a manifest under the type of a licence': ({ document, key }) =>
    resealed(document, key, { typ: 'license+jwt' }),
  'an inline licence': ({ key }) => textOf(sealInline(key, { ...documentPayload(), kid: key.kid })),
  'a JWK set': ({ document }) => textOf({ keys: keysOf(openJws(document).payload) }),
  'no text at all': () => '',
  'its payload alone': ({ document }) => textOf(openJws(document).payload),
});

export function manifestAttacks(kind: AlgorithmName): ManifestAttack[] {
  const compact = [...jwsConfusions(kind), ...jwsSignatures(kind), ...SPELT_JWS, ...COMPACT];
  return [
    ...compact.map(asManifestAttack),
    ...ROOTS,
    ...TIMES,
    ...VERSIONS,
    ...CLAIMS,
    ...KEY_ENTRIES,
    ...CROSSED,
  ];
}

/** Manifests that the root may sign, now or in a later release. */
export const MANIFEST_CONTROLS: Readonly<Record<string, Make<string>>> = {
  'as it is': ({ document }) => document,
  'signed again': ({ document, key }) => resealed(document, key, {}),
  'of the next version': signedWith(({ version }) => ({ version: numberOf(version) + 1 })),
  'with a claim more': signedWith(() => ({ nonce: 'n', more: [{}] })),
  'with a claim __proto__': payloadText((text) => text.replace('{', '{"__proto__":{"version":1},')),
  'with a key that has members more': firstKey((key) => ({ ...key, use: 'sig', more: {} })),
  'with a key of an algorithm that is not known': signedWith((payload) => ({
    keys: [...keysOf(payload), { kid: 'later', kty: 'AKP', alg: 'ML-DSA-65', pub: 'AA', state: 'active' }],
  })),
};
