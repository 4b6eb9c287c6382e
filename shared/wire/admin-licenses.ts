/** Licences, as operators see and issue them. */
import { z } from 'zod';
import { ALGORITHM_NAMES } from '../algorithms.ts';
import { MAX_STRING_LENGTH } from '../constants.ts';
import { EXPIRY_STRATEGY_NAMES } from '../expiry-strategies.ts';
import { isGuessProof, MIN_KEY_SYMBOLS } from '../license-key.ts';
import { licensePolicy } from '../records/license.ts';
import { TIER_NAMES } from '../tiers.ts';
import { customerId } from './customers.ts';
import {
  DOCUMENT,
  DOCUMENTS,
  ISSUED_LICENSE,
  LICENSE,
  LICENSES,
  LISTED_LICENSE,
  REVOKED,
  STATS,
} from './examples/licenses.ts';
import { CUSTOMER_ID } from './examples/values.ts';
import { instant } from './instant.ts';
import { checkWalk, damagedAnswer, walkAnswer, walkQuery } from './paging.ts';
import {
  allowedHardware,
  termDays as days,
  features,
  limits,
  MEANS,
  majorVersions,
  policyChanges,
  seats,
} from './terms.ts';
import { longText, text } from './text.ts';

export const LICENSE_TYPES = [
  'perpetual',
  'subscription',
  'demo',
  'trial',
  'standard',
  'enterprise',
] as const;
export const LICENSE_STATUSES = ['active', 'suspended', 'revoked', 'expired'] as const;
export type LicenseStatus = (typeof LICENSE_STATUSES)[number];
/** Formats that are issued; CAIO v1 is read only. */
export const ISSUED_FORMAT_NAMES = ['aegis', 'caio-v2', 'dtlic2'] as const;

const fingerprint = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, { error: 'must be sha256: and 64 lower-case hexadecimal digits' });

export const KEY_STYLES = ['standard', 'datatools'] as const;

