/**
 * The table of attacks on licence documents. Each row makes a document out of a genuine one and names the code that it
 * is refused with, by the client library and by the service.
 *
 * ```ts
 * test.each(jwsAttacks(ED))('$name: $code', async ({ make, code }) => {
 *   expect(await verdict(make(genuine))).toBe(code);
 * });
 * ```
 */
import type { AlgorithmName } from '../../shared/algorithms.ts';
import { inlineConfusions, jwsConfusions, SWAPPED_INLINE, SWAPPED_JWS } from './attacks-algorithms.ts';
import {
  inlineOfBothAlphabets,
  jwsOfBothAlphabets,
  SPELT_INLINE,
  SPELT_JWS,
  unaligned,
} from './attacks-base64.ts';
import { COMPACT, payloadText } from './attacks-compact.ts';
import {
  type Attack,
  type InlineObject,
  inlineWith,
  type Make,
  openJws,
  partsOf,
  refusedWith,
  resealed,
  sealJws,
  signParts,
} from './attacks-forgery.ts';
import { INLINE } from './attacks-inline.ts';
import {
  handMadeRsaSignature,
  inlineSignatures,
  jwsSignatures,
  signedInline,
  signedJws,
} from './attacks-signatures.ts';
import { RSA } from './signed-documents.ts';

export type { Attack, Genuine, InlineObject } from './attacks-forgery.ts';

const MANIFEST_TYPE = 'license-keys+jwt';

/** One kind of document offered as another, though the right key signed it. */
const CROSSED: Attack<string>[] = [
  ...refusedWith<string, 'unsupported_header'>('unsupported_header', {
    'a licence under the type of a key manifest': ({ document, key }) =>
      resealed(document, key, { typ: MANIFEST_TYPE }),
    'a key manifest': ({ document, key }) =>
      sealJws(key, { ...openJws(document).header, typ: MANIFEST_TYPE }, manifestPayload(key.kid)),
  }),
  ...refusedWith<string, 'malformed_document'>('malformed_document', {
    'the payload of a key manifest under the type of a licence': ({ document, key }) =>
      sealJws(key, openJws(document).header, manifestPayload(key.kid)),
  }),
  ...refusedWith<string, 'signature_invalid'>('signature_invalid', {
    'the signature of an inline document': ({ document, key }) => {
      const { message, payload } = openJws(document);
      const { signature } = inlineWith({ signature: '', signature_algorithm: '' }, key, payload);
      return `${message}.${Buffer.from(signature, 'base64').toString('base64url')}`;
    },
  }),
];

function manifestPayload(kid: string) {
  return { iss: 'x', iat: 1, exp: 9e9, version: 1, keys: [{ kid, alg: 'EdDSA', state: 'active' }] };
}

export function jwsAttacks(kind: AlgorithmName): Attack<string>[] {
  return [
    ...jwsConfusions(kind),
    ...SWAPPED_JWS,
    ...jwsSignatures(kind),
    ...SPELT_JWS,
    ...COMPACT,
    ...CROSSED,
  ];
}

export function inlineAttacks(kind: AlgorithmName): Attack<InlineObject>[] {
  return [
    ...inlineConfusions(kind),
    ...SWAPPED_INLINE,
    ...inlineSignatures(kind),
    ...SPELT_INLINE,
    ...INLINE,
  ];
}

export interface Control<Document> {
  readonly name: string;
  readonly make: Make<Document>;
}

/** What the rows above are built on is accepted, so that they are refused for what each of them changes and no more. */
export function jwsControls(kind: AlgorithmName): Control<string>[] {
  const controls: Record<string, Make<string>> = {
    'as it is': ({ document }) => document,
    'signed again': ({ document, key }) => resealed(document, key, {}),
    'signed again with a signature of both alphabets': jwsOfBothAlphabets,
    'signed with spaces after header and payload': ({ document, key }) => {
      const [header, payload] = partsOf(document);
      return signParts(key, `${unaligned(header)}.${unaligned(payload)}`);
    },
    'signed with a claim more': payloadText((text) => text.replace('{', '{"more":[{"a":1}],')),
    ...(kind === RSA && {
      'with an RSA block built by hand': (genuine) => signedJws(genuine, handMadeRsaSignature),
    }),
  };
  return Object.entries(controls).map(([name, make]) => ({ name, make }));
}

export function inlineControls(kind: AlgorithmName): Control<InlineObject>[] {
  const controls: Record<string, Make<InlineObject>> = {
    'as it is': ({ document }) => document,
    'signed again': ({ document, key }) => inlineWith(document, key, {}),
    'signed again with a signature of both alphabets': inlineOfBothAlphabets,
    'with white space': ({ document }) => JSON.stringify(document, null, '\t'),
    'in another order': ({ document }) => Object.fromEntries(Object.entries(document).toReversed()),
    'with escapes': ({ document }) => JSON.stringify(document).replaceAll('"tier"', '"\\u0074ier"'),
    ...(kind === RSA && {
      'with an RSA block built by hand': (genuine) => signedInline(genuine, handMadeRsaSignature),
    }),
  };
  return Object.entries(controls).map(([name, make]) => ({ name, make }));
}
