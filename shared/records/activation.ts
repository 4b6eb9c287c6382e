/**
 * `licenses/{L}/activations/{I}`: an installation of a CAIO licence. I is the hash of what it calls itself, so it has at
 * most one. `slots/{n}` beside it is one of the instances that the licence allows.
 */
import { z } from 'zod';
import { instant } from './instant.ts';

export const activationRecord = z.object({
  instance: z.string(),
  /** Null where instances are not counted. */
  slot: z.int().nonnegative().nullable(),
  format: z.enum(['caio-v1', 'caio-v2']),
  /** The key that vouched; null for `caio-v1`, whose keys have no name. */
  kid: z.string().nullable(),
  /** The hash of what is signed. */
  document: z.string(),
  customer_id: z.string().nullable(),
  license_type: z.string(),
  features: z.array(z.string()),
  max_instances: z.int().nullable(),
  max_services: z.int().nullable(),
  max_requests_per_day: z.int().nullable(),
  expires_at: instant.nullable(),
  first_seen_at: instant,
  last_seen_at: instant,
});

export type ActivationRecord = z.infer<typeof activationRecord>;

/** `…/slots/{n}`: the instance that takes the nth of those that the licence allows. Absent means free. */
export const slotRecord = z.object({ instance: z.string() });