export const issueLicenseRequest = z
  .object({
    customer_id: customerId,
    module_name: text.meta({ description: 'The product, as AEGIS calls it.' }),
    license_type: z.enum(LICENSE_TYPES),
    // What is left out from here to `policy` comes from the table of products, where there is one; null and [] do not.
    allowed_major_versions: majorVersions.nullable().exactOptional().meta(MEANS.allowed_major_versions),
    duration_days: days
      .nullable()
      .exactOptional()
      .meta({ description: 'Of 24 hours each; null is without an end.' }),
    features: features.exactOptional(),
    add_features: features
      .exactOptional()
      .meta({ description: 'Beside those of the tier, or of `features`.' }),
    seats: seats.nullable().exactOptional().meta(MEANS.seats),
    limits: limits.nullable().exactOptional().meta(MEANS.limits),
    policy: policyChanges.exactOptional().meta({ description: 'What is left out is as the tier says.' }),
    allowed_hardware: allowedHardware.exactOptional().meta(MEANS.allowed_hardware),
    expiry_strategy: z.enum(EXPIRY_STRATEGY_NAMES).default('restrict').meta(MEANS.expiry_strategy),
    instance_fingerprint: fingerprint.nullable().default(null).meta(MEANS.instance_fingerprint),
    notes: longText.nullable().default(null).meta(MEANS.notes),
    tier: z.enum(TIER_NAMES).default('enterprise'),
    holder: z.object({ name: text, email: z.email() }).nullable().default(null).meta(MEANS.holder),
    license_key: text
      .refine(isGuessProof, { error: `must have at least ${MIN_KEY_SYMBOLS} letters and digits` })
      .optional()
      .meta({ description: 'The operator’s own key; made here when left out.' }),
    key_prefix: z
      .string()
      .regex(/^[A-Z][A-Z0-9]{1,11}$/)
      .default('LIC')
      .meta({ description: 'Of a key that is made here.' }),
    key_style: z.enum(KEY_STYLES).default('standard').meta({
      description:
        '`datatools` makes one like `DT1-CORE-5dd8e1db-d90c4656`: 64 random bits, so no seats go with it.',
    }),
    signing_algorithm: z
      .enum(ALGORITHM_NAMES)
      .default('EC_SIGN_ED25519')
      .meta({ description: 'What the service signs its sessions and its CAIO document with.' }),
    formats: z
      .array(z.enum(ISSUED_FORMAT_NAMES))
      .max(ISSUED_FORMAT_NAMES.length)
      .refine((names) => new Set(names).size === names.length, { error: 'must not repeat a format' })
      .default(['aegis'])
      .meta({ description: 'Those that it is issued in at once.' }),
  })
  .meta({
    id: 'IssueLicenseRequest',
    example: {
      customer_id: 'acme-gmbh',
      module_name: 'sale_forecast',
      allowed_major_versions: [16, 17],
      license_type: 'subscription',
      tier: 'team',
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
    allowed_major_versions: z.array(z.int()).nullable().meta(MEANS.allowed_major_versions),
    seats: z.int().nullable().meta(MEANS.seats),
    limits: limits.nullable().meta(MEANS.limits),
    policy: licensePolicy,
    holder: z.object({ name: z.string(), email: z.string() }).nullable().meta(MEANS.holder),
    instance_fingerprint: z.string().nullable().meta(MEANS.instance_fingerprint),
    allowed_hardware: z
      .array(z.string())
      .nullable()
      .meta({ description: 'Hashes of the machines that may acquire; null allows all.' }),
    unverified: z.boolean().meta({
      description:
        'Imported with a signature that nothing here could verify: none of our keys signs it anew.',
    }),
    notes: z.string().nullable().meta(MEANS.notes),
    revoked_reason: z.string().nullable().meta({ description: 'Null unless it is suspended or revoked.' }),
    issued_at: instant,
    expires_at: instant.nullable().meta(MEANS.expires_at),
    expiry_strategy: z.enum(EXPIRY_STRATEGY_NAMES).meta(MEANS.expiry_strategy),
    updated_at: instant,
    token: z.string().nullable().meta({ description: 'The newest AEGIS document; null when there is none.' }),
    key_id: z.string().nullable().meta({ description: 'The `kid` of the key that signed it.' }),
  })
  .meta({ id: 'License', example: LICENSE });

export type License = z.infer<typeof license>;

/** A row of a list: documents are read one licence at a time. */
export const listedLicense = license
  .omit({ token: true, key_id: true })
  .meta({ id: 'ListedLicense', example: LISTED_LICENSE });

export type ListedLicense = z.infer<typeof listedLicense>;

/** The key is in this answer alone, and in that to the same request with the same Idempotency-Key: it is not stored. */
export const issuedLicense = license
  .extend({ license_key: z.string().meta({ description: 'Stored nowhere: this answer alone has it.' }) })
  .meta({ id: 'IssuedLicense', example: ISSUED_LICENSE });

export type IssueLicense = z.infer<typeof issueLicenseRequest>;

const licenseFilters = {
  customer_id: customerId.optional().meta({ param: { example: CUSTOMER_ID } }),
  module_name: text.optional(),
  license_type: z.enum(LICENSE_TYPES).optional(),
  status: z.enum(LICENSE_STATUSES).optional(),
  email: z
    .string()
    .min(1)
    .max(MAX_STRING_LENGTH)
    .optional()
    .meta({ param: { description: 'As it is written in the licence, in any case.' } }),
};

export const listLicensesQuery = z
  .strictObject({
    ...walkQuery,
    ...licenseFilters,
    expiring_within_days: z
      .string()
      .regex(/^[1-9]\d{0,4}$/, { error: 'must be a number from 1 to 36500' })
      .transform(Number)
      .pipe(days)
      .optional()
      .meta({
        param: { description: 'Active licences that end within so many days; the first to end comes first.' },
      }),
  })
  .superRefine(checkWalk)
  .refine(
    ({ status, expiring_within_days: days }) => days === undefined || (status ?? 'active') === 'active',
    {
      path: ['expiring_within_days'],
      error: 'Only active licences are going to end.',
    },
  );

export type ListLicenses = z.infer<typeof listLicensesQuery>;

export const listLicensesResponse = z
  .object({ licenses: z.array(listedLicense), ...walkAnswer, ...damagedAnswer })
  .meta({ id: 'ListLicensesResponse', example: LICENSES });

export const changeLicenseRequest = z
  .object({
    notes: longText.nullable().meta(MEANS.notes),
    features,
    seats: seats.nullable().meta(MEANS.seats),
    limits: limits.nullable().meta(MEANS.limits),
    policy: policyChanges.meta({ description: 'Its members that are left out stay.' }),
    allowed_hardware: allowedHardware.meta(MEANS.allowed_hardware),
    allowed_major_versions: majorVersions.nullable().meta(MEANS.allowed_major_versions),
    expires_at: instant.nullable().meta(MEANS.expires_at),
    expiry_strategy: z.enum(EXPIRY_STRATEGY_NAMES).meta(MEANS.expiry_strategy),
    accept_unverified: z.literal(true).meta({
      description: 'Has our keys sign an imported licence although nothing here could verify its signature.',
    }),
  })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, {
    error: 'Send at least one member that can be changed.',
  })
  .meta({ id: 'ChangeLicenseRequest', example: { seats: 20 } });

