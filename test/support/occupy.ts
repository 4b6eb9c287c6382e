/** Fills a licence without asking for each seat: sessions as acquires of other machines would have left them. */
import type { DocumentStore, Write } from '../../shared/ports/document-store.ts';
import { seatPath, sessionPath } from '../../shared/records/paths.ts';
import { type SessionRecord, shardOf } from '../../shared/records/session.ts';

const SESSIONS_A_COMMIT = 250;

/** Occupies `seats`, one machine each, with leases until `leaseExpiresAt`. */
export async function occupySeats(
  store: DocumentStore,
  licenseHash: string,
  seats: readonly number[],
  leaseExpiresAt: number,
): Promise<void> {
  for (let from = 0; from < seats.length; from += SESSIONS_A_COMMIT) {
    const some = seats.slice(from, from + SESSIONS_A_COMMIT);
    await store.commit(some.flatMap((seat) => sessionOn(licenseHash, seat, leaseExpiresAt)));
  }
}

function sessionOn(licenseHash: string, seat: number, leaseExpiresAt: number): Write[] {
  const hardware = (seat + 1).toString(16).padStart(32, '0');
  const startedAt = leaseExpiresAt - 360_000;
  const session: SessionRecord = {
    generation: hardware,
    seat,
    borrowed: false,
    started_at: startedAt,
    last_heartbeat_at: startedAt,
    lease_expires_at: leaseExpiresAt,
    shard: shardOf(hardware),
    document_signed_at: startedAt,
    document_expires_at: leaseExpiresAt,
  };
  return [
    { op: 'set', path: sessionPath(licenseHash, hardware), fields: session, demand: 'absent' },
    { op: 'set', path: seatPath(licenseHash, seat), fields: { hardware }, demand: 'absent' },
  ];
}
