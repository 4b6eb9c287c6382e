/** What a client asks for when it acquires, and where that is stored. */
import type { JsonObject } from '../canonical/strict-json.ts';
import type { FormatName } from '../formats/index.ts';
import { isGuessProof, normalizeLicenseKey } from '../license-key.ts';
import type { DocumentPath, Fields } from '../ports/document-store.ts';
import type { Hasher } from '../ports/hasher.ts';
import { sessionPath } from '../records/paths.ts';
import { type DocumentPayload, documentPayload } from '../wire/document.ts';
import { type Memory, memoryOf } from './idempotency.ts';
import type { SignedDocument } from './license-document.ts';

export interface AcquireCommand {
  readonly licenseKey: string;
  readonly hardwareId: string;
  readonly format: FormatName;
  readonly nonce: string | undefined;
  /** Term of a borrowed seat in seconds; undefined for a floating seat. */
  readonly borrowSeconds: number | undefined;
  readonly idempotencyKey: string | undefined;
  /** The request's body, for the comparison of idempotent requests. */
  readonly body: JsonObject;
}

export interface AcquireRequest {
  readonly command: AcquireCommand;
  readonly licenseHash: string;
  readonly hardware: string;
  readonly sessionPath: DocumentPath;
  readonly memory: Memory | undefined;
  /**
   * New sessions that attempts of this request have committed, by generation, at which version; undefined where it is not
   * known whether they have.
   */
  readonly committed: Map<string, string | undefined>;
  /** Whether the last attempt read licence and session beside its commit. */
  hasLearned: boolean;
  /** A signature that was asked for beside a commit that failed: the next attempt may commit what it covers. */
  early: EarlySignature | undefined;
  /** What a new session is called and when its lease begins; never that of an attempt that may have happened. */
  beginning: { readonly generation: string; readonly now: number } | undefined;
}

export interface EarlySignature {
  readonly payload: DocumentPayload;
  readonly document: Promise<SignedDocument>;
}

export function identify(hasher: Hasher, command: AcquireCommand): AcquireRequest {
  const { licenseKey } = command;
  // Nothing is stored under another kind of hash, so a key that opens nothing costs the same work as one that is not known.
  const licenseHash = isGuessProof(licenseKey)
    ? hasher.hash('license', normalizeLicenseKey(licenseKey))
    : hasher.hash('request', licenseKey);
  const hardware = hasher.hash('hardware', command.hardwareId);
  return {
    command,
    licenseHash,
    hardware,
    sessionPath: sessionPath(licenseHash, hardware),
    memory: memoryOf(hasher, { ...command, owner: licenseHash, operation: 'acquire' }),
    committed: new Map(),
    hasLearned: false,
    early: undefined,
    beginning: undefined,
  };
}

/** The store never sees a licence key, so the memory of a request is kept without it. */
export function withoutKey({ license_key: _, ...payload }: DocumentPayload): Fields {
  return payload;
}

/** The remembered payload, with the key that the repeated request carries. */
export function restorePayload(remembered: Fields, { licenseKey }: AcquireCommand): DocumentPayload {
  return { ...documentPayload.parse(remembered), license_key: licenseKey };
}
