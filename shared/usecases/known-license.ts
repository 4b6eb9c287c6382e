/**
 * A licence as this instance remembers it. It is good enough to prepare a commit, not to answer: `confirmLicense` reads
 * it again beside the commit, so that a revocation that was acknowledged before the request came is always seen.
 */
import { ConflictError, type DocumentPath, type Snapshot } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { type LicenseRecord, licenseRecord } from '../records/license.ts';
import { licensePath } from '../records/paths.ts';
import type { Versioned } from '../records/versioned.ts';
import { readRecord } from './read.ts';

/** Makes a licence out of what was read, and remembers it. */
export function learnLicense(
  { memory }: Pick<Ports, 'memory'>,
  licenseHash: string,
  snapshot: Snapshot | undefined,
): Versioned<LicenseRecord> | undefined {
  const known = memory.licenses.get(licenseHash);
  if (known !== undefined && known.version === snapshot?.version) return known;
  const license = readRecord(licenseRecord, snapshot);
  if (license === undefined) memory.licenses.delete(licenseHash);
  else memory.licenses.set(licenseHash, license);
  return license;
}

/**
 * Reads the licence and `others` in one round trip, and answers the others.
 * @throws ConflictError when the licence is not what was believed: whatever was committed has to be decided again
 */
export async function confirmLicense(
  ports: Pick<Ports, 'store' | 'memory'>,
  licenseHash: string,
  believed: Versioned<LicenseRecord>,
  others: readonly DocumentPath[] = [],
): Promise<(Snapshot | undefined)[]> {
  const path = licensePath(licenseHash);
  const [snapshot, ...rest] = await ports.store.get([path, ...others]);
  const license = learnLicense(ports, licenseHash, snapshot);
  if (license?.version !== believed.version) throw new ConflictError(path);
  return rest;
}
