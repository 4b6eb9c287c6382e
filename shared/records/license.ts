/**
 * `licenses/{L}`: one licence as it is stored. L is the peppered hash of the licence key, so a key finds its
 * licence in one read and is written down nowhere. Records keep snake_case names, the same as on the wire;
 * times are milliseconds since the epoch, durations say their unit.
 */
import { z } from 'zod';
import { ALGORITHM_NAMES } from '../algorithms.ts';
import { EXPIRY_STRATEGY_NAMES } from '../expiry-strategies.ts';
import { TIER_NAMES } from '../tiers.ts';
import { instant } from './instant.ts';

export const licensePolicy = z.object({
  /** How often a client should heartbeat. */
  heartbeat_seconds: z.int().positive(),
  /** How long a seat is held after the last acquire or heartbeat. */
  lease_seconds: z.int().positive(),
  /** How long a document may be relied on, without contact, after its lease has ended. */
  offline_grace_seconds: z.int().nonnegative(),
  /** No document outlives its lease, whatever the grace says. */
  strict_online: z.boolean(),
  /** The longest term for which a seat may be borrowed; 0 forbids borrowing. */
  borrow_max_seconds: z.int().nonnegative(),
});

export const licenseRecord = z.object({
  license_id: z.string(),
  customer: z.object({ id: z.string(), name: z.string() }),
  /** `customer.id` once more, where lists can be filtered by it. */
  customer_id: z.string().default(''),
  /** The address that it names itself, in lower case; null where it follows its customer, and is found by that one’s. */
  email: z.string().nullable().default(null),
  /** Whom a node-locked licence names. */
  holder: z.object({ name: z.string(), email: z.string() }).nullable().default(null),
  license_type: z
    .enum(['perpetual', 'subscription', 'demo', 'trial', 'standard', 'enterprise'])
    .default('perpetual'),
  product: z.string(),
  tier: z.enum(TIER_NAMES),
  features: z.array(z.string()),
  /** Major versions of the product that may run; null allows all. */
  allowed_major_versions: z.array(z.int().nonnegative()).nullable(),
  /** How many machines may hold a lease at once; null is unlimited. */
  seats: z.int().positive().nullable(),
  /**
   * When the number of seats was first lowered, while sessions beyond it may still hold theirs: nothing new is granted
   * before those are over. Null once that is known. Absent in records of before there was such a thing.
   */
  seats_lowered_at: instant.nullable().default(null),
  status: z.enum(['active', 'suspended', 'revoked']),
  /** The first instant at which the licence no longer holds; null is perpetual. */
  expires_at: instant.nullable(),
  /** What that end means for sessions. Absent in records of before there was a choice. */
  expiry_strategy: z.enum(EXPIRY_STRATEGY_NAMES).default('restrict'),
  /** Hashes of the hardware ids that may acquire; null allows all. */
  allowed_hardware: z.array(z.string()).nullable(),
  signing_algorithm: z.enum(ALGORITHM_NAMES),
  /** `sha256:…` of the only installation that may run it; null allows all. */
  instance_fingerprint: z.string().nullable().default(null),
  /** What is counted where it runs; null is unlimited. */
  limits: z
    .object({
      max_instances: z.int().positive(),
      max_services: z.int().positive(),
      max_requests_per_day: z.int().positive(),
    })
    .nullable()
    .default(null),
  /**
   * Imported, and no key that was listed then has verified the signature: ours sign nothing of it until an operator says so.
   */
  unverified: z.boolean().default(false),
  notes: z.string().nullable().default(null),
  /** Why it was revoked. */
  revoked_reason: z.string().nullable().default(null),
  policy: licensePolicy,
  created_at: instant,
  updated_at: instant,
});

export type LicensePolicy = z.infer<typeof licensePolicy>;
export type LicenseRecord = z.infer<typeof licenseRecord>;
