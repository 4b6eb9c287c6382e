import type { ApiKeyRecord } from '../records/api-key.ts';

/** Whether an API key opens anything at this instant. Its end is the first at which it does not. */
export function isInForce(
  { expires_at, revoked_at }: Pick<ApiKeyRecord, 'expires_at' | 'revoked_at'>,
  now: number,
): boolean {
  return revoked_at === null && (expires_at === null || now < expires_at);
}
