/**
 * Deletes a customer that holds no licence any more, and whom no API key opens. A licence or a key that is made after the look
 * at them makes the audit chain longer, which the commit of the deletion demands it has not become: of the two, one is
 * decided anew.
 */
import { isInForce } from '../decide/api-key.ts';
import { CountersignError } from '../errors.ts';
import type { Ports } from '../ports/ports.ts';
import { apiKeyRecord } from '../records/api-key.ts';
import { API_KEYS, customerPath, LICENSES } from '../records/paths.ts';
import { administer } from './administer.ts';
import type { CustomerRequest } from './change-customer.ts';
import { requireMatch } from './entity-tag.ts';
import { describeCustomer, knownCustomer } from './known-customer.ts';
import { forEachPage } from './pages.ts';
import { readRecord } from './read.ts';

/** The action on the audit trail, by which an id is known to have been given before. */
export const DELETION = 'customers.delete';

const IN_FORCE = ['active', 'suspended'];

/**
 * @throws CountersignError `customer_not_found`, `customer_in_use`, `precondition_failed`, `idempotency_conflict`,
 * `store_unavailable`
 */
export function deleteCustomer(ports: Ports, { id, ifMatch, ...request }: CustomerRequest) {
  // What is deleted is all that tells one deletion from another: a key that was used for one is none for the next.
  const deletion = { ...request, operation: DELETION, body: { id } };
  return administer(ports, deletion, async (now) => {
    const { record, version } = await knownCustomer(ports.store, request.caller, id);
    const current = describeCustomer(id, record);
    await requireMatch(ifMatch, current);
    if (await holdsLicense(ports, id))
      throw new CountersignError(
        'customer_in_use',
        'The customer has licences that are not revoked. Revoke or transfer them first.',
      );
    if (await isOpened(ports, id, now))
      throw new CountersignError(
        'customer_in_use',
        'The customer has API keys that still open it. Revoke them first.',
      );
    return {
      answer: { message: 'The customer is deleted.', customer_id: id },
      writes: [{ op: 'delete', path: customerPath(id), demand: { version } }],
      act: { action: DELETION, target: id, before: current, after: null },
    };
  });
}

async function holdsLicense({ store }: Pick<Ports, 'store'>, id: string): Promise<boolean> {
  const found = await store.query({
    collection: LICENSES,
    where: [
      ['customer_id', '==', id],
      ['status', 'in', IN_FORCE],
    ],
    limit: 1,
  });
  return found.length > 0;
}

/** A key that outlived its customer would be one that nobody of the customer's can list and revoke. */
async function isOpened({ store }: Pick<Ports, 'store'>, id: string, now: number): Promise<boolean> {
  const unrevoked = {
    collection: API_KEYS,
    where: [
      ['customer_id', '==', id],
      ['revoked_at', '==', null],
    ],
  } as const;
  const areAllOver = await forEachPage(store, unrevoked, async (page) =>
    page.every((snapshot) => {
      const key = readRecord(apiKeyRecord, snapshot);
      return key === undefined || !isInForce(key.record, now);
    }),
  );
  return !areAllOver;
}
