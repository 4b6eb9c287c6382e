/** Calls of operators' API keys, for `admin-client.ts`. */
import type { z } from 'zod';
import type * as wire from '../wire/api-keys.ts';
import type { WriteOptions } from './admin-client.ts';

export type ApiKeyPage = z.output<typeof wire.listApiKeysResponse>;
export type CreatedApiKey = z.output<typeof wire.createdApiKey>;

interface ApiKeyCalls {
  read<Answer>(path: string, query: object): Promise<Answer>;
  write<Answer>(
    method: string,
    path: string,
    body: object | undefined,
    options?: WriteOptions,
  ): Promise<Answer>;
}

const PATH = '/api/v1/admin/api-keys';

export function apiKeyCalls({ read, write }: ApiKeyCalls) {
  return {
    /** The key is in this answer alone; a repetition under one `Idempotency-Key` is answered with it again. */
    create: (request: z.input<typeof wire.createApiKeyRequest>, options?: WriteOptions) =>
      write<CreatedApiKey>('POST', PATH, request, options),
    list: (query: { readonly page?: number; readonly page_size?: number } = {}) =>
      read<ApiKeyPage>(PATH, query),
    revoke: (prefix: string, options?: WriteOptions) =>
      write<wire.ApiKey>('DELETE', `${PATH}/${encodeURIComponent(prefix)}`, undefined, options),
  };
}
