/** Maintenance over HTTP: what the scheduler sends and what it is answered. */
import { z } from 'zod';
import { SWEEP } from './examples/service.ts';

export const sweepRequest = z.object({}).meta({ id: 'SweepRequest', example: {} });

const count = z.int().nonnegative();

export const sweepReport = z
  .object({
    sessions_ended: count.meta({ description: 'Sessions whose lease was over, ended and accounted for.' }),
    idempotency_keys_forgotten: count,
    licenses_looked_at: count.meta({ description: 'Licences whose seats were lowered and are not settled.' }),
    left: count.meta({
      description: 'Changed by another request first, or not confirmed: for the next sweep.',
    }),
    damaged: count.meta({ description: 'Records that cannot be read. The operator has to look at them.' }),
    complete: z.boolean().meta({ description: 'False when the time was up first: call again.' }),
  })
  .meta({ id: 'SweepReport', example: SWEEP });

export type SweepReport = z.infer<typeof sweepReport>;
