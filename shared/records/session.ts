/**
 * `licenses/{L}/sessions/{H}`: the session of one machine. H is the peppered hash of the hardware id, so a
 * machine has at most one session per licence by construction.
 */
import { z } from 'zod';
import { instant } from './instant.ts';

export const sessionRecord = z.object({
  /** 128 random bits, hex. Part of the session id; a new session of the same machine has another. */
  generation: z.string(),
  /** The seat this session holds; null when the licence is unlimited. */
  seat: z.int().nonnegative().nullable(),
  /** True when the seat was borrowed for a term. */
  borrowed: z.boolean(),
  started_at: instant,
  last_heartbeat_at: instant,
  /** The first instant at which the lease no longer holds. It never moves back. */
  lease_expires_at: instant,
  /** `shardOf` the machine: the sweep looks for ended leases shard by shard. */
  shard: z.int().nonnegative(),
  /** Life of the last document signed for this session. */
  document_signed_at: instant,
  document_expires_at: instant,
});

export type SessionRecord = z.infer<typeof sessionRecord>;

/**
 * Every heartbeat moves `lease_expires_at` forward, and Firestore takes about 500 writes a second at the growing
 * end of an index. With the shard in front of it the index grows in as many places as there are shards.
 */
export const SESSION_SHARDS = 16;

/** The shard of a machine, from the first hex digit of its hash. */
export function shardOf(hardware: string): number {
  return Number.parseInt(hardware.slice(0, 1), SESSION_SHARDS);
}

/**
 * `licenses/{L}/seats/{n}`: the machine that holds seat n. Absent means free. It changes only in a commit that
 * also creates or deletes the session of that machine.
 */
export const seatRecord = z.object({ hardware: z.string() });

export type SeatRecord = z.infer<typeof seatRecord>;
