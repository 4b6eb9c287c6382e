/**
 * Deletes a customer that holds no licence any more. A licence that is issued after the look at them makes the audit chain
 * longer, which the commit of the deletion demands it has not become: of the two, one is decided anew.
 */
import { CountersignError } from '../errors.ts';
import type { Ports } from '../ports/ports.ts';
import { customerPath, LICENSES } from '../records/paths.ts';
import { administer } from './administer.ts';
import type { CustomerRequest } from './change-customer.ts';
import { requireMatch } from './entity-tag.ts';
import { describeCustomer, knownCustomer } from './known-customer.ts';

const IN_FORCE = ['active', 'suspended'];

/**
 * @throws CountersignError `customer_not_found`, `customer_in_use`, `precondition_failed`, `idempotency_conflict`,
 * `store_unavailable`
 */
export function deleteCustomer(ports: Ports, { id, ifMatch, ...request }: CustomerRequest) {
  // What is deleted is all that tells one deletion from another: a key that was used for one is none for the next.
  const deletion = { ...request, operation: 'customers.delete', body: { id } };
  return administer(ports, deletion, async () => {
    const { record, version } = await knownCustomer(ports.store, request.caller, id);
    const current = describeCustomer(id, record);
    await requireMatch(ifMatch, current);
    if (await holdsLicense(ports, id))
      throw new CountersignError(
        'customer_in_use',
        'The customer has licences that are not revoked. Revoke or transfer them first.',
      );
    return {
      answer: { message: 'The customer is deleted.', customer_id: id },
      writes: [{ op: 'delete', path: customerPath(id), demand: { version } }],
      act: { action: 'customers.delete', target: id, before: current, after: null },
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
