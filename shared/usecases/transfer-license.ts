import { transfer } from '../decide/license-change.ts';
import type { Ports } from '../ports/ports.ts';
import type { LicenseRecord } from '../records/license.ts';
import type { EditedLicense, LicenseRequest } from './edit-license.ts';
import { changeTerms } from './edit-license-terms.ts';
import { activeCustomer, knownCustomer } from './known-customer.ts';
import type { Settings } from './settings.ts';

export interface Receiver {
  readonly customerId: string;
  /** Whom a node-locked licence names from now on; the same as before when left out. */
  readonly holder?: NonNullable<LicenseRecord['holder']> | undefined;
}

/**
 * Gives a licence to another customer, another holder, or both. Its key and its sessions stay.
 * @throws CountersignError `customer_not_found`, `customer_inactive`, and as `changeTerms`
 */
export function transferLicense(
  ports: Ports,
  settings: Settings,
  request: LicenseRequest,
  { customerId, holder }: Receiver,
): Promise<EditedLicense> {
  return changeTerms(ports, settings, request, 'transfer', async (license) => {
    // Who has it already gets nothing new, and may name another holder.
    const find = license.customer_id === customerId ? knownCustomer : activeCustomer;
    const { record } = await find(ports.store, request.caller, customerId);
    return transfer(license, customerId, record, holder);
  });
}
