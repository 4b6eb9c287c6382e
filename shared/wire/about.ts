/** Answers of the endpoints that every function has, and the problem document. */
import { z } from 'zod';
import { ERRORS } from '../errors.ts';

export const healthResponse = z
  .object({
    status: z.literal('ok'),
    version: z.string(),
    environment: z.string(),
    store: z.literal('ok'),
  })
  .meta({ id: 'HealthResponse' });

export const infoResponse = z
  .object({
    name: z.string(),
    version: z.string(),
    issuer: z.string(),
    environment: z.string(),
    active_key_ids: z.array(z.string()),
  })
  .meta({ id: 'InfoResponse' });

export const problem = z
  .looseObject({
    type: z.string().meta({ description: 'Where the code is explained.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(ERRORS) as [string, ...string[]]),
    request_id: z.string(),
    errors: z
      .array(z.object({ pointer: z.string().meta({ description: 'RFC 6901' }), detail: z.string() }))
      .optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457. Further members depend on the code.' });
