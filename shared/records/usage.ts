/**
 * `usage/{L}_{H}_{generation}`: one immutable interval per ended session, written in the commit that ends it.
 * The id is a function of the session, so writing it twice changes nothing.
 */
import { z } from 'zod';
import { instant } from './instant.ts';

/**
 * `withdrawn`: committed, and taken back before any client was told, because the licence had changed meanwhile. The
 * others say who or what ended the session; of a lease that ran out, what kept it from being extended.
 */
export const endReason = z.enum([
  'released',
  'expired',
  'revoked',
  'suspended',
  'license_expired',
  'withdrawn',
]);

export const usageRecord = z.object({
  license_id: z.string(),
  customer_id: z.string(),
  product: z.string(),
  seat: z.int().nonnegative().nullable(),
  borrowed: z.boolean(),
  started_at: instant,
  /** Never before `started_at` and never after the end of the last lease. */
  ended_at: instant,
  reason: endReason,
});

export type EndReason = z.infer<typeof endReason>;
export type UsageRecord = z.infer<typeof usageRecord>;
