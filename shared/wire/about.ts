/** Answers of the endpoints that every function has, and the problem document. */
import { z } from 'zod';
import { ERRORS } from '../errors.ts';
import { HEALTH, INFO } from './examples/service.ts';

export const healthResponse = z
  .object({
    status: z.literal('ok'),
    version: z.string(),
    environment: z.string().meta({ description: '`NODE_ENV` of the service.' }),
    store: z.literal('ok'),
  })
  .meta({ id: 'HealthResponse', example: HEALTH });

export const infoResponse = z
  .object({
    name: z.string().meta({ description: 'Which function answers.' }),
    version: z.string(),
    issuer: z.string().meta({ description: 'The `issuer` of the documents that it signs.' }),
    environment: z.string(),
    active_key_ids: z.array(z.string()).meta({ description: 'The `kid` of each key that signs.' }),
  })
  .meta({ id: 'InfoResponse', example: INFO });

/** Too large a thing to describe here: OpenAPI describes itself elsewhere. */
export const openApiResponse = z
  .looseObject({ openapi: z.string(), info: z.looseObject({}), paths: z.looseObject({}) })
  .meta({
    id: 'OpenApiDocument',
    description: 'OpenAPI 3.1: https://spec.openapis.org/oas/v3.1.0',
    example: {
      openapi: '3.1.0',
      info: { title: 'Countersign' },
      servers: [{ url: '/' }],
      tags: [],
      paths: {},
      components: {},
    },
  });

export const problem = z
  .looseObject({
    type: z.string().meta({ description: 'Where the code is explained.' }),
    title: z.string().meta({ description: 'The same for each problem with this code.' }),
    status: z.int().meta({ description: 'The HTTP status.' }),
    detail: z.string().meta({ description: 'What to do, for people.' }),
    code: z.enum(Object.keys(ERRORS) as [string, ...string[]]),
    request_id: z.string().meta({ description: '`X-Request-Id`, for whoever reads the log.' }),
    errors: z
      .array(z.object({ pointer: z.string().meta({ description: 'RFC 6901' }), detail: z.string() }))
      .optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457. Further members depend on the code.' });
