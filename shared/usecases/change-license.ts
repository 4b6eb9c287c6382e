/**
 * What operators do to a licence. Each is safe to repeat, and goes on where an interrupted one stopped.
 *
 * A suspension ends nothing at once: a machine that was told of its lease may rely on it to the end, so its seat must
 * not be free before. Nothing is extended, and what is not reinstated runs out within one lease. A revocation is
 * final: its seats can be nobody's any more, so its sessions end at once.
 */
import * as rules from '../decide/license-change.ts';
import type { Ports } from '../ports/ports.ts';
import type { LicenseRecord } from '../records/license.ts';
import { endAllSessions } from './end-all-sessions.ts';
import { refused } from './refused.ts';
import type { Settings } from './settings.ts';
import { settleSeats } from './settle-seats.ts';
import { updateLicense } from './update-license.ts';

/** @throws CountersignError `license_not_found`, `license_revoked`, `store_unavailable` */
export function suspendLicense(ports: Ports, licenseHash: string): Promise<LicenseRecord> {
  return updateLicense(ports, licenseHash, (license) => fieldsOf(rules.changeStatus(license, 'suspended')));
}

/**
 * Sessions whose lease has not ended go on.
 * @throws CountersignError `license_not_found`, `license_revoked`, `store_unavailable`
 */
export function reinstateLicense(ports: Ports, licenseHash: string): Promise<LicenseRecord> {
  return updateLicense(ports, licenseHash, (license) => fieldsOf(rules.changeStatus(license, 'active')));
}

/**
 * Revokes the licence and ends its sessions.
 * @throws CountersignError `license_not_found`, `store_unavailable`: then some sessions may be left, and repeating it
 * ends them
 */
export async function revokeLicense(ports: Ports, licenseHash: string): Promise<LicenseRecord> {
  const license = await updateLicense(ports, licenseHash, (current) =>
    current.status === 'revoked' ? undefined : fieldsOf(rules.revoke(current, null)),
  );
  await endAllSessions(ports, licenseHash, license, 'revoked');
  return license;
}

/**
 * Sets the number of seats; null is unlimited. Leases in force are honoured when it is lowered: a session beyond the
 * number moves to a free seat, now or with its next request, or runs out; nothing new is granted before none is left.
 * @throws CountersignError `license_not_found`, `store_unavailable`
 */
export async function changeSeats(
  ports: Ports,
  settings: Settings,
  licenseHash: string,
  seats: number | null,
): Promise<LicenseRecord> {
  const license = await updateLicense(ports, licenseHash, (current, now) =>
    fieldsOf(rules.changeSeats(current, seats, now)),
  );
  await settleSeats(ports, settings, licenseHash);
  return license;
}

/** Undefined when nothing changes. */
export function fieldsOf(decision: rules.Decision): Partial<LicenseRecord> | undefined {
  if (decision.kind === 'refuse') throw refused(decision);
  return Object.keys(decision.fields).length === 0 ? undefined : decision.fields;
}
