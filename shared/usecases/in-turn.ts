/** Work that would only get in its own way: of one process one at a time, in the order in which it was asked for. */
import type { Clock } from '../ports/clock.ts';

const lasts = new WeakMap<object, Promise<void>>();

/**
 * Waits for the work that was asked for before on the same `subject`, though not for longer than `limitMs`: this saves lost
 * races, and nothing depends on it.
 */
export async function inTurn<T>(
  clock: Pick<Clock, 'pause'>,
  subject: object,
  limitMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const before = lasts.get(subject);
  const turn = Promise.withResolvers<void>();
  lasts.set(subject, turn.promise);
  try {
    if (before !== undefined) await Promise.race([before, clock.pause(limitMs)]);
    return await work();
  } finally {
    turn.resolve();
    if (lasts.get(subject) === turn.promise) lasts.delete(subject);
  }
}
