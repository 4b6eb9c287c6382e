/** Changes a licence on what is stored, again after a lost race. */
import { LICENSE_NOT_FOUND } from '../decide/license.ts';
import type { Ports } from '../ports/ports.ts';
import type { LicenseRecord } from '../records/license.ts';
import { licensePath } from '../records/paths.ts';
import { learnLicense } from './known-license.ts';
import { refused } from './refused.ts';
import { retryCommits } from './retry.ts';

/**
 * Stores what `change` answers, unless that is nothing, and answers the licence as it is then. `updated_at` moves on unless
 * `change` says when.
 * @throws CountersignError `license_not_found`, `store_unavailable`, and what `change` throws
 */
export function updateLicense(
  ports: Ports,
  licenseHash: string,
  change: (license: LicenseRecord, now: number) => Partial<LicenseRecord> | undefined,
): Promise<LicenseRecord> {
  const path = licensePath(licenseHash);
  return retryCommits(ports, async () => {
    const [snapshot] = await ports.store.get([path]);
    const license = learnLicense(ports, licenseHash, snapshot);
    if (license === undefined) throw refused(LICENSE_NOT_FOUND);
    const now = ports.clock.now();
    const changed = change(license.record, now);
    if (changed === undefined) return license.record;
    const fields = { updated_at: now, ...changed };
    await ports.store.commit([{ op: 'update', path, fields, demand: { version: license.version } }]);
    ports.memory.licenses.delete(licenseHash);
    return { ...license.record, ...fields };
  });
}
