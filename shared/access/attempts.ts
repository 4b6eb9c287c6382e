/** The failed attempts that one instance remembers. */
import { REMEMBERED_ATTEMPTS } from '../constants.ts';
import { afterFailure, type Failures, secondsToWait } from '../decide/attempts.ts';

/** What an attempt counts for, by name, and the failures that are looked at there. */
export type Watch = Readonly<Record<string, number>>;

export interface Attempts {
  secondsToWait(watch: Watch, now: number): number | undefined;
  fail(watch: Watch, now: number): void;
}

/** Bounded: beyond `REMEMBERED_ATTEMPTS` names the one that failed longest ago is forgotten. */
export function rememberAttempts(): Attempts {
  const byName = new Map<string, Failures>();
  return {
    secondsToWait: (watch, now) =>
      secondsToWait(
        Object.entries(watch).map(([name, limit]) => ({ failures: byName.get(name), limit })),
        now,
      ),
    fail(watch, now) {
      for (const name of Object.keys(watch)) {
        const failures = afterFailure(byName.get(name), now);
        byName.delete(name);
        byName.set(name, failures);
        const [oldest] = byName.size > REMEMBERED_ATTEMPTS ? byName.keys() : [];
        if (oldest !== undefined) byName.delete(oldest);
      }
    },
  };
}
