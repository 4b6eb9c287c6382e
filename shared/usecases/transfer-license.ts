import { transfer } from '../decide/license-change.ts';
import type { Ports } from '../ports/ports.ts';
import type { LicenseRequest } from './edit-license.ts';
import { type ChangedLicense, changeTerms } from './edit-license-terms.ts';
import { knownCustomer } from './known-customer.ts';
import type { Settings } from './settings.ts';

/**
 * Gives a licence to another customer. Its key and its sessions stay.
 * @throws CountersignError `customer_not_found`, and as `changeTerms`
 */
export function transferLicense(
  ports: Ports,
  settings: Settings,
  request: LicenseRequest,
  customerId: string,
): Promise<ChangedLicense> {
  return changeTerms(ports, settings, request, 'transfer', async (license) => {
    const { record } = await knownCustomer(ports.store, request.caller, customerId);
    return transfer(license, customerId, record);
  });
}
