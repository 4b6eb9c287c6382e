/** `audit/{event}`: what an operator did, written in the same commit as its effect. It holds no secret. */
import { z } from 'zod';

export const auditRecord = z.object({
  at: z.int().nonnegative(),
  /** Who, as the operator's machine or the caller's credentials name them. */
  actor: z.string(),
  /** `keys.activate`, say. */
  action: z.string(),
  /** What it was done to: a kid, a licence id. */
  target: z.string(),
  before: z.json(),
  after: z.json(),
});
