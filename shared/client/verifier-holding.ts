/** The manifest that a verifier has at hand: which one replaces it, how long it is trusted, how it is kept. */
import { manifest } from '../formats/manifest.ts';
import { manifestPayload } from '../wire/manifest.ts';
import { type ManifestOptions, type ManifestResult, verifyManifest } from './manifest.ts';
import type { Instant, VerifierClock } from './verifier-clock.ts';
import { problemOf, type ReadProblem } from './verifier-reading.ts';
import type { VerificationKey } from './verify.ts';

/** Told of each newer manifest: its text, to be given as `stored` after a restart, and its version. */
export type OnManifest = (text: string, version: number) => void | Promise<void>;

/** The application could not keep a manifest. It is in use all the same. */
export interface KeepProblem {
  readonly code: 'manifest_not_kept';
  readonly detail: string;
  readonly cause: unknown;
}

interface Held {
  readonly text: string;
  readonly version: number;
  /** When it was last found right. */
  readonly seenAt: Instant;
  /** Absent where it is genuine but was not for that time. */
  readonly trusted?: ValidManifest;
}

type ValidManifest = Extract<ManifestResult, { valid: true }>;

export interface HoldingOptions {
  readonly root: VerificationKey;
  /** Whom a manifest has to name; absent, it may name any. */
  readonly issuer?: string | undefined;
  readonly clock: VerifierClock;
  readonly onManifest?: OnManifest | undefined;
}

export class ManifestHolding {
  /** Undefined once a manifest was kept. */
  keepProblem: KeepProblem | undefined;
  readonly #options: HoldingOptions;
  #held: Held | undefined;
  #keptText: string | undefined;
  #keeping = Promise.resolve();

  constructor(options: HoldingOptions) {
    this.#options = options;
  }

  /**
   * Takes over what was kept before a restart. A manifest that is genuine but not for this time is not used and still
   * bars older ones: it may have been the one that announced a compromise.
   */
  async restore(text: string): Promise<ReadProblem | undefined> {
    const { root, issuer, clock } = this.#options;
    const seenAt = clock.mark();
    const trusted = await check(text, { root, issuer, now: seenAt.wall });
    this.#keptText = text;
    if (trusted.valid) {
      this.#held = { text, version: trusted.version, seenAt, trusted };
      return undefined;
    }
    if (isOutOfTime(trusted)) {
      const asSigned = await check(text, { root, issuer, now: signedAt(text) });
      if (asSigned.valid) this.#held = { text, version: asSigned.version, seenAt };
    }
    return trusted;
  }

  /** Takes over what was read, unless it is wrong or not newer than what is at hand. */
  async admit(text: string): Promise<ReadProblem | undefined> {
    const { root, issuer, clock } = this.#options;
    const seenAt = clock.mark();
    const minimumVersion = this.#held?.version ?? 0;
    const trusted = await check(text, { root, issuer, now: seenAt.wall, minimumVersion });
    if (!trusted.valid) return trusted;
    const { version } = trusted;
    // Which of the two is right cannot be known, and whoever has both could go back and forth between them.
    if (version === this.#held?.version && text !== this.#held.text)
      return problemOf('manifest_outdated', `Another manifest of version ${version} was seen before.`);
    this.#held = { text, version, seenAt, trusted };
    if (text !== this.#keptText) this.#keep(text, version);
    return undefined;
  }

  /** The manifest at hand, in force or not, to be restored the next time. */
  get text(): string | undefined {
    return this.#held?.text;
  }

  /** What the manifest at hand says now; undefined when there is none. */
  async current(): Promise<ManifestResult | undefined> {
    if (this.#held === undefined) return undefined;
    const { text, seenAt, trusted } = this.#held;
    const now = this.#options.clock.wallSince(seenAt);
    if (trusted !== undefined && now < trusted.expiresAt) return trusted;
    const { root, issuer } = this.#options;
    return verifyManifest(text, { root, issuer, now });
  }

  /** One after the other, so that the newest is kept last however long each takes. */
  #keep(text: string, version: number): void {
    this.#keptText = text;
    this.#keeping = this.#keeping
      .then(() => this.#options.onManifest?.(text, version))
      .then(() => {
        this.keepProblem = undefined;
      })
      .catch((cause: unknown) => {
        // The next read that finds it current has it kept again.
        if (this.#keptText === text) this.#keptText = undefined;
        const detail = `The application did not keep manifest ${version}.`;
        this.keepProblem = { code: 'manifest_not_kept', detail, cause };
      });
  }
}

type Checked = ValidManifest | (ReadProblem & { readonly valid: false });

/** A platform may lack the algorithm of a key: that is no reason to go on without the manifest at hand. */
async function check(text: string, options: ManifestOptions): Promise<Checked> {
  try {
    return await verifyManifest(text, options);
  } catch (cause) {
    const detail = 'The manifest could not be checked here.';
    return { valid: false, ...problemOf('manifest_unavailable', detail), cause };
  }
}

const isOutOfTime = ({ code }: ReadProblem) =>
  code === 'manifest_expired' || code === 'manifest_not_yet_valid';

/** @throws when it is no manifest */
const signedAt = (text: string) => manifestPayload.parse(manifest.decode(text).payload).iat * 1000;
