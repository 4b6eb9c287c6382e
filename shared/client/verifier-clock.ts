/** Time as a verifier measures it: on two clocks, because each of them can be wrong in its own way. */

/** The wall clock can be set, and the monotonic one may stand still while the machine sleeps. Both in milliseconds. */
export interface Instant {
  readonly wall: number;
  readonly monotonic: number;
}

export interface VerifierClock {
  mark(): Instant;
  /** Milliseconds by the clock that went further; a wall clock that was set, either way, counts as time that passed. */
  elapsedMs(since: Instant): number;
  /** The wall clock, or where it would be had nobody set it back since then. NaN when it is no number. */
  wallSince(since: Instant): number;
}

/** @param now milliseconds since the epoch */
export function createVerifierClock(now: () => number): VerifierClock {
  const monotonicSince = (since: Instant) => performance.now() - since.monotonic;
  return {
    mark: () => ({ wall: now(), monotonic: performance.now() }),
    elapsedMs(since) {
      const [wall, monotonic] = [Math.abs(now() - since.wall), monotonicSince(since)];
      // Written so that a wall clock that is no number leaves the monotonic one.
      return wall > monotonic ? wall : monotonic;
    },
    wallSince: (since) => Math.max(now(), since.wall + monotonicSince(since)),
  };
}
