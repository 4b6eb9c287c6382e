import { prefixOf } from '../../../shared/access/api-key.ts';
import { steadyKey } from '../steady-key.ts';
import type { Cases } from './case.ts';

const RANGE = 'from=2026-01-01T00:00:00Z&to=2100-01-01T00:00:00Z';

/** API keys and the audit trail. */
export const ACCESS_CASES: Cases = {
  createApiKey: {
    good: async ({ fresh }) => ({ body: { name: fresh('shop'), scopes: ['licenses:write'] } }),
    refusals: {},
  },
  listApiKeys: { good: async () => ({ query: 'page_size=2' }), refusals: {} },
  revokeApiKey: {
    good: async ({ service }) => {
      const { 'x-api-key': apiKey } = await steadyKey(service, []);
      return { ids: { prefix: prefixOf(apiKey) ?? '' } };
    },
    refusals: { api_key_not_found: async () => ({ ids: { prefix: 'csk_nobody00' } }) },
  },
  listAuditLogs: { good: async () => ({ query: `page_size=2&${RANGE}` }), refusals: {} },
  exportAuditLogs: { good: async () => ({ query: `format=jsonl&${RANGE}` }), refusals: {} },
};
