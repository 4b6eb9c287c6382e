/** When a verifier reads the manifest: once for all who wait, seldom while it fails. */
import { MANIFEST_CODES, type ManifestCode } from './manifest.ts';
import type { Instant, VerifierClock } from './verifier-clock.ts';
import { type FetchManifest, fetchWithin } from './verifier-fetch.ts';

/** Why a manifest was not taken over. */
export interface ReadProblem {
  readonly code: ManifestCode;
  readonly detail: string;
  readonly cause?: unknown;
}

export interface ReadingOptions {
  readonly clock: VerifierClock;
  readonly fetchManifest: FetchManifest;
  readonly maxAgeMs: number;
  readonly timeoutMs: number;
  /** Takes a manifest over, or says why not. */
  readonly admit: (text: string) => Promise<ReadProblem | undefined>;
  /** What went wrong before the first read. */
  readonly problem: ReadProblem | undefined;
}

/** Longer than a blip, shorter than anybody waits for a licence. Each further failure doubles it. */
const FIRST_PAUSE_MS = 3_000;
/** A client whose `maxAgeMs` is longer still notices within this time that the service is back. */
const LONGEST_PAUSE_MS = 30_000;
/** Whoever sends documents of unknown keys makes a client ask this often, and no oftener. */
const READ_AGAIN_MS = 5_000;

export class ManifestReading {
  /** Why the last read brought nothing; undefined after one that did. */
  problem: ReadProblem | undefined;
  readonly #options: ReadingOptions;
  #reading: Promise<void> | undefined;
  /** When the last read that succeeded was begun: what it brought is no older than that. */
  #checkedAt: Instant | undefined;
  #failedAt: Instant | undefined;
  #failures = 0;
  #readAgainAt: Instant | undefined;

  constructor(options: ReadingOptions) {
    this.#options = options;
    this.problem = options.problem;
  }

  /** Reads where the last successful read is too old. Resolves to whether it did; never rejects. */
  async readIfDue(): Promise<boolean> {
    const isDue = !this.#isWithin(this.#options.maxAgeMs, this.#checkedAt);
    if (!isDue || this.#isPausing()) return false;
    return this.#read();
  }

  /** Reads ahead of time, but not often. Resolves to whether it did; never rejects. */
  async readAgain(): Promise<boolean> {
    if (this.#reading === undefined) {
      if (this.#isPausing() || this.#isWithin(READ_AGAIN_MS, this.#readAgainAt)) return false;
      this.#readAgainAt = this.#options.clock.mark();
    }
    return this.#read();
  }

  async #read(): Promise<true> {
    this.#reading ??= this.#attempt().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
    return true;
  }

  async #attempt(): Promise<void> {
    const { clock } = this.#options;
    const begunAt = clock.mark();
    this.problem = await this.#fetchAndAdmit();
    if (this.problem === undefined) {
      this.#checkedAt = begunAt;
      this.#failures = 0;
    } else {
      this.#failedAt = clock.mark();
      this.#failures += 1;
    }
  }

  async #fetchAndAdmit(): Promise<ReadProblem | undefined> {
    const { fetchManifest, timeoutMs, admit } = this.#options;
    let text: string;
    try {
      text = await fetchWithin(timeoutMs, fetchManifest);
    } catch (cause) {
      return { ...problemOf('manifest_unavailable'), cause };
    }
    return admit(text);
  }

  #isPausing(): boolean {
    if (this.#failures === 0) return false;
    const longest = Math.max(FIRST_PAUSE_MS, Math.min(this.#options.maxAgeMs, LONGEST_PAUSE_MS));
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), longest);
    return this.#isWithin(pauseMs, this.#failedAt);
  }

  #isWithin(milliseconds: number, since: Instant | undefined): boolean {
    return since !== undefined && this.#options.clock.elapsedMs(since) < milliseconds;
  }
}

export function problemOf(code: ManifestCode, detail: string = MANIFEST_CODES[code]): ReadProblem {
  return { code, detail };
}
