/** Where a letter about a licence goes. */
import { CountersignError } from '../errors.ts';
import type { Ports } from '../ports/ports.ts';
import { customerRecord } from '../records/customer.ts';
import type { LicenseRecord } from '../records/license.ts';
import { customerPath } from '../records/paths.ts';
import { deliverRequest } from '../wire/deliver.ts';
import { readRecord } from './read.ts';

/**
 * That of the holder, or the one that the customer has now. Imported addresses are what somebody once typed.
 * @param pointer what an answer without an address names: a member of the request, or `''`
 * @throws CountersignError `invalid_request` when there is none, `store_unavailable`
 */
export async function addressOf(
  { store }: Pick<Ports, 'store'>,
  { holder, email, customer_id }: LicenseRecord,
  pointer: '' | '/to',
): Promise<string> {
  const [snapshot] = holder === null ? await store.get([customerPath(customer_id)]) : [];
  const customer = readRecord(customerRecord, snapshot)?.record;
  const known = holder?.email ?? (customer === undefined ? email : customer.email);
  const address = deliverRequest.shape.to.safeParse(known?.trim());
  if (address.success && address.data !== undefined) return address.data;
  const detail = 'Neither the licence nor its customer has an e-mail address that letters can go to.';
  throw new CountersignError('invalid_request', detail, { errors: [{ pointer, detail }] });
}
