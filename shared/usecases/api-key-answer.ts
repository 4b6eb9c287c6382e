import type { ApiKeyRecord } from '../records/api-key.ts';
import type { ApiKey } from '../wire/api-keys.ts';
import { formatInstant } from '../wire/document.ts';

/** An API key as operators see it. */
export function describeApiKey(record: ApiKeyRecord): ApiKey {
  const { prefix, name, scopes, customer_id, created_at, expires_at, revoked_at, last_used_at } = record;
  return {
    prefix,
    name,
    scopes,
    customer_id,
    expires_at: instant(expires_at),
    created_at: formatInstant(created_at),
    revoked_at: instant(revoked_at),
    last_used_at: instant(last_used_at),
  };
}

function instant(milliseconds: number | null): string | null {
  return milliseconds === null ? null : formatInstant(milliseconds);
}
