/**
 * Creates an API key, which is stored nowhere. With an `Idempotency-Key` it is derived from that, the pepper and random bytes of
 * this creation, so whoever repeats the request is answered with it again, and nobody can who lacks one of the three.
 */
import { generateApiKey, prefixOf } from '../access/api-key.ts';
import { type Caller, mayTouch } from '../access/caller.ts';
import { hex } from '../canonical/hex.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import { CountersignError } from '../errors.ts';
import type { DocumentStore, Fields, Write } from '../ports/document-store.ts';
import type { Hasher } from '../ports/hasher.ts';
import type { Ports } from '../ports/ports.ts';
import type { ApiKeyRecord } from '../records/api-key.ts';
import { apiKeyPath, customerPath } from '../records/paths.ts';
import type { ApiKey, CreateApiKeyRequest } from '../wire/api-keys.ts';
import { formatInstant } from '../wire/document.ts';
import { administer, type Change } from './administer.ts';
import { describeApiKey } from './api-key-answer.ts';
import { derivedRandom } from './derived-random.ts';

export interface ApiKeyRequest {
  readonly caller: Caller;
  readonly idempotencyKey: string | undefined;
  readonly raw: JsonObject;
  readonly body: CreateApiKeyRequest;
}

/** What is remembered of a creation: enough to find the key again, for who knows the Idempotency-Key. */
interface Creation {
  readonly created: ApiKey;
  readonly salt: string;
}

/** As many as the key has: what it is derived from is no easier to guess. */
const SALT_BYTES = 32;

/**
 * @throws CountersignError `forbidden` for a key that would open more than its maker's, `invalid_request`, also for one that would
 * outlive it, `idempotency_conflict`, `store_unavailable`
 */
export async function createApiKey(
  ports: Pick<Ports, 'store' | 'clock' | 'random' | 'hasher'>,
  { caller, idempotencyKey, raw, body }: ApiKeyRequest,
): Promise<{ readonly answer: ApiKey; readonly apiKey: string; readonly replayed: boolean }> {
  requireNoMoreThanOwn(caller, body);
  const salt = hex(ports.random.bytes(SALT_BYTES));
  const administering = { caller, operation: 'api_keys.create', idempotencyKey, body: raw };
  const { answer, replayed } = await administer(
    ports,
    administering,
    async (now): Promise<Change<Fields>> => {
      const expiresAt = endOf(caller, body.expires_at, now);
      await requireCustomer(ports.store, body.customer_id);
      const apiKey = keyOf(ports.hasher, idempotencyKey, salt);
      const write = apiKeyWrite(ports.hasher, apiKey, { ...body, expires_at: expiresAt }, now);
      const created = describeApiKey(write.fields);
      const { prefix, name, scopes, customer_id, expires_at } = created;
      return {
        answer: { created, salt },
        writes: [write],
        act: {
          action: 'api_keys.create',
          target: prefix,
          before: null,
          after: { name, scopes, customer_id, expires_at },
        },
      };
    },
  );
  const creation = answer as unknown as Creation;
  return { answer: creation.created, apiKey: keyOf(ports.hasher, idempotencyKey, creation.salt), replayed };
}

function keyOf(hasher: Hasher, idempotencyKey: string | undefined, salt: string): string {
  return generateApiKey(derivedRandom(hasher, { purpose: 'api-key', salt, idempotencyKey }));
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

/**
 * Otherwise a key that was given for an hour could make itself one for ever. Left out, the end is that of the maker's key; an ID
 * token's own, minutes away, ends nothing that its holder makes.
 */
function endOf(
  { keyExpiresAt }: Pick<Caller, 'keyExpiresAt'>,
  wanted: string | null | undefined,
  now: number,
): number | null {
  if (wanted === undefined) return keyExpiresAt ?? null;
  const expiresAt = wanted === null ? null : Date.parse(wanted);
  if (expiresAt !== null && expiresAt <= now) throw invalid('/expires_at', 'must be in the future');
  if (keyExpiresAt !== undefined && (expiresAt === null || expiresAt > keyExpiresAt))
    throw invalid(
      '/expires_at',
      `must not be later than the end of your key, ${formatInstant(keyExpiresAt)}`,
    );
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
