/**
 * After the seats of a licence were lowered: moves sessions beyond the number to seats that are free, and notes when
 * none is left, so that grants need not look for them any more.
 */
import { SEATS_SETTLE_SECONDS } from '../constants.ts';
import { holdsSeat } from '../decide/license.ts';
import { CountersignError } from '../errors.ts';
import { DOCUMENT_ID, documentId } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { type LicenseRecord, licenseRecord } from '../records/license.ts';
import { licensePath, seatId, seatsPath, sessionPath, sessionsPath } from '../records/paths.ts';
import { sessionRecord } from '../records/session.ts';
import { forEachPage } from './pages.ts';
import { readRecord } from './read.ts';
import { retryCommits } from './retry.ts';
import { isAnySeatBeyond } from './seats-beyond.ts';
import type { Settings } from './settings.ts';
import { moveSeat } from './take-seat.ts';
import { updateLicense } from './update-license.ts';

/** @throws CountersignError `store_unavailable` */
export async function settleSeats(ports: Ports, settings: Settings, licenseHash: string): Promise<void> {
  const [snapshot] = await ports.store.get([licensePath(licenseHash)]);
  const license = readRecord(licenseRecord, snapshot)?.record;
  if (license === undefined || license.seats_lowered_at === null) return;
  await moveAll(ports, settings, licenseHash, license);
  const settlesAt = license.updated_at + (SEATS_SETTLE_SECONDS + settings.clockSkewSeconds) * 1000;
  if (ports.clock.now() < settlesAt || (await isAnySeatBeyond(ports, { license, licenseHash }))) return;
  // Unless the licence was changed again meanwhile.
  await updateLicense(ports, licenseHash, ({ updated_at }) =>
    // Nobody's change: who has read the licence has read it as it is.
    updated_at === license.updated_at ? { seats_lowered_at: null, updated_at } : undefined,
  );
}

/** Moves as many as there are free seats. */
async function moveAll(ports: Ports, settings: Settings, licenseHash: string, license: LicenseRecord) {
  if (license.seats === null) return;
  const move = async (machines: readonly string[]) => {
    for (const hardware of machines) {
      if (!(await moveOne(ports, settings, licenseHash, license, hardware))) return false;
    }
    return true;
  };
  const beyond = [[DOCUMENT_ID, '>=', seatId(license.seats)]] as const;
  const areMoved = await forEachPage(
    ports.store,
    { collection: seatsPath(licenseHash), where: beyond },
    (page) => move(page.map(({ fields }) => String(fields.hardware))),
  );
  if (!areMoved) return;
  const unnumbered = [['seat', '==', null]] as const;
  await forEachPage(ports.store, { collection: sessionsPath(licenseHash), where: unnumbered }, (page) =>
    move(page.map(({ path }) => documentId(path))),
  );
}

/** False when there is no free seat. */
async function moveOne(
  ports: Ports,
  settings: Settings,
  licenseHash: string,
  license: LicenseRecord,
  hardware: string,
): Promise<boolean> {
  const path = sessionPath(licenseHash, hardware);
  try {
    await retryCommits(ports, async (attempt) => {
      const session = readRecord(sessionRecord, (await ports.store.get([path]))[0]);
      if (session === undefined || holdsSeat(license, session.record)) return;
      const request = { licenseHash, license, hardware, attempt, now: ports.clock.now() };
      const { seat, writes } = await moveSeat(ports, settings, request, session.record);
      const demand = { version: session.version };
      await ports.store.commit([{ op: 'update', path, fields: { seat }, demand }, ...writes]);
    });
    return true;
  } catch (error) {
    if (error instanceof CountersignError && error.code === 'seats_exhausted') return false;
    throw error;
  }
}
