/**
 * Offline verification of a licence document with nothing but public keys. Runs in Node and in browsers.
 *
 * The registered key, found by `kid`, says which algorithm verifies; the document has to agree with it and is
 * never asked. What comes out was signed: a caller uses the returned payload and not the text it passed in.
 *
 * @example
 * const key = await importVerificationKey(jwk);
 * const result = await verifyDocument(text, { keys: [key], now: Date.now(), scope: { product: 'demo' } });
 * if (result.valid) console.log(result.payload.features);
 */
import { ALGORITHMS, type Algorithm } from '../algorithms.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import { CLIENT_CLOCK_SKEW_SECONDS } from '../constants.ts';
import { decideKey, KEY_RULES } from '../decide/key.ts';
import { decideScope, type Scope } from '../decide/scope.ts';
import { type DecodedDocument, DocumentError } from '../formats/format.ts';
import { decodeDocument } from '../formats/index.ts';
import type { BarredKeyState, KeyState } from '../keys/states.ts';
import { VERIFICATION_CODES, type VerificationCode } from '../verification.ts';
import { type DocumentPayload, documentPayload } from '../wire/document.ts';
import { keyLifecycle } from '../wire/keys.ts';

/** A public key that documents are verified with. */
export interface VerificationKey {
  readonly kid: string;
  readonly algorithm: Algorithm;
  readonly key: CryptoKey;
  /** Absent for active. */
  readonly state?: KeyState;
  /** Milliseconds since the epoch: a retiring key verifies before this instant. */
  readonly sunsetAt?: number | undefined;
  /** Of a key of another system: it vouches for licences of this issuer (`verify-license.ts`), and for no session. */
  readonly issuer?: string | undefined;
}

/** A key of which nothing is known but that its documents are refused. */
export interface BarredKey {
  readonly kid: string;
  readonly state: BarredKeyState;
  readonly key?: undefined;
}

/** A JWK as it arrived: what it lacks, `importVerificationKey` finds out. */
export interface PublicJwk {
  readonly kty?: string | undefined;
  readonly kid: string;
  readonly alg: string;
  readonly [member: string]: unknown;
}

export type VerificationResult =
  | { readonly valid: true; readonly payload: DocumentPayload; readonly kid: string }
  | { readonly valid: false; readonly code: VerificationCode; readonly detail: string };

export interface VerificationOptions {
  /** The keys that are trusted, or how to find one of them. */
  readonly keys:
    | readonly (VerificationKey | BarredKey)[]
    | ((kid: string) => Promise<VerificationKey | BarredKey | undefined>);
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Our own. A document that names another one is refused; absent, it may name any. */
  readonly issuer?: string | undefined;
  readonly scope?: Scope;
}

/**
 * A verification key from a member of `/.well-known/jwks.json`, with its `state` and `sunset_at` when it has them.
 * @throws TypeError when its `alg` is none of ours or does not fit its `kty`, or its state is unknown or lacks its end.
 */
export async function importVerificationKey(jwk: PublicJwk): Promise<VerificationKey> {
  const algorithm = Object.values(ALGORITHMS).find((row) => row.jose === jwk.alg && row.keyType === jwk.kty);
  if (algorithm === undefined) throw new TypeError('this JWK is not for an algorithm that signs licences');
  const lifecycle = lifecycleOf(jwk);
  const { kid, kty, n, e, crv, x } = jwk;
  const material = kty === 'RSA' ? { kty, n, e } : { kty, crv, x };
  const key = await crypto.subtle.importKey('jwk', material as JsonWebKey, algorithm.webCrypto, true, [
    'verify',
  ]);
  return { kid, algorithm, key, ...lifecycle };
}

