/**
 * Records and payloads for tests of rules. A case names only the members that its rule reads; the rest is here.
 *
 * ```ts
 * licenseRecord({ status: 'revoked' });
 * licenseRecord({ policy: { strict_online: true } });
 * ```
 */
import type { LicensePolicy, LicenseRecord } from '../../shared/records/license.ts';
import { type SessionRecord, shardOf } from '../../shared/records/session.ts';
import type { DocumentPayload } from '../../shared/wire/document.ts';

/** 2026-01-02T03:04:05.678Z: no part of it is a round number, so a rounded time shows. */
export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

export const SECOND = 1000;
export const DAY = 86_400 * SECOND;

/** Grace, lease and longest loan of `licenseRecord()`: all different, so that a mixed-up one shows. */
export const GRACE_SECONDS = 7 * 86_400;
export const LEASE_SECONDS = 360;
export const BORROW_MAX_SECONDS = 30 * 86_400;

export const HARDWARE = 'a'.repeat(32);
export const GENERATION = 'c'.repeat(32);

type LicenseOverrides = Omit<Partial<LicenseRecord>, 'policy'> & { readonly policy?: Partial<LicensePolicy> };

/** A perpetual, active licence of five seats that allows borrowing. */
export function licenseRecord({ policy, ...overrides }: LicenseOverrides = {}): LicenseRecord {
  return {
    license_id: 'license-1',
    customer: { id: 'customer-1', name: 'Ada' },
    customer_id: 'customer-1',
    email: null,
    holder: null,
    license_type: 'perpetual',
    instance_fingerprint: null,
    limits: null,
    unverified: false,
    notes: null,
    revoked_reason: null,
    product: 'demo-app',
    tier: 'pro',
    features: ['export'],
    allowed_major_versions: null,
    seats: 5,
    status: 'active',
    expires_at: null,
    expiry_strategy: 'restrict',
    allowed_hardware: null,
    signing_algorithm: 'EC_SIGN_ED25519',
    seats_lowered_at: null,
    created_at: NOW - 100 * DAY,
    updated_at: NOW - 50 * DAY,
    ...overrides,
    policy: {
      heartbeat_seconds: 300,
      lease_seconds: LEASE_SECONDS,
      offline_grace_seconds: GRACE_SECONDS,
      strict_online: false,
      borrow_max_seconds: BORROW_MAX_SECONDS,
      ...policy,
    },
  };
}

/** A floating session on seat 3 that was acquired 100 seconds before `NOW`. */
export function sessionRecord(overrides: Partial<SessionRecord> = {}): SessionRecord {
  const startedAt = NOW - 100 * SECOND;
  const leaseExpiresAt = startedAt + LEASE_SECONDS * SECOND;
  return {
    generation: GENERATION,
    seat: 3,
    borrowed: false,
    started_at: startedAt,
    last_heartbeat_at: startedAt,
    lease_expires_at: leaseExpiresAt,
    shard: shardOf(HARDWARE),
    document_signed_at: startedAt,
    document_expires_at: leaseExpiresAt + GRACE_SECONDS * SECOND,
    ...overrides,
  };
}

/** What a document of that session says, in ASCII. */
export function documentPayload(overrides: Partial<DocumentPayload> = {}): DocumentPayload {
  return {
    license_id: 'license-1',
    session_id: `ses_${'b'.repeat(32)}${HARDWARE}${GENERATION}`,
    hardware_id: 'machine-1',
    customer: { id: 'customer-1', name: 'Ada' },
    product: 'demo-app',
    tier: 'pro',
    features: ['export', 'reports'],
    allowed_major_versions: [16, 17],
    issuer: 'https://countersign.test',
    signed_at: '2026-01-02T03:04:05.678+00:00',
    expires_at: '2026-01-09T03:10:05.678+00:00',
    lease_expires_at: '2026-01-02T03:10:05.678+00:00',
    license_expires_at: null,
    heartbeat_seconds: 300,
    borrowed: false,
    nonce: 'nonce-1',
    ...overrides,
  };
}
