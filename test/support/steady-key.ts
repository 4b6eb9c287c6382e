/**
 * An API key whose use is on record for a day, so that no request with it writes anything about the key: what a test finds
 * changed in the store then, the request has changed.
 */
import { generateApiKey } from '../../shared/access/api-key.ts';
import { type AccessScope, SCOPE_NAMES } from '../../shared/access/scopes.ts';
import { apiKeyWrite } from '../../shared/usecases/create-api-key.ts';
import type { TestService } from './service.ts';

const DAY_MS = 86_400_000;

/** @returns the header that shows it; of all scopes and all customers unless told */
export async function steadyKey(
  { ports }: TestService,
  scopes: readonly AccessScope[] = SCOPE_NAMES,
  customerId: string | null = null,
): Promise<{ 'x-api-key': string }> {
  const apiKey = generateApiKey(ports.random);
  const granted = { name: 'steady', scopes: [...scopes], customer_id: customerId, expires_at: null };
  const now = ports.clock.now();
  const write = apiKeyWrite(ports.hasher, apiKey, granted, now);
  await ports.store.commit([{ ...write, fields: { ...write.fields, last_used_at: now + DAY_MS } }]);
  return { 'x-api-key': apiKey };
}
