import { renew } from '../decide/license-change.ts';
import type { Ports } from '../ports/ports.ts';
import type { EditedLicense, LicenseRequest } from './edit-license.ts';
import { changeTerms } from './edit-license-terms.ts';
import type { Settings } from './settings.ts';

/**
 * Moves the end of a licence by whole days, from its end or from now, whichever is later.
 * @throws CountersignError `not_renewable`, and as `changeTerms`. Without an Idempotency-Key a repeated request renews again.
 */
export function renewLicense(
  ports: Ports,
  settings: Settings,
  request: LicenseRequest,
  durationDays: number,
): Promise<EditedLicense> {
  return changeTerms(ports, settings, request, 'renew', (license, now) => renew(license, durationDays, now));
}
