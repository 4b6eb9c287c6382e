/** API keys of operators, for those who may give and take them. */
import type { Ports } from '../../shared/ports/ports.ts';
import { createApiKey } from '../../shared/usecases/create-api-key.ts';
import { listApiKeys } from '../../shared/usecases/list-api-keys.ts';
import { revokeApiKey } from '../../shared/usecases/revoke-api-key.ts';
import {
  apiKey,
  createApiKeyRequest,
  createdApiKey,
  listApiKeysQuery,
  listApiKeysResponse,
} from '../../shared/wire/api-keys.ts';
import { type Endpoint, get, listed, post, remove } from '../http/endpoint.ts';

const REPLAYED = { 'idempotent-replayed': 'true' };

export function accessEndpoints(ports: Ports): Endpoint[] {
  return [
    post({
      operationId: 'createApiKey',
      path: '/api/v1/admin/api-keys',
      summary: 'Create an API key',
      description:
        'The key is in this answer alone. It opens no more than the caller may do, and no longer than the key that makes it.',
      tag: 'access',
      access: 'access:admin',
      request: createApiKeyRequest,
      response: createdApiKey,
      success: 201,
      errors: ['forbidden', 'idempotency_conflict', 'store_unavailable'],
      idempotent: true,
      handle: async ({ caller, idempotencyKey, raw, body }) => {
        const created = await createApiKey(ports, { caller, idempotencyKey, raw, body });
        return {
          body: { ...created.answer, api_key: created.apiKey },
          ...(created.replayed && { headers: REPLAYED }),
        };
      },
    }),
    get({
      operationId: 'listApiKeys',
      path: '/api/v1/admin/api-keys',
      summary: 'List API keys',
      tag: 'access',
      access: 'access:admin',
      query: listApiKeysQuery,
      response: listApiKeysResponse,
      errors: ['store_unavailable'],
      handle: async ({ caller, query }) => listed(await listApiKeys(ports.store, caller, query)),
    }),
    remove({
      operationId: 'revokeApiKey',
      path: '/api/v1/admin/api-keys/{prefix}',
      summary: 'Revoke an API key',
      description: 'It opens nothing from then on. Doing it again changes nothing.',
      tag: 'access',
      access: 'access:admin',
      response: apiKey,
      errors: ['api_key_not_found', 'idempotency_conflict', 'store_unavailable'],
      idempotent: true,
      handle: async ({ caller, idempotencyKey, params }) => {
        const { prefix = '' } = params;
        const { answer, replayed } = await revokeApiKey(ports, { caller, idempotencyKey, prefix });
        return { body: answer, ...(replayed && { headers: REPLAYED }) };
      },
    }),
  ];
}
