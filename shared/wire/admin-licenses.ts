/** Licences, as operators see and issue them. */
import { z } from 'zod';
import { ALGORITHM_NAMES } from '../algorithms.ts';
import { MAX_STRING_LENGTH } from '../constants.ts';
import { fitsEnd } from '../products.ts';
import { TIER_NAMES } from '../tiers.ts';
import { customerId } from './customers.ts';
import { pagingAnswer, pagingQuery } from './paging.ts';

const text = z.string().min(1).max(MAX_STRING_LENGTH);
const instant = z.iso.datetime({ offset: true });
const days = z.int().min(1).max(36_500);

export const LICENSE_TYPES = [
  'perpetual',
  'subscription',
  'demo',
  'trial',
  'standard',
  'enterprise',
] as const;
export const LICENSE_STATUSES = ['active', 'suspended', 'revoked', 'expired'] as const;
/** Formats that are issued; CAIO v1 is read only. */
export const ISSUED_FORMAT_NAMES = ['aegis', 'caio-v2', 'dtlic2'] as const;

const fingerprint = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, { error: 'must be sha256: and 64 lower-case hexadecimal digits' });

const limits = z.object({
  max_instances: z.int().positive(),
  max_services: z.int().positive(),
  max_requests_per_day: z.int().positive(),
});

export const issueLicenseRequest = z
  .object({
    customer_id: customerId,
    /** The product; `module_name` is what AEGIS calls it. */
    module_name: text,
    license_type: z.enum(LICENSE_TYPES),
    allowed_major_versions: z.array(z.int().nonnegative()).max(64).nullable().default(null),
    duration_days: days.optional(),
    instance_fingerprint: fingerprint.nullable().default(null),
    notes: z.string().max(4_000).nullable().default(null),
    tier: z.enum(TIER_NAMES).default('enterprise'),
    features: z.array(text).max(64).default([]),
    /** Floating seats; null is unlimited. */
    seats: z.int().positive().max(1_000_000).nullable().default(null),
    limits: limits.nullable().default(null),
    /** Whom a node-locked licence names. */
    holder: z.object({ name: text, email: z.email() }).nullable().default(null),
    /** The operator's own key; made here when left out. */
    license_key: text.optional(),
    /** Prefix of a key that is made here. */
    key_prefix: z
      .string()
      .regex(/^[A-Z][A-Z0-9]{1,11}$/)
      .default('LIC'),
    /** What the service signs its sessions and its CAIO document with. */
    signing_algorithm: z.enum(ALGORITHM_NAMES).default('EC_SIGN_ED25519'),
    formats: z
      .array(z.enum(ISSUED_FORMAT_NAMES))
      .max(ISSUED_FORMAT_NAMES.length)
      .refine((names) => new Set(names).size === names.length, { error: 'must not repeat a format' })
      .default(['aegis']),
  })
  .refine(({ license_type, duration_days }) => fitsEnd(license_type, duration_days !== undefined), {
    path: ['duration_days'],
    error: 'A subscription, demo or trial needs duration_days; a perpetual licence has none.',
  })
  .meta({
    id: 'IssueLicenseRequest',
    example: {
      customer_id: 'acme-gmbh',
      module_name: 'sale_forecast',
      allowed_major_versions: [16, 17],
      license_type: 'subscription',
      duration_days: 365,
    },
  });

export const license = z
  .object({
    id: z.string(),
    customer_id: z.string(),
    customer_name: z.string(),
    module_name: z.string(),
    license_type: z.enum(LICENSE_TYPES),
    status: z.enum(LICENSE_STATUSES),
    tier: z.enum(TIER_NAMES),
    features: z.array(z.string()),
    allowed_major_versions: z.array(z.int()).nullable(),
    seats: z.int().nullable(),
    limits: limits.nullable(),
    holder: z.object({ name: z.string(), email: z.string() }).nullable(),
    instance_fingerprint: z.string().nullable(),
    notes: z.string().nullable(),
    revoked_reason: z.string().nullable(),
    issued_at: instant,
    expires_at: instant.nullable(),
    updated_at: instant,
    /** The AEGIS document and its key; null when it has none. */
    token: z.string().nullable(),
    key_id: z.string().nullable(),
  })
  .meta({ id: 'License' });

export type License = z.infer<typeof license>;

