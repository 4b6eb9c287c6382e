/**
 * `idempotency/{hash of licence, operation and key}`: what was answered to a request that carried an
 * `Idempotency-Key`, written in the same commit as its effect. It holds no licence key: the caller sends it
 * again with the repeated request.
 */
import { z } from 'zod';
import { instant } from './instant.ts';

export const idempotencyRecord = z.object({
  /** Hash of the canonical request body; another body under the same key is a conflict. */
  request_hash: z.string(),
  /** What is needed to give the same answer again. */
  answer: z.record(z.string(), z.json()),
  /** After this instant the key is forgotten. */
  expires_at: instant,
});
