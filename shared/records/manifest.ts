/** `signing_keys/manifest`: the key manifest that was published last, as it is served. */
import { z } from 'zod';

const instant = z.int().nonnegative();

export const manifestRecord = z.object({
  version: z.int().positive(),
  /** The JWS. */
  token: z.string(),
  published_at: instant,
  expires_at: instant,
});
