/**
 * What a forger works with: documents taken apart, and put together again over any content. Nothing here is the code
 * under test: both canonical forms are written a second time.
 *
 * ```ts
 * const { header, payload } = openJws(document);
 * sealJws(key, { ...header, alg: 'none' }, payload); // genuinely signed over that header
 * ```
 */
import { type KeyObject, sign } from 'node:crypto';
import type { AlgorithmName } from '../../shared/algorithms.ts';
import type { JsonObject, JsonValue } from '../../shared/canonical/strict-json.ts';
import type { VerificationCode } from '../../shared/verification.ts';
import { base64url, ED, sorted } from './signed-documents.ts';

export interface Signatory {
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  /** JOSE name of the algorithm. */
  readonly alg: string;
  readonly private: KeyObject;
}

/** A document that is valid, and all the keys that an attack may be made with. */
export interface Genuine<Document> {
  readonly document: Document;
  /** It signed the document. */
  readonly key: Signatory;
  /** Registered too, for the other algorithm. Of a manifest: a licence key, which is no root. */
  readonly other: Signatory;
  /** The attacker's own: the algorithm of `key`, and registered nowhere. */
  readonly stranger: Signatory;
}

export type Make<Document> = (genuine: Genuine<Document>) => string | object;

/** A row of the table: what is made of a genuine document, and the code that it is refused with. */
export interface Attack<Document, Code = VerificationCode> {
  readonly name: string;
  readonly make: Make<Document>;
  readonly code: Code;
}

/** The rows that are refused with one code. */
export function refusedWith<Document, Code>(
  code: Code,
  makers: Readonly<Record<string, Make<Document>>>,
): Attack<Document, Code>[] {
  return Object.entries(makers).map(([name, make]) => ({ name, make, code }));
}

/** Ed25519 signs the message; RSASSA-PKCS1-v1_5 its SHA-256. */
export function signWith(key: Signatory, message: string | Uint8Array): Buffer {
  return sign(key.algorithm === ED ? null : 'sha256', Buffer.from(message), key.private);
}

type Parts = readonly [header: string, payload: string, signature: string];

export const partsOf = (document: string) => document.split('.') as unknown as Parts;

export interface OpenJws {
  readonly header: JsonObject;
  readonly payload: JsonObject;
  /** Header and payload as they were signed. */
  readonly message: string;
  readonly signature: Buffer;
}

export function openJws(document: string): OpenJws {
  const [header, payload, signature] = partsOf(document);
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as JsonObject;
  return {
    header: read(header),
    payload: read(payload),
    message: `${header}.${payload}`,
    signature: Buffer.from(signature, 'base64url'),
  };
}

/** A part of a JWS over an object in canonical form, or over any text or bytes. */
export function partOf(content: object | string | Uint8Array): string {
  const isRaw = typeof content === 'string' || content instanceof Uint8Array;
  return base64url(isRaw ? content : sorted(content));
}

export const signParts = (key: Signatory, message: string) =>
  `${message}.${base64url(signWith(key, message))}`;

export function sealJws(key: Signatory, header: object | string, payload: object | string): string {
  return signParts(key, `${partOf(header)}.${partOf(payload)}`);
}

/** The JWS with other members in its header, signed by any key. */
export function resealed(document: string, signer: Signatory, members: object): string {
  const { header, payload } = openJws(document);
  return sealJws(signer, { ...header, ...members }, payload);
}

export type InlineObject = { readonly [member: string]: JsonValue } & {
  readonly signature: string;
  readonly signature_algorithm: string;
};

export interface OpenInline {
  /** What is signed. */
  readonly members: JsonObject;
  readonly message: string;
  readonly signature: Buffer;
}

export function openInline({ signature, signature_algorithm: _, ...members }: InlineObject): OpenInline {
  return { members, message: pythonJson(members), signature: Buffer.from(signature, 'base64') };
}

export function sealInline(key: Signatory, members: object): InlineObject {
  const signature = signWith(key, pythonJson(members)).toString('base64');
  return { ...members, signature, signature_algorithm: key.algorithm };
}

/** The inline document with other members, signed by any key. */
export function inlineWith(document: InlineObject, signer: Signatory, members: object): InlineObject {
  return sealInline(signer, { ...openInline(document).members, ...members });
}

/** `json.dumps(value, sort_keys=True, separators=(',', ':'))` for members with ASCII names. */
function pythonJson(value: object): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return sorted(value).replace(/[\u007f-\uffff]/g, escaped);
}
