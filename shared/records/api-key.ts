/** `api_keys/{hash}`: an operator's key. Its hash under the pepper is its place, so the key itself is stored nowhere. */
import { z } from 'zod';
import { SCOPE_NAMES } from '../access/scopes.ts';
import { instant } from './instant.ts';

export const apiKeyRecord = z.object({
  /** The beginning of the key, to recognize it by. */
  prefix: z.string(),
  name: z.string(),
  scopes: z.array(z.enum(SCOPE_NAMES)),
  /** The only customer whose objects it opens; null for all. */
  customer_id: z.string().nullable(),
  created_at: instant,
  /** The first instant at which it opens nothing; null is never. */
  expires_at: instant.nullable(),
  revoked_at: instant.nullable(),
  /** At most some minutes old: it is not written with every request. */
  last_used_at: instant.nullable(),
});

export type ApiKeyRecord = z.infer<typeof apiKeyRecord>;
