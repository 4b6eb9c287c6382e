/** The key manifest: what the root key signs, so that clients need to know nothing but the root. */
import { z } from 'zod';
import { KEY_STATES } from '../keys/states.ts';

/**
 * One licence key: its JWK while it is published, its state, and until when a retiring one verifies. Of a retired or
 * compromised key the kid is all there is. Members of later releases are kept: they may be part of a JWK.
 */
const manifestKey = z.looseObject({
  kid: z.string().min(1),
  alg: z.string(),
  state: z.enum(KEY_STATES),
  sunset_at: z.iso.datetime({ offset: true }).optional(),
});

/** Of two entries with one kid it would depend on the reader which of them counts, and one may be compromised. */
function haveOneKidEach(keys: readonly { readonly kid: string }[]): boolean {
  return new Set(keys.map(({ kid }) => kid)).size === keys.length;
}

export const manifestPayload = z.object({
  iss: z.string(),
  /** Seconds since the epoch, as RFC 7519 has them. */
  iat: z.int().nonnegative(),
  exp: z.int().nonnegative(),
  /** Only grows: a client refuses one that is lower than what it has seen. */
  version: z.int().positive(),
  keys: z.array(manifestKey).min(1).refine(haveOneKidEach),
});

export type ManifestPayload = z.infer<typeof manifestPayload>;
export type ManifestKey = z.infer<typeof manifestKey>;
