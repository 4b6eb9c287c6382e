/** The newest document of a licence, for who has an older one: the licence itself is what proves that. */

import { ServiceError } from '../../../shared/client/client.ts';
import { retryingFetch } from '../../../shared/client/retrying-fetch.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import { licensingRenewResponse } from '../../../shared/wire/licensing.ts';
import { serviceUrl } from '../service.ts';

/** @throws ServiceError, UnreachableError, OperatorError */
export async function fetchNewest(license: string): Promise<string> {
  const response = await retryingFetch(
    new URL('/api/v1/licensing/renew', serviceUrl()),
    {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
      body: JSON.stringify({ license_key: license }),
    },
    {
      timeoutMs: 15_000,
      attempts: 3,
      pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    },
  );
  const body = jsonOf(await response.text());
  if (!response.ok) throw refusalOf(new ServiceError(response.status, { ...(body as object) }));
  const { success, data } = licensingRenewResponse.safeParse(body);
  if (!success) throw new OperatorError('The service answered with something else than a licence.');
  return data.license_key;
}

/** What stands in between may answer with a page of its own. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function refusalOf(refusal: ServiceError): Error {
  if (refusal.code !== 'license_not_accepted') return refusal;
  return new OperatorError(
    'The service does not take this licence for one of its own. Ask the vendor for the new one, and give it with --from.',
    { cause: refusal },
  );
}
