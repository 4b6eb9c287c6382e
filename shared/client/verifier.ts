/**
 * Verification of licence documents with nothing pinned but the root key. The verifier keeps a manifest, reads a newer one
 * when it should, and verifies documents with its keys. Runs in Node and in browsers.
 *
 * @example
 * const verifier = await createVerifier({
 *   root: await importVerificationKey(ROOT_JWK),
 *   baseUrl: 'http://127.0.0.1:8080',
 *   stored: localStorage.getItem('manifest') ?? undefined,
 *   onManifest: (text) => localStorage.setItem('manifest', text),
 * });
 * const result = await verifier.verify(document, { scope: { product: 'demo' } });
 */
import type { JsonObject } from '../canonical/strict-json.ts';
import type { Scope } from '../decide/scope.ts';
import type { ManifestCode } from './manifest.ts';
import { createVerifierClock } from './verifier-clock.ts';
import { type FetchManifest, manifestOverHttp } from './verifier-fetch.ts';
import { type KeepProblem, ManifestHolding, type OnManifest } from './verifier-holding.ts';
import { ManifestReading, problemOf, type ReadProblem } from './verifier-reading.ts';
import { type VerificationKey, type VerificationResult, verifyDocument } from './verify.ts';

export type VerifierOptions = CommonOptions & ManifestSource;

/** The service, or another way to a manifest: a file, a proxy. */
type ManifestSource =
  | { readonly baseUrl: string; readonly fetchManifest?: undefined }
  | { readonly fetchManifest: FetchManifest; readonly baseUrl?: undefined };

interface CommonOptions {
  /** The pinned root key. */
  readonly root: VerificationKey;
  /** What `onManifest` was last given before a restart. */
  readonly stored?: string | undefined;
  /**
   * Keeps a manifest across restarts. Called once for each newer one, one call after the other, and again after a failure.
   * A verification does not wait for it; a call that does its work at once has done it before the verdict.
   */
  readonly onManifest?: OnManifest | undefined;
  /** Milliseconds since the epoch. Lifetimes are judged by it. */
  readonly now?: () => number;
  /**
   * How old, in milliseconds, the last successful read may be; default 20,000. With the 30 s that a shared cache may hold
   * a manifest, a compromise is known within a minute of its publication.
   */
  readonly maxAgeMs?: number;
  /** Milliseconds until a read is given up; default 2,000. A verification waits no longer than this, for one read. */
  readonly timeoutMs?: number;
}

/** With a code of MANIFEST_CODES where there is no manifest to verify with. */
export type VerifierResult =
  | VerificationResult
  | { readonly valid: false; readonly code: ManifestCode; readonly detail: string };

export interface Verifier {
  /** Says whether a document holds now, for this scope. Rejects for no reason that lies in the document or the network. */
  verify(document: string | JsonObject, options?: { readonly scope?: Scope }): Promise<VerifierResult>;
  /**
   * Why `stored` was not used, why the last read brought nothing, or why a manifest was not kept; undefined when all is
   * well. A verifier with a problem may still verify, with the manifest at hand.
   */
  readonly problem: ReadProblem | KeepProblem | undefined;
}

const DEFAULT_MAX_AGE_MS = 20_000;
const DEFAULT_TIMEOUT_MS = 2_000;

/** A newer manifest may know the key, or be in force. */
const READ_AGAIN_AFTER: ReadonlySet<string> = new Set(['unknown_key', 'manifest_expired']);

/**
 * Starts with `stored` and reads nothing yet.
 *
 * - A verification reads the manifest first where the last successful read is older than `maxAgeMs`; those at the same time
 *   share one read. After `unknown_key` it reads once more, at most each 5 s in all.
 * - A read that fails, or brings a manifest that is wrong, older or another one of the same version, changes nothing: the
 *   manifest at hand holds until its own `exp`. The next read is 3 s later, then 6, up to `maxAgeMs` (at least 3 s, at most
 *   30 s); verifications in between do not wait.
 * - Without a manifest that is in force every document is refused: `manifest_unavailable`, or the code of the manifest.
 * - A clock that is set makes the next verification read. Setting it back prolongs no manifest while reads fail.
 *
 * @throws TypeError when `baseUrl` is no URL
 */
export async function createVerifier(options: VerifierOptions): Promise<Verifier> {
  const { root, stored, onManifest, now = () => Date.now() } = options;
  const { maxAgeMs = DEFAULT_MAX_AGE_MS, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const fetchManifest =
    options.fetchManifest === undefined ? manifestOverHttp(options.baseUrl) : options.fetchManifest;
  const clock = createVerifierClock(now);
  const holding = new ManifestHolding({ root, clock, onManifest });
  const problem = stored === undefined ? undefined : await holding.restore(stored);
  const admit = (text: string) => holding.admit(text);
  const reading = new ManifestReading({ clock, fetchManifest, maxAgeMs, timeoutMs, admit, problem });

  async function judge(document: string | JsonObject, scope: Scope): Promise<VerifierResult> {
    const manifest = (await holding.current()) ?? refusal(reading.problem);
    return manifest.valid ? verifyDocument(document, { keys: manifest.keys, now: now(), scope }) : manifest;
  }

  return {
    async verify(document, { scope = {} } = {}) {
      const hasRead = await reading.readIfDue();
      const verdict = await judge(document, scope);
      if (hasRead || verdict.valid || !READ_AGAIN_AFTER.has(verdict.code)) return verdict;
      return (await reading.readAgain()) ? judge(document, scope) : verdict;
    },
    get problem() {
      return reading.problem ?? holding.keepProblem;
    },
  };
}

function refusal({ code, detail }: ReadProblem = problemOf('manifest_unavailable')) {
  return { valid: false, code, detail } as const;
}
