/** Ends every session of a licence, beside clients that heartbeat and release. */
import { documentId } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import type { LicenseRecord } from '../records/license.ts';
import { sessionPath, sessionsPath } from '../records/paths.ts';
import { sessionRecord } from '../records/session.ts';
import type { EndReason } from '../records/usage.ts';
import { endSession } from './end-session.ts';
import { forEachPage, inParallel } from './pages.ts';
import { readRecord } from './read.ts';
import { retryCommits } from './retry.ts';

/** @throws CountersignError `store_unavailable`: then some sessions may be left */
export async function endAllSessions(
  ports: Ports,
  licenseHash: string,
  license: LicenseRecord,
  reason: EndReason,
): Promise<void> {
  const failures: unknown[] = [];
  await forEachPage(ports.store, { collection: sessionsPath(licenseHash) }, async (page) => {
    await inParallel(page, async ({ path }) => {
      // One that cannot be ended, a damaged record say, must not keep the others alive.
      await endOne(ports, licenseHash, license, documentId(path), reason).catch((error: unknown) =>
        failures.push(error),
      );
    });
    return true;
  });
  if (failures.length > 0) throw failures[0];
}

function endOne(
  ports: Ports,
  licenseHash: string,
  license: LicenseRecord,
  hardware: string,
  reason: EndReason,
): Promise<void> {
  return retryCommits(ports, async () => {
    const [snapshot] = await ports.store.get([sessionPath(licenseHash, hardware)]);
    const session = readRecord(sessionRecord, snapshot);
    if (session === undefined) return;
    const now = ports.clock.now();
    const ending = { licenseHash, hardware, license, session: session.record, reason, now };
    await ports.store.commit(endSession(ending, session.version));
  });
}
