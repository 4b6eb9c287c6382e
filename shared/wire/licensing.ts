/** Requests and answers of the clients of CAIO licences, and of operators about their activations. */
import { z } from 'zod';
import { MAX_LICENSE_CHARACTERS } from '../constants.ts';
import { ACTIVATIONS, ENDED_ACTIVATION, LICENSING, LICENSING_RENEW } from './examples/licensing.ts';
import { CAIO_TEXT } from './examples/values.ts';
import { instant } from './instant.ts';
import { damagedAnswer, depthProblem, pagingAnswer, pagingQuery } from './paging.ts';

const count = z.int().nullable();

export const licensingRequest = z
  .object({
    license_key: z
      .string()
      .min(1)
      .max(MAX_LICENSE_CHARACTERS)
      .meta({ description: 'The licence: the text that begins with `CAIO-v2-`, or `CAIO-v1-`.' }),
  })
  .meta({ id: 'LicensingRequest', example: { license_key: CAIO_TEXT } });

export const licensingRenewRequest = z
  .object({
    license_key: z.string().min(1).max(MAX_LICENSE_CHARACTERS).meta({
      description: 'The licence: the text that begins with `CAIO-v2-`, `DTLIC2:` or, of AEGIS, `eyJ`.',
    }),
  })
  .meta({ id: 'LicensingRenewRequest', example: { license_key: CAIO_TEXT } });

const term = {
  expires_at: instant.nullable().meta({ description: 'It holds before this instant; null for ever.' }),
  days_left: z.int().nullable().meta({ description: 'Begun days until then; 0 when it is over.' }),
};

/** What the licence says. */
const OF_GENUINE = { description: 'Null when the licence is not genuine.' };

export const licensingResponse = z
  .object({
    valid: z.boolean().meta({ description: 'Whether the licence holds, activated here or not.' }),
    code: z.string().nullable().meta({
      description: 'Why not: a code of docs/errors.md. Of a valid `CAIO-v1` licence `legacy_accepted`.',
    }),
    error: z.string().nullable().meta({ description: 'The same as a sentence.' }),
    activated: z.boolean().meta({ description: 'Whether the instance that asks is one of the licence’s.' }),
    customer_id: z.string().nullable().meta(OF_GENUINE),
    license_type: z.string().nullable().meta(OF_GENUINE),
    features: z.array(z.string()).nullable().meta(OF_GENUINE),
    limits: z
      .object({ max_instances: count, max_services: count, max_requests_per_day: count })
      .nullable()
      .meta({ description: 'A number that is null is not limited.' }),
    ...term,
    instances_in_use: z.int(),
    first_seen_at: instant.nullable().meta({ description: 'When this instance was activated.' }),
    last_seen_at: instant
      .nullable()
      .meta({ description: 'When it last said so, at most some time ago; null when it is not.' }),
  })
  .meta({ id: 'LicensingResponse', example: LICENSING });

export const licensingRenewResponse = z
  .object({
    license_key: z
      .string()
      .meta({ description: 'The newest document of the licence, in the format that was sent.' }),
    renewed: z.boolean().meta({ description: 'Whether it is another one than was sent.' }),
    ...term,
  })
  .meta({ id: 'LicensingRenewResponse', example: LICENSING_RENEW });

export const licensingDeactivateResponse = z
  .object({
    deactivated: z.boolean().meta({ description: 'False when the instance was not activated.' }),
  })
  .meta({ id: 'LicensingDeactivateResponse', example: { deactivated: true } });

export const activation = z
  .object({
    instance: z.string().meta({ description: 'The hash of what the instance calls itself.' }),
    live: z.boolean().meta({ description: 'False of one beyond the number, after that was lowered.' }),
    format: z.string(),
    key_id: z.string().nullable().meta({ description: 'The key that vouched; null of `caio-v1`.' }),
    first_seen_at: instant.meta({ description: 'When it was activated.' }),
    last_seen_at: instant,
  })
  .meta({ id: 'Activation' });

export const listActivationsQuery = z
  .strictObject(pagingQuery)
  .refine((paging) => depthProblem(paging) === undefined, {
    error: 'reaches too deep; pages end at the 10000th item',
  });

export const listActivationsResponse = z
  .object({
    activations: z.array(activation),
    max_instances: count.meta({ description: 'How many may be; null for any number.' }),
    ...pagingAnswer,
    ...damagedAnswer,
  })
  .meta({ id: 'ListActivationsResponse', example: ACTIVATIONS });

export const endActivationResponse = z
  .object({ message: z.string(), license_id: z.string(), instance: z.string() })
  .meta({ id: 'EndActivationResponse', example: ENDED_ACTIVATION });
