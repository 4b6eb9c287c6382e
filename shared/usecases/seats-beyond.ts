/**
 * Seats beyond the number of a licence: after it was lowered, sessions may hold them until their leases end. While
 * any is held nothing new is granted, so that a lower number is never exceeded by a grant.
 */
import { DOCUMENT_ID } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import type { LicenseRecord } from '../records/license.ts';
import { seatId, seatsPath, sessionsPath } from '../records/paths.ts';

/** Whether a machine other than this one holds a seat beyond the number; reads only after a lowering. */
export async function isAnySeatBeyond(
  { store }: Pick<Ports, 'store'>,
  { license, licenseHash, hardware }: { license: LicenseRecord; licenseHash: string; hardware?: string },
): Promise<boolean> {
  const { seats, seats_lowered_at: loweredAt } = license;
  if (loweredAt === null || seats === null) return false;
  const [numbered, unnumbered] = await Promise.all([
    store.query({
      collection: seatsPath(licenseHash),
      where: [[DOCUMENT_ID, '>=', seatId(seats)]],
      limit: 2,
    }),
    // Of a time when the licence was unlimited.
    store.query({ collection: sessionsPath(licenseHash), where: [['seat', '==', null]], limit: 2 }),
  ]);
  const holders = [
    ...numbered.map(({ fields }) => fields.hardware),
    ...unnumbered.map(({ path }) => path.slice(path.lastIndexOf('/') + 1)),
  ];
  return holders.some((holder) => holder !== hardware);
}
