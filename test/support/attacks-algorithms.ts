/**
 * Algorithm confusion: a key is registered for one algorithm, the document names another, and the signature is of either,
 * of a third, or a MAC with the public key as its secret. Keys are registered for `RS256` and `EdDSA`; that no other
 * algorithm can be registered is a test beside the one that runs this table.
 */
import {
  constants,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import type { AlgorithmName } from '../../shared/algorithms.ts';
import {
  type Attack,
  type Genuine,
  type InlineObject,
  inlineWith,
  openInline,
  openJws,
  partOf,
  refusedWith,
  resealed,
  signWith,
} from './attacks-forgery.ts';
import { base64url, ED, RSA } from './signed-documents.ts';

/** Every pair of these is tried, as far as the first of the two can be registered. `Ed25519` is from RFC 9864. */
export const ALG_NAMES = ['RS256', 'EdDSA', 'HS256', 'none', 'PS256', 'ES256', 'RS512', 'Ed25519', ''];

const MAC_HASHES: Readonly<Record<string, string>> = { HS384: 'sha384', HS512: 'sha512' };

const JOSE_CLAIMS = [...ALG_NAMES, ...Object.keys(MAC_HASHES)];

/** What `signature_algorithm` of an inline document may be confused with: names of KMS algorithms, and those of JOSE. */
const KMS_NAMES = [
  RSA,
  ED,
  'RSA_SIGN_PSS_4096_SHA256',
  'RSA_SIGN_PKCS1_4096_SHA512',
  'EC_SIGN_P256_SHA256',
  'EC_SIGN_ED25519_PH',
  'HMAC_SHA256',
];

/** Names that a lenient comparison or a lookup in an object would take for another. */
const LOOK_ALIKES = [
  'None',
  'NONE',
  'RS384',
  'ES384',
  'PS512',
  'eddsa',
  'rs256',
  ' ',
  '__proto__',
  'constructor',
];

interface Forger {
  readonly name: string;
  readonly sign: (message: string, keys: Genuine<unknown>, claim: string) => Uint8Array;
}

const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const rsaOf = ({ key, other }: Genuine<unknown>) => (key.algorithm === RSA ? key : other).private;

const GENUINE: Forger = { name: 'the key itself', sign: (message, { key }) => signWith(key, message) };
const NOBODY: Forger = { name: 'nobody', sign: () => Buffer.alloc(0) };

const SIGNERS: Forger[] = [
  GENUINE,
  NOBODY,
  { name: 'the key of the other algorithm', sign: (message, { other }) => signWith(other, message) },
  { name: 'a key that is not registered', sign: (message, { stranger }) => signWith(stranger, message) },
  {
    name: 'RSA with PSS',
    sign: (message, keys) =>
      sign('sha256', Buffer.from(message), { key: rsaOf(keys), padding: constants.RSA_PKCS1_PSS_PADDING }),
  },
  { name: 'RSA with SHA-512', sign: (message, keys) => sign('sha512', Buffer.from(message), rsaOf(keys)) },
  {
    name: 'a P-256 key, in 64 bytes as Ed25519',
    sign: (message) => sign('sha256', Buffer.from(message), { key: elliptic, dsaEncoding: 'ieee-p1363' }),
  },
];

/** What libraries have taken for a secret when they were handed a public key. */
const SECRETS: Readonly<Record<string, (publicKey: KeyObject) => string | Buffer>> = {
  'the PEM': pemOf,
  'the PEM without its last line break': (publicKey) => pemOf(publicKey).trim(),
  'the DER': (publicKey) => publicKey.export({ type: 'spki', format: 'der' }),
  'the JWK': (publicKey) => JSON.stringify(publicKey.export({ format: 'jwk' })),
  'the bytes of the key': (publicKey) => {
    const { n, x = n } = publicKey.export({ format: 'jwk' });
    return Buffer.from(x ?? '', 'base64url');
  },
  nothing: () => '',
};

function pemOf(publicKey: KeyObject): string {
  return publicKey.export({ type: 'spki', format: 'pem' }).toString();
}

const MACS: Forger[] = Object.entries(SECRETS).flatMap(([secretName, secretOf]) => {
  const mac = (message: string, { key }: Genuine<unknown>, claim: string) =>
    createHmac(MAC_HASHES[claim] ?? 'sha256', secretOf(createPublicKey(key.private)))
      .update(message)
      .digest();
  const lengthOf = ({ key }: Genuine<unknown>) => (key.algorithm === RSA ? 512 : 64);
  return [
    { name: `a MAC with ${secretName}`, sign: mac },
    {
      name: `a MAC with ${secretName}, as long as a signature`,
      sign: (message, keys, claim) => Buffer.alloc(lengthOf(keys), mac(message, keys, claim)),
    },
  ];
});

type Forge<Document> = (genuine: Genuine<Document>, claim: string, forger: Forger) => string | object;

/** Every claim with every forger, but for the genuine document itself. */
function confusions<Document>(
  own: string,
  claims: readonly string[],
  forge: Forge<Document>,
): Attack<Document>[] {
  const pairs = [
    ...claims.flatMap((claim) => [...SIGNERS, ...MACS].map((forger) => [claim, forger] as const)),
    ...[...LOOK_ALIKES, own.toLowerCase(), `${own} `].flatMap((claim) =>
      [GENUINE, NOBODY].map((forger) => [claim, forger] as const),
    ),
  ];
  return pairs
    .filter(([claim, forger]) => claim !== own || forger !== GENUINE)
    .map(([claim, forger]) => ({
      name: `registered for ${own}, says ${JSON.stringify(claim)}, signed by ${forger.name}`,
      make: (genuine) => forge(genuine, claim, forger),
      code: claim === own ? 'signature_invalid' : 'algorithm_mismatch',
    }));
}

export function jwsConfusions(kind: AlgorithmName): Attack<string>[] {
  return confusions<string>(kind === RSA ? 'RS256' : 'EdDSA', JOSE_CLAIMS, (genuine, claim, forger) => {
    const { header, payload } = openJws(genuine.document);
    const message = `${partOf({ ...header, alg: claim })}.${partOf(payload)}`;
    return `${message}.${base64url(forger.sign(message, genuine, claim))}`;
  });
}

export function inlineConfusions(kind: AlgorithmName): Attack<InlineObject>[] {
  return confusions<InlineObject>(kind, [...KMS_NAMES, ...ALG_NAMES], (genuine, claim, forger) => {
    const { members, message } = openInline(genuine.document);
    const signature = Buffer.from(forger.sign(message, genuine, claim)).toString('base64');
    return { ...members, signature, signature_algorithm: claim };
  });
}

/** The kid of another registered key, which has another algorithm. */
export const SWAPPED_JWS: Attack<string>[] = [
  ...refusedWith<string, 'algorithm_mismatch'>('algorithm_mismatch', {
    'the kid of the other key, signed so by this one': ({ document, key, other }) =>
      resealed(document, key, { kid: other.kid }),
    'the kid of this key in a document of the other': ({ document, key, other }) =>
      resealed(document, other, { alg: other.alg, kid: key.kid }),
  }),
  ...refusedWith<string, 'signature_invalid'>('signature_invalid', {
    'kid and algorithm of the other key, signed so by this one': ({ document, key, other }) =>
      resealed(document, key, { alg: other.alg, kid: other.kid }),
  }),
];

export const SWAPPED_INLINE: Attack<InlineObject>[] = [
  ...refusedWith<InlineObject, 'algorithm_mismatch'>('algorithm_mismatch', {
    'the kid of the other key': ({ document, other }) => ({ ...document, kid: other.kid }),
    'the kid of the other key, signed so by this one': ({ document, key, other }) =>
      inlineWith(document, key, { kid: other.kid }),
    'the kid of this key in a document of the other': ({ document, key, other }) =>
      inlineWith(document, other, { kid: key.kid }),
  }),
  ...refusedWith<InlineObject, 'signature_invalid'>('signature_invalid', {
    'kid and algorithm of the other key, signed so by this one': ({ document, key, other }) => ({
      ...inlineWith(document, key, { kid: other.kid }),
      signature_algorithm: other.algorithm,
    }),
  }),
];
