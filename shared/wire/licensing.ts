/** Requests and answers of the clients of CAIO licences, and of operators about their activations. */
import { z } from 'zod';
import { MAX_LICENSE_CHARACTERS } from '../constants.ts';
import { depthProblem, pagingAnswer, pagingQuery } from './paging.ts';

const instant = z.iso.datetime({ offset: true });
const count = z.int().nullable();

export const licensingRequest = z
  .object({
    license_key: z
      .string()
      .min(1)
      .max(MAX_LICENSE_CHARACTERS)
      .meta({ description: 'The licence: the text that begins with `CAIO-v2-`, or `CAIO-v1-`.' }),
  })
  .meta({ id: 'LicensingRequest', example: { license_key: 'CAIO-v2-acme-…' } });

const term = {
  expires_at: instant.nullable().meta({ description: 'It holds before this instant; null for ever.' }),
  days_left: z.int().nullable().meta({ description: 'Begun days until then; 0 when it is over.' }),
};

export const licensingResponse = z
  .object({
    valid: z.boolean().meta({ description: 'Whether the licence holds, activated here or not.' }),
    code: z.string().nullable().meta({ description: 'Why not: a code of docs/errors.md.' }),
    error: z.string().nullable().meta({ description: 'The same as a sentence.' }),
    activated: z.boolean().meta({ description: 'Whether the instance that asks is one of the licence’s.' }),
    customer_id: z.string().nullable(),
    license_type: z.string().nullable(),
    features: z.array(z.string()).nullable(),
    limits: z
      .object({ max_instances: count, max_services: count, max_requests_per_day: count })
      .nullable()
      .meta({ description: 'A number that is null is not limited.' }),
    ...term,
    instances_in_use: z.int(),
    first_seen_at: instant.nullable().meta({ description: 'When this instance was activated.' }),
    last_seen_at: instant.nullable(),
  })
  .meta({ id: 'LicensingResponse' });

export const licensingRenewResponse = z
  .object({
    license_key: z.string().meta({ description: 'The newest text of the licence.' }),
    renewed: z.boolean().meta({ description: 'Whether it is another one than was sent.' }),
    ...term,
  })
  .meta({ id: 'LicensingRenewResponse' });

export const licensingDeactivateResponse = z
  .object({
    deactivated: z.boolean().meta({ description: 'False when the instance was not activated.' }),
  })
  .meta({ id: 'LicensingDeactivateResponse' });

export const activation = z
  .object({
    instance: z.string().meta({ description: 'The hash of what the instance calls itself.' }),
    live: z.boolean().meta({ description: 'False of one beyond the number, after that was lowered.' }),
    format: z.string(),
    key_id: z.string().nullable(),
    first_seen_at: instant,
    last_seen_at: instant,
  })
  .meta({ id: 'Activation' });

export const listActivationsQuery = z
  .strictObject(pagingQuery)
  .refine((paging) => depthProblem(paging) === undefined, {
    error: 'reaches too deep; pages end at the 10000th item',
  });

export const listActivationsResponse = z
  .object({ activations: z.array(activation), max_instances: count, ...pagingAnswer })
  .meta({ id: 'ListActivationsResponse' });

export const endActivationResponse = z
  .object({ message: z.string(), license_id: z.string(), instance: z.string() })
  .meta({ id: 'EndActivationResponse' });
