/**
 * Changes a customer. Licences that were issued before keep the name that they were issued to: their documents are
 * signed, and are handed out as they were.
 */
import type { Ports } from '../ports/ports.ts';
import type { CustomerRecord } from '../records/customer.ts';
import { customerPath } from '../records/paths.ts';
import type { ChangeCustomer, Customer } from '../wire/customers.ts';
import { type AdminRequest, administer } from './administer.ts';
import { requireMatch } from './entity-tag.ts';
import { describeCustomer, knownCustomer, movedOn } from './known-customer.ts';

export interface CustomerRequest extends Omit<AdminRequest, 'operation'> {
  readonly id: string;
  /** `If-Match` */
  readonly ifMatch: string | undefined;
}

/**
 * @throws CountersignError `customer_not_found`, `precondition_failed`, `idempotency_conflict`, `store_unavailable`
 */
export function changeCustomer(
  ports: Ports,
  { id, ifMatch, ...request }: CustomerRequest,
  wanted: ChangeCustomer,
): Promise<{ readonly answer: Customer; readonly replayed: boolean }> {
  const path = customerPath(id);
  const operation = `customers.change ${id}`;
  return administer(ports, { ...request, operation }, async (now) => {
    const { record, version } = await knownCustomer(ports.store, request.caller, id);
    const current = describeCustomer(id, record);
    await requireMatch(ifMatch, current);
    const { before, after } = differences(record, wanted);
    const act = { action: 'customers.change', target: id, before, after };
    if (Object.keys(after).length === 0) return { answer: current, writes: [], act };
    const fields = { ...after, ...movedOn(record, now) };
    return {
      answer: describeCustomer(id, { ...record, ...fields }),
      writes: [{ op: 'update', path, fields, demand: { version } }],
      act,
    };
  });
}

/** The members that would be others than they are. */
function differences(record: CustomerRecord, wanted: ChangeCustomer) {
  const changed = (Object.keys(wanted) as (keyof ChangeCustomer)[]).filter(
    (member) => wanted[member] !== undefined && wanted[member] !== record[member],
  );
  return {
    before: Object.fromEntries(changed.map((member) => [member, record[member]])),
    after: Object.fromEntries(changed.flatMap((member) => [[member, wanted[member] ?? null]])),
  };
}
