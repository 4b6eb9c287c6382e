/**
 * Verification of sessions' documents and of issued licences with nothing pinned but the root key. The verifier keeps a
 * manifest, reads a newer one when it should, and verifies with its keys. Runs in Node and in browsers.
 *
 * @example
 * const verifier = await createVerifier({
 *   root: await importVerificationKey(ROOT_JWK),
 *   baseUrl: 'http://127.0.0.1:8080',
 *   stored: localStorage.getItem('manifest') ?? undefined,
 *   onManifest: (text) => localStorage.setItem('manifest', text),
 * });
 * const result = await verifier.verify(document, { scope: { product: 'demo' } });
 * const issued = await verifier.verifyLicense(blob, { scope: { name: 'Ada Lovelace', email: 'ada@example.com' } });
 */
import type { JsonObject } from '../canonical/strict-json.ts';
import type { Scope } from '../decide/scope.ts';
import { recognizeIssued } from '../formats/issued.ts';
import type { ManifestResult } from './manifest.ts';
import { createVerifierClock } from './verifier-clock.ts';
import { type FetchManifest, manifestOverHttp } from './verifier-fetch.ts';
import { type KeepProblem, ManifestHolding, type OnManifest } from './verifier-holding.ts';
import { ManifestReading, problemOf, type ReadProblem } from './verifier-reading.ts';
import { type VerificationKey, type VerificationResult, verifyDocument } from './verify.ts';
import { type LicenseScope, type LicenseVerification, verifyLicense } from './verify-license.ts';

export type VerifierOptions = CommonOptions & ManifestSource;

/** The service, or another way to a manifest: a file, a proxy. */
type ManifestSource =
  | { readonly baseUrl: string; readonly fetchManifest?: undefined }
  | { readonly fetchManifest: FetchManifest; readonly baseUrl?: undefined };

interface CommonOptions {
  /** The pinned root key. */
  readonly root: VerificationKey;
  /**
   * Whom manifests and documents of our keys have to name: the service's `ISSUER`. Absent, they may name any, which is for a
   * root key that signs for one service alone.
   */
  readonly issuer?: string | undefined;
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

/** There is no manifest to verify with. */
type ManifestRefusal = Extract<ManifestResult, { readonly valid: false }>;

export type VerifierResult = VerificationResult | ManifestRefusal;
export type LicenseVerifierResult = LicenseVerification | ManifestRefusal;

export interface Verifier {
  /** Says whether a document holds now, for this scope. Rejects for no reason that lies in the document or the network. */
  verify(document: string | JsonObject, options?: { readonly scope?: Scope }): Promise<VerifierResult>;
  /** The same of a licence that was issued as text: AEGIS, CAIO v2, DTLIC2. */
  verifyLicense(text: string, options?: { readonly scope?: LicenseScope }): Promise<LicenseVerifierResult>;
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
/** The same of a licence that names no key: the signature of an unknown one fits none. */
const READ_AGAIN_WITHOUT_KID: ReadonlySet<string> = new Set([...READ_AGAIN_AFTER, 'signature_invalid']);

/**
 * Starts with `stored` and reads nothing yet.
 *
 * - A verification reads the manifest first where the last successful read is older than `maxAgeMs`; those at the same time
 *   share one read. After `unknown_key` it reads once more, at most each 5 s in all; of a CAIO v2 licence, which names no
 *   key, also after `signature_invalid`.
 * - A read that fails, or brings a manifest that is wrong, older or another one of the same version, changes nothing: the
 *   manifest at hand holds until its own `exp`. The next read is 3 s later, then 6, up to `maxAgeMs` (at least 3 s, at most
 *   30 s); verifications in between do not wait.
 * - Without a manifest that is in force every document is refused: `manifest_unavailable`, or the code of the manifest.
 * - A clock that is set makes the next verification read. Setting it back prolongs no manifest while reads fail.
 *
 * @throws TypeError when `baseUrl` is no URL
 */
export async function createVerifier(options: VerifierOptions): Promise<Verifier> {
  const { root, issuer, stored, onManifest, now = () => Date.now() } = options;
  const { maxAgeMs = DEFAULT_MAX_AGE_MS, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const fetchManifest =
    options.fetchManifest === undefined ? manifestOverHttp(options.baseUrl) : options.fetchManifest;
  const clock = createVerifierClock(now);
  const holding = new ManifestHolding({ root, issuer, clock, onManifest });
  const problem = stored === undefined ? undefined : await holding.restore(stored);
  const admit = (text: string) => holding.admit(text);
  const reading = new ManifestReading({ clock, fetchManifest, maxAgeMs, timeoutMs, admit, problem });

  async function judge<Verdict>(verify: Verify<Verdict>): Promise<Verdict | ManifestRefusal> {
    const manifest = (await holding.current()) ?? refusal(reading.problem);
    return manifest.valid ? verify({ keys: manifest.keys, now: now(), issuer }) : manifest;
  }

  async function judgeWithNewest<Verdict extends Judgement>(
    verify: Verify<Verdict>,
    readAgainAfter = READ_AGAIN_AFTER,
  ): Promise<Verdict | ManifestRefusal> {
    const hasRead = await reading.readIfDue();
    const verdict = await judge(verify);
    if (hasRead || verdict.valid || !readAgainAfter.has(verdict.code)) return verdict;
    return (await reading.readAgain()) ? judge(verify) : verdict;
  }

  return {
    verify: (document, { scope = {} } = {}) =>
      judgeWithNewest((trust) => verifyDocument(document, { ...trust, scope })),
    verifyLicense: (text, { scope = {} } = {}) =>
      judgeWithNewest(
        (trust) => verifyLicense(text, { ...trust, scope }),
        recognizeIssued(text)?.name === 'caio-v2' ? READ_AGAIN_WITHOUT_KID : READ_AGAIN_AFTER,
      ),
    get problem() {
      return reading.problem ?? holding.keepProblem;
    },
  };
}

interface Trust {
  readonly keys: Extract<ManifestResult, { readonly valid: true }>['keys'];
  readonly now: number;
  readonly issuer: string | undefined;
}

type Verify<Verdict> = (trust: Trust) => Promise<Verdict>;
type Judgement = { readonly valid: true } | { readonly valid: false; readonly code: string };

function refusal({ code, detail }: ReadProblem = problemOf('manifest_unavailable')) {
  return { valid: false, code, detail } as const;
}