function lifecycleOf(jwk: PublicJwk): Pick<VerificationKey, 'state' | 'sunsetAt' | 'issuer'> {
  const result = keyLifecycle.safeParse(jwk);
  if (!result.success) {
    throw new TypeError('this JWK has a state, a sunset_at or an issuer that is not understood', {
      cause: result.error,
    });
  }
  const { state, sunset_at, issuer } = result.data;
  return {
    state,
    ...(typeof sunset_at === 'string' && { sunsetAt: Date.parse(sunset_at) }),
    ...(typeof issuer === 'string' && { issuer }),
  };
}

/** Checks the key's state, signature, issuer, lifetime and scope, in this order, and says the first thing that is wrong. */
export async function verifyDocument(
  document: string | JsonObject,
  options: VerificationOptions,
): Promise<VerificationResult> {
  try {
    const decoded = decodeDocument(document);
    const code = await signatureProblem(decoded, options);
    if (code !== undefined) return invalid(code);
    const payload = documentPayload.safeParse(decoded.payload);
    if (!payload.success) return invalid('malformed_document');
    const problem =
      issuerProblem(payload.data, options.issuer) ??
      lifetimeProblem(Date.parse(payload.data.signed_at), Date.parse(payload.data.expires_at), options.now) ??
      decideScope(payload.data, options.scope ?? {});
    return problem === undefined
      ? { valid: true, payload: payload.data, kid: decoded.kid }
      : invalid(problem);
  } catch (error) {
    if (error instanceof DocumentError) return { valid: false, code: error.code, detail: error.message };
    throw error;
  }
}

async function signatureProblem(
  decoded: DecodedDocument,
  { keys, now }: VerificationOptions,
): Promise<VerificationCode | undefined> {
  const { kid } = decoded;
  const key = typeof keys === 'function' ? await keys(kid) : keys.find((candidate) => candidate.kid === kid);
  if (key === undefined) return 'unknown_key';
  const problem = await vouchingProblem(decoded, key, now);
  // Sessions are ours alone: whatever a document says of its issuer, the key of another system says it.
  const isForeign = 'issuer' in key && key.issuer !== undefined;
  return problem ?? (isForeign ? 'issuer_mismatch' : undefined);
}

function issuerProblem(
  { issuer }: DocumentPayload,
  expected: string | undefined,
): VerificationCode | undefined {
  return expected === undefined || issuer === expected ? undefined : 'issuer_mismatch';
}

/** Why a key does not vouch for a document: the key's state, the algorithm or the signature, in this order. */
export async function vouchingProblem(
  document: Omit<DecodedDocument, 'kid'>,
  key: VerificationKey | BarredKey,
  now: number,
): Promise<VerificationCode | undefined> {
  if (key.key === undefined) return KEY_RULES[key.state].code;
  const refusal = decideKey(key.state ?? 'active', key.sunsetAt, now);
  if (refusal !== undefined) return refusal;
  if (!document.claims(key.algorithm)) return 'algorithm_mismatch';
  return (await isGenuine(document, key)) ? undefined : 'signature_invalid';
}

/** Whether this key made the signature, whatever its state is. */
export async function isGenuine(
  { signature, signedBytes }: Pick<DecodedDocument, 'signature' | 'signedBytes'>,
  { algorithm, key }: VerificationKey,
): Promise<boolean> {
  if (signature.length !== algorithm.signatureBytes) return false;
  return crypto.subtle.verify(algorithm.webCrypto, key, toBuffer(signature), toBuffer(signedBytes));
}

/** WebCrypto's types want a view on an ArrayBuffer that nobody shares. */
function toBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}

/** Whether a document holds at `now`. All in milliseconds since the epoch. */
export function lifetimeProblem(
  signedAt: number,
  expiresAt: number,
  now: number,
): VerificationCode | undefined {
  // Written so that a clock that is not a number refuses.
  if (!(signedAt <= now + CLIENT_CLOCK_SKEW_SECONDS * 1000)) return 'document_not_yet_valid';
  return now < expiresAt ? undefined : 'document_expired';
}

function invalid(code: VerificationCode): VerificationResult {
  return { valid: false, code, detail: VERIFICATION_CODES[code] };
}
