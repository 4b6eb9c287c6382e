/**
 * A signer of licence documents for tests. It implements both formats a second time from their descriptions, so that
 * it can also sign what no honest signer would. Its keys are made on import and thrown away with the process.
 *
 * ```ts
 * jwsOf(ED, { header: headerOf(ED, { alg: 'none' }) }); // genuinely signed over that header
 * inlineOf(RSA, { tier: 'enterprise' });
 * ```
 */
import { generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import type { AlgorithmName } from '../../shared/algorithms.ts';
import type { JsonValue } from '../../shared/canonical/strict-json.ts';
import { importVerificationKey, type PublicJwk } from '../../shared/client/verify.ts';
import type { DocumentPayload } from '../../shared/wire/document.ts';
import { documentPayload } from './records.ts';

export const ED = 'EC_SIGN_ED25519';
export const RSA = 'RSA_SIGN_PKCS1_4096_SHA256';
export const KINDS = [ED, RSA] as const;
export type Kind = AlgorithmName;

interface TestKey {
  readonly kid: string;
  readonly algorithm: Kind;
  readonly alg: string;
  readonly private: KeyObject;
  readonly jwk: PublicJwk;
  readonly pem: string;
}

export const newKeyPair = {
  [ED]: () => promisify(generateKeyPair)('ed25519'),
  [RSA]: (bits = 4096) => promisify(generateKeyPair)('rsa', { modulusLength: bits }),
};

export function testKey(algorithm: Kind, pair: { publicKey: KeyObject; privateKey: KeyObject }): TestKey {
  const kid = `kid-${algorithm}`;
  const alg = algorithm === ED ? 'EdDSA' : 'RS256';
  return {
    kid,
    algorithm,
    alg,
    private: pair.privateKey,
    jwk: { ...pair.publicKey.export({ format: 'jwk' }), kid, alg } as PublicJwk,
    pem: pair.publicKey.export({ format: 'pem', type: 'spki' }).toString(),
  };
}

const [ed, rsa] = await Promise.all([newKeyPair[ED](), newKeyPair[RSA]()]);

export const keys: Record<Kind, TestKey> = { [ED]: testKey(ED, ed), [RSA]: testKey(RSA, rsa) };

/** What a client that trusts both keys holds. */
export const trusted = await Promise.all(KINDS.map((kind) => importVerificationKey(keys[kind].jwk)));

export const base64url = (data: string | Uint8Array) => Buffer.from(data).toString('base64url');

/** Ed25519 signs the message; RSASSA-PKCS1-v1_5 its SHA-256. */
export function signatureOf(kind: Kind, message: string | Uint8Array): Buffer {
  return sign(kind === ED ? null : 'sha256', Buffer.from(message), keys[kind].private);
}

/** JSON without white space and with sorted keys; for ASCII it is both canonical forms. */
export function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, member) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

export function headerOf(kind: Kind, members: object = {}): string {
  return sorted({ alg: keys[kind].alg, kid: keys[kind].kid, typ: 'license+jwt', ...members });
}

export function claimsOf(payload: DocumentPayload): string {
  const seconds = (instant: string) => Math.floor(Date.parse(instant) / 1000);
  const { issuer: iss, license_id: sub, signed_at, expires_at } = payload;
  return sorted({ ...payload, iss, sub, iat: seconds(signed_at), exp: seconds(expires_at) });
}

/** A JWS over any texts, genuinely signed by the key of `kind`. */
export function jwsOf(kind: Kind, given: { header?: string; payload?: string } = {}): string {
  const { header = headerOf(kind), payload = claimsOf(documentPayload()) } = given;
  return signParts(kind, base64url(header), base64url(payload));
}

export function signParts(kind: Kind, header: string, payload: string): string {
  return `${header}.${payload}.${base64url(signatureOf(kind, `${header}.${payload}`))}`;
}

type Inline = { readonly [member: string]: JsonValue } & { readonly signature: string };

/** An inline document over any members, genuinely signed by the key of `kind`. */
export function inlineOf(kind: Kind, members: object = {}): Inline {
  const { kid } = keys[kind];
  const signed = { ...documentPayload(), license_key: 'DEMO-1', kid, ...members };
  const signature = signatureOf(kind, sorted(signed)).toString('base64');
  return { ...signed, signature, signature_algorithm: kind };
}

export const textOf = (document: object) => JSON.stringify(document);

/** The document with another signature. */
export function resign(
  document: string | Inline,
  change: (signature: Buffer) => Uint8Array | Buffer,
): string {
  if (typeof document !== 'string') {
    const signature = Buffer.from(change(Buffer.from(document.signature, 'base64'))).toString('base64');
    return textOf({ ...document, signature });
  }
  const [header, payload, signature = ''] = document.split('.');
  return `${header}.${payload}.${base64url(change(Buffer.from(signature, 'base64url')))}`;
}

export const replaceAt = (text: string, at: number, by: string) =>
  text.slice(0, at) + by + text.slice(at + 1);
