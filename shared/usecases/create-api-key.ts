/** Creates an API key. It is in the first answer, and nowhere else. */
import { generateApiKey, prefixOf } from '../access/api-key.ts';
import { type Caller, mayTouch } from '../access/caller.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import { CountersignError } from '../errors.ts';
import type { DocumentStore, Write } from '../ports/document-store.ts';
import type { Hasher } from '../ports/hasher.ts';
import type { Ports } from '../ports/ports.ts';
import type { ApiKeyRecord } from '../records/api-key.ts';
import { apiKeyPath, customerPath } from '../records/paths.ts';
import type { ApiKey, CreateApiKeyRequest } from '../wire/api-keys.ts';
import { administer } from './administer.ts';
import { describeApiKey } from './api-key-answer.ts';

export interface ApiKeyRequest {
  readonly caller: Caller;
  readonly idempotencyKey: string | undefined;
  readonly raw: JsonObject;
  readonly body: CreateApiKeyRequest;
}

/**
 * @returns `apiKey` is null when the request was answered before: the key is kept nowhere
 * @throws CountersignError `forbidden` for a key that would open more than its maker's, `invalid_request`,
 * `idempotency_conflict`, `store_unavailable`
 */
export async function createApiKey(
  ports: Pick<Ports, 'store' | 'clock' | 'random' | 'hasher'>,
  { caller, idempotencyKey, raw, body }: ApiKeyRequest,
): Promise<{ readonly answer: ApiKey; readonly apiKey: string | null; readonly replayed: boolean }> {
  requireNoMoreThanOwn(caller, body);
  const apiKey = generateApiKey(ports.random);
  const administering = { caller, operation: 'api_keys.create', idempotencyKey, body: raw };
  const { answer, replayed } = await administer(ports, administering, async (now) => {
    const expiresAt = readExpiry(body.expires_at, now);
    await requireCustomer(ports.store, body.customer_id);
    const write = apiKeyWrite(ports.hasher, apiKey, { ...body, expires_at: expiresAt }, now);
    const created = describeApiKey(write.fields);
    const { prefix, name, scopes, customer_id, expires_at } = created;
    return {
      answer: created,
      writes: [write],
      act: {
        action: 'api_keys.create',
        target: prefix,
        before: null,
        after: { name, scopes, customer_id, expires_at },
      },
    };
  });
  return { answer: answer as ApiKey, apiKey: replayed ? null : apiKey, replayed };
}

/** The write that makes `apiKey` open what `granted` says. Its demand keeps a key that is there as it is. */
export function apiKeyWrite(
  hasher: Hasher,
  apiKey: string,
  granted: Pick<ApiKeyRecord, 'name' | 'scopes' | 'customer_id' | 'expires_at'>,
  now: number,
) {
  const prefix = prefixOf(apiKey);
  if (prefix === undefined) throw new TypeError('an API key has another shape');
  const { name, scopes, customer_id, expires_at } = granted;
  const fields: ApiKeyRecord = {
    prefix,
    name,
    scopes,
    customer_id,
    created_at: now,
    expires_at,
    revoked_at: null,
    last_used_at: null,
  };
  const path = apiKeyPath(hasher.hash('api_key', apiKey));
  return { op: 'set', path, fields, demand: 'absent' } as const satisfies Write;
}

/** Otherwise the scope to make keys would be every scope. */
function requireNoMoreThanOwn(caller: Caller, { scopes, customer_id }: CreateApiKeyRequest): void {
  const beyond = scopes.filter((scope) => !caller.scopes.has(scope));
  if (beyond.length > 0)
    throw new CountersignError(
      'forbidden',
      `A key has no more scopes than its maker, who lacks ${beyond.join(', ')}.`,
    );
  if (caller.customerId !== null && (customer_id === null || !mayTouch(caller, customer_id)))
    throw new CountersignError('forbidden', 'Set customer_id to the customer whose key makes this one.');
}

function readExpiry(text: string | null, now: number): number | null {
  if (text === null) return null;
  const expiresAt = Date.parse(text);
  if (expiresAt <= now) throw invalid('/expires_at', 'must be in the future');
  return expiresAt;
}

async function requireCustomer(store: DocumentStore, customerId: string | null): Promise<void> {
  if (customerId === null) return;
  const [found] = await store.get([customerPath(customerId)]);
  if (found === undefined) throw invalid('/customer_id', 'must be the id of a customer');
}

function invalid(pointer: string, detail: string): CountersignError {
  return new CountersignError('invalid_request', `${pointer}: ${detail}`, { errors: [{ pointer, detail }] });
}