/** A row of a list: documents are read one licence at a time. */
export const listedLicense = license.omit({ token: true, key_id: true }).meta({ id: 'ListedLicense' });

export type ListedLicense = z.infer<typeof listedLicense>;

/** The key is in this answer alone, and in that to the same request with the same Idempotency-Key: it is not stored. */
export const issuedLicense = license.extend({ license_key: z.string() }).meta({ id: 'IssuedLicense' });

export type IssueLicense = z.infer<typeof issueLicenseRequest>;

export const listLicensesQuery = z
  .object({
    ...pagingQuery,
    customer_id: customerId.optional(),
    module_name: text.optional(),
    license_type: z.enum(LICENSE_TYPES).optional(),
    status: z.enum(LICENSE_STATUSES).optional(),
    /** As it is written in the licence, in any case. */
    email: z.string().min(1).max(MAX_STRING_LENGTH).optional(),
    /** Active licences that end within so many days; the first to end comes first. */
    expiring_within_days: z
      .string()
      .regex(/^[1-9]\d{0,3}$/, { error: 'must be a number from 1 to 9999' })
      .transform(Number)
      .optional(),
  })
  .strict()
  .refine(
    ({ status, expiring_within_days: days }) => days === undefined || (status ?? 'active') === 'active',
    {
      path: ['expiring_within_days'],
      error: 'Only active licences are going to end.',
    },
  );

export type ListLicenses = z.infer<typeof listLicensesQuery>;

export const listLicensesResponse = z
  .object({ licenses: z.array(listedLicense), ...pagingAnswer })
  .meta({ id: 'ListLicensesResponse' });

export const changeLicenseRequest = z
  .object({
    notes: z.string().max(4_000).nullable(),
    features: z.array(text).max(64),
    seats: z.int().positive().max(1_000_000).nullable(),
    limits: limits.nullable(),
    allowed_major_versions: z.array(z.int().nonnegative()).max(64).nullable(),
    expires_at: instant.nullable(),
  })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, { error: 'Send at least one member to change.' })
  .meta({ id: 'ChangeLicenseRequest', example: { seats: 20 } });

export const revokeResponse = z
  .object({ message: z.string(), license_id: z.string() })
  .meta({ id: 'RevokeLicenseResponse' });

/** Counts of licences. Every licence has one status and one type. */
export const licenseStats = z
  .object({
    total: z.int(),
    by_status: z.record(z.enum(LICENSE_STATUSES), z.int()),
    by_type: z.record(z.enum(LICENSE_TYPES), z.int()),
  })
  .meta({ id: 'LicenseStats' });

export type LicenseStats = z.infer<typeof licenseStats>;

export const reasonRequest = z
  .object({ reason: z.string().min(1).max(1_000) })
  .meta({ id: 'ReasonRequest', example: { reason: 'the customer has left' } });

/** Nothing has to be said. */
export const reinstateRequest = z.object({}).meta({ id: 'ReinstateRequest', example: {} });

export const renewRequest = z
  .object({ duration_days: days })
  .meta({ id: 'RenewRequest', example: { duration_days: 365 } });

export const transferRequest = z
  .object({ customer_id: customerId })
  .meta({ id: 'TransferRequest', example: { customer_id: 'acme-ag' } });

export const licenseDocument = z
  .object({
    license_id: z.string(),
    /** `caio-v1` only of licences that were taken over. */
    format: z.enum([...ISSUED_FORMAT_NAMES, 'caio-v1']),
    key_id: z.string(),
    issued_at: instant,
    replaces: z.string().nullable(),
    document: z.string(),
  })
  .meta({ id: 'LicenseDocument' });

export type LicenseDocument = z.infer<typeof licenseDocument>;

export const listDocumentsQuery = z.object({ format: z.enum(ISSUED_FORMAT_NAMES).optional() }).strict();

/** Newest first. */
export const listDocumentsResponse = z
  .object({ documents: z.array(licenseDocument) })
  .meta({ id: 'ListDocumentsResponse' });

export const issueDocumentRequest = z
  .object({
    format: z.enum(ISSUED_FORMAT_NAMES),
    /** A DTLIC2 document names it. It is not stored, so a licence that has none yet needs it here. */
    license_key: text.optional(),
  })
  .meta({ id: 'IssueDocumentRequest', example: { format: 'aegis' } });
