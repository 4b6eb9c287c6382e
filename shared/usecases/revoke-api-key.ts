/** Ends an API key, at once and for good. Doing it again changes nothing. */
import { isApiKeyPrefix } from '../access/api-key.ts';
import { type Caller, mayTouch } from '../access/caller.ts';
import { CountersignError } from '../errors.ts';
import type { DocumentStore, Snapshot } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { apiKeyRecord } from '../records/api-key.ts';
import { API_KEYS } from '../records/paths.ts';
import type { ApiKey } from '../wire/api-keys.ts';
import { formatInstant } from '../wire/document.ts';
import { administer } from './administer.ts';
import { describeApiKey } from './api-key-answer.ts';
import { readRecord } from './read.ts';

/** @throws CountersignError `api_key_not_found`, also for another customer's; `idempotency_conflict`, `store_unavailable` */
export async function revokeApiKey(
  ports: Pick<Ports, 'store' | 'clock' | 'random' | 'hasher'>,
  {
    caller,
    idempotencyKey,
    prefix,
  }: { readonly caller: Caller; readonly idempotencyKey: string | undefined; readonly prefix: string },
): Promise<{ readonly answer: ApiKey; readonly replayed: boolean }> {
  const request = { caller, operation: 'api_keys.revoke', idempotencyKey, body: { prefix } };
  const { answer, replayed } = await administer(ports, request, async (now) => {
    const { path, record, version } = await findApiKey(ports.store, caller, prefix);
    const revoked = { ...record, revoked_at: record.revoked_at ?? now };
    return {
      answer: describeApiKey(revoked),
      writes:
        record.revoked_at === null
          ? [{ op: 'update', path, fields: { revoked_at: now }, demand: { version } }]
          : [],
      act: {
        action: 'api_keys.revoke',
        target: prefix,
        before: { revoked_at: null },
        after: { revoked_at: formatInstant(now) },
      },
    };
  });
  return { answer: answer as ApiKey, replayed };
}

async function findApiKey(store: DocumentStore, caller: Caller, prefix: string) {
  const found = isApiKeyPrefix(prefix)
    ? await store.query({ collection: API_KEYS, where: [['prefix', '==', prefix]], limit: 1 })
    : [];
  const [snapshot] = found as [Snapshot?];
  const key = readRecord(apiKeyRecord, snapshot);
  if (snapshot === undefined || key === undefined || !mayTouch(caller, key.record.customer_id ?? ''))
    throw new CountersignError('api_key_not_found', 'No API key has this prefix.');
  return { path: snapshot.path, ...key };
}
