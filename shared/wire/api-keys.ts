/** Operators' API keys. */
import { z } from 'zod';
import { SCOPE_NAMES } from '../access/scopes.ts';
import { customerId } from './customers.ts';
import { API_KEYS, CREATED_API_KEY, REVOKED_API_KEY } from './examples/operators.ts';
import { instant } from './instant.ts';
import { damagedAnswer, depthProblem, pagingAnswer, pagingQuery } from './paging.ts';
import { text } from './text.ts';

const details = {
  name: text.meta({ description: 'What it is for.' }),
  scopes: z.array(z.enum(SCOPE_NAMES)).meta({ description: 'What it opens; none includes another.' }),
  customer_id: customerId
    .nullable()
    .meta({ description: 'The only customer whose objects it opens; null for all.' }),
  expires_at: instant
    .nullable()
    .meta({ description: 'The first instant at which it opens nothing; null for never.' }),
};

export const createApiKeyRequest = z
  .object({
    name: details.name,
    scopes: details.scopes
      .min(1)
      .refine((scopes) => new Set(scopes).size === scopes.length, { error: 'must name each scope once' }),
    customer_id: details.customer_id.default(null),
    expires_at: details.expires_at.optional().meta({
      description:
        'The first instant at which it opens nothing; null for never. Left out, it ends with the key that makes it.',
    }),
  })
  .meta({
    id: 'CreateApiKeyRequest',
    example: { name: 'shop', scopes: ['licenses:write', 'customers:read'], customer_id: null },
  });

export type CreateApiKeyRequest = z.output<typeof createApiKeyRequest>;

export const apiKey = z
  .object({
    prefix: z.string().meta({ description: 'The beginning of the key; it names the key and opens nothing.' }),
    ...details,
    created_at: instant,
    revoked_at: instant.nullable().meta({ description: 'Null while it is not.' }),
    last_used_at: instant
      .nullable()
      .meta({ description: 'At most some minutes old; null when it never was.' }),
  })
  .meta({ id: 'ApiKey', example: REVOKED_API_KEY });

export type ApiKey = z.infer<typeof apiKey>;

export const createdApiKey = apiKey
  .extend({
    api_key: z.string().meta({
      description: 'In this answer alone, and in that to the same request under its Idempotency-Key.',
    }),
  })
  .meta({ id: 'CreatedApiKey', example: CREATED_API_KEY });

export const listApiKeysQuery = z
  .strictObject(pagingQuery)
  .refine((paging) => depthProblem(paging) === undefined, {
    error: 'reaches too deep; pages end at the 10000th item',
  });

export const listApiKeysResponse = z
  .object({ api_keys: z.array(apiKey), ...pagingAnswer, ...damagedAnswer })
  .meta({ id: 'ListApiKeysResponse', example: API_KEYS });
