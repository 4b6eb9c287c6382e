/** Creates a licence that a key opens. The key itself is not stored. */
import type { AlgorithmName } from '../algorithms.ts';
import type { ExpiryStrategy } from '../expiry-strategies.ts';
import { normalizeLicenseKey } from '../license-key.ts';
import { policyOf } from '../policy.ts';
import type { Clock } from '../ports/clock.ts';
import type { Hasher } from '../ports/hasher.ts';
import type { Ports } from '../ports/ports.ts';
import { type LicensePolicy, type LicenseRecord, licenseRecord } from '../records/license.ts';
import { licensePath } from '../records/paths.ts';
import type { TierName } from '../tiers.ts';

export interface NewLicense {
  readonly licenseKey: string;
  readonly licenseId: string;
  readonly customer: { readonly id: string; readonly name: string };
  readonly product: string;
  readonly tier: TierName;
  readonly features: readonly string[];
  /** Null is unlimited. */
  readonly seats: number | null;
  readonly signingAlgorithm: AlgorithmName;
  /** Milliseconds since the epoch; null or absent is perpetual. */
  readonly expiresAt?: number | null;
  /** Default `restrict`. */
  readonly expiryStrategy?: ExpiryStrategy;
  readonly allowedMajorVersions?: readonly number[] | null;
  /** Hardware ids, as the machines send them. Stored as hashes. */
  readonly allowedHardware?: readonly string[] | null;
  readonly policy?: Partial<LicensePolicy>;
  /** A subscription when it has an end, else perpetual. */
  readonly licenseType?: LicenseRecord['license_type'];
  /** The address that it is found by. */
  readonly email?: string | null;
  readonly holder?: LicenseRecord['holder'];
  readonly instanceFingerprint?: string | null;
  readonly limits?: LicenseRecord['limits'];
  readonly notes?: string | null;
  /** Default false. */
  readonly unverified?: boolean;
}

/**
 * Creates the licence.
 * @throws ConflictError when a licence with this key exists, ZodError when a value is out of its range
 */
export async function createLicense(
  ports: Pick<Ports, 'store' | 'hasher'> & { readonly clock: Pick<Clock, 'now'> },
  wanted: NewLicense,
): Promise<LicenseRecord> {
  const { path, record } = newLicense(ports.hasher, wanted, ports.clock.now());
  await ports.store.commit([{ op: 'set', path, fields: record, demand: 'absent' }]);
  return record;
}

/**
 * The record of a licence that is created now, and where its key finds it.
 * @throws ZodError when a value is out of its range
 */
export function newLicense(
  hasher: Hasher,
  wanted: NewLicense,
  now: number,
): { readonly path: string; readonly record: LicenseRecord } {
  const record = licenseRecord.parse({
    license_id: wanted.licenseId,
    customer: wanted.customer,
    customer_id: wanted.customer.id,
    license_type: wanted.licenseType ?? (wanted.expiresAt ? 'subscription' : 'perpetual'),
    email: wanted.email?.trim().toLowerCase() ?? null,
    holder: wanted.holder ?? null,
    instance_fingerprint: wanted.instanceFingerprint ?? null,
    limits: wanted.limits ?? null,
    unverified: wanted.unverified ?? false,
    notes: wanted.notes ?? null,
    revoked_reason: null,
    product: wanted.product,
    tier: wanted.tier,
    features: wanted.features,
    allowed_major_versions: wanted.allowedMajorVersions ?? null,
    seats: wanted.seats,
    status: 'active',
    expires_at: wanted.expiresAt ?? null,
    expiry_strategy: wanted.expiryStrategy ?? 'restrict',
    allowed_hardware: hardwareHashes(hasher, wanted.allowedHardware ?? null),
    signing_algorithm: wanted.signingAlgorithm,
    policy: { ...policyOf(wanted.tier), ...wanted.policy },
    created_at: now,
    updated_at: now,
  });
  return { path: licensePath(hasher.hash('license', normalizeLicenseKey(wanted.licenseKey))), record };
}

/** As the store has them; null allows all. */
export function hardwareHashes(hasher: Hasher, ids: readonly string[] | null): string[] | null {
  return ids === null ? null : [...new Set(ids.map((id) => hasher.hash('hardware', id)))];
}