export const revokeResponse = z
  .object({ message: z.string(), license_id: z.string() })
  .meta({ id: 'RevokeLicenseResponse', example: REVOKED });

export const licenseStatsQuery = z.strictObject(licenseFilters);

export type LicenseFilters = z.infer<typeof licenseStatsQuery>;

/** Counts of licences. Every licence has one status, one type and one tier. */
export const licenseStats = z
  .object({
    total: z.int(),
    by_status: z.record(z.enum(LICENSE_STATUSES), z.int()),
    by_type: z.record(z.enum(LICENSE_TYPES), z.int()),
    by_tier: z.record(z.enum(TIER_NAMES), z.int()),
  })
  .meta({ id: 'LicenseStats', example: STATS });

export type LicenseStats = z.infer<typeof licenseStats>;

export const reasonRequest = z
  .object({ reason: longText.min(1).max(1_000) })
  .meta({ id: 'ReasonRequest', example: { reason: 'the customer has left' } });

/** Nothing has to be said. */
export const reinstateRequest = z.object({}).meta({ id: 'ReinstateRequest', example: {} });

export const renewRequest = z
  .object({ duration_days: days })
  .meta({ id: 'RenewRequest', example: { duration_days: 365 } });

export const transferRequest = z
  .object({
    customer_id: customerId,
    /** Whom a node-locked licence names from now on; the same as before when left out. */
    holder: z.object({ name: text, email: z.email() }).exactOptional(),
  })
  .meta({ id: 'TransferRequest', example: { customer_id: 'acme-ag' } });

export const licenseDocument = z
  .object({
    license_id: z.string(),
    format: z
      .enum([...ISSUED_FORMAT_NAMES, 'caio-v1'])
      .meta({ description: '`caio-v1` only of licences that were taken over.' }),
    key_id: z.string(),
    issued_at: instant,
    replaces: z
      .string()
      .nullable()
      .meta({ description: 'The `kid` of the document that it stands in for; null of a first one.' }),
    document: z.string().meta({ description: 'The text, as the customer has it.' }),
  })
  .meta({ id: 'LicenseDocument', example: DOCUMENT });

export type LicenseDocument = z.infer<typeof licenseDocument>;

export const listDocumentsQuery = z.strictObject({
  format: z
    .enum(ISSUED_FORMAT_NAMES)
    .optional()
    .meta({ param: { description: 'All formats when left out.' } }),
  deliverable: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .meta({
      param: {
        description:
          'Only what can be delivered: of each format the newest document that names whose the licence is now and that a key still verifies. A licence that does not hold is refused.',
      },
    }),
});

export type ListDocuments = z.output<typeof listDocumentsQuery>;

/** Newest first. */
export const listDocumentsResponse = z
  .object({ documents: z.array(licenseDocument) })
  .meta({ id: 'ListDocumentsResponse', example: DOCUMENTS });

export const issueDocumentRequest = z
  .object({
    format: z.enum(ISSUED_FORMAT_NAMES),
    license_key: text.optional().meta({
      description:
        'A DTLIC2 document names it. It is not stored, so a licence that has none yet needs it here.',
    }),
  })
  .meta({ id: 'IssueDocumentRequest', example: { format: 'aegis' } });
