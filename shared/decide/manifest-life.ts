/** How much of its life a published manifest has left, and so whether it is time to publish the next one. */
import type { ManifestRecord } from '../records/manifest.ts';

/**
 * - `fresh`: half of its life or more is left;
 * - `renew`: less than half, so the job that publishes has failed, or there is none;
 * - `ending`: less than a third;
 * - `over`: every client that pins the root refuses it, and with it every document.
 */
export type ManifestLife = 'fresh' | 'renew' | 'ending' | 'over';

/** @param now milliseconds since the epoch, by which a client counts too: it is over at and after its end */
export function manifestLife(
  { published_at, expires_at }: Pick<ManifestRecord, 'published_at' | 'expires_at'>,
  now: number,
): ManifestLife {
  const [life, left] = [expires_at - published_at, expires_at - now];
  // Written so that a clock that is no number asks for an operator.
  if (!(left > 0)) return 'over';
  if (left < life / 3) return 'ending';
  return left < life / 2 ? 'renew' : 'fresh';
}
