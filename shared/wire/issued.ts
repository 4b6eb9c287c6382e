/**
 * Licences that are issued once, as text: their payloads, one schema each, and the view that they have in common. How
 * a payload and its signature become text is `shared/formats/`.
 *
 * Members that a schema does not know are ignored in what other systems wrote, and never issued: what a key signs for
 * one format must not pass for a licence of another, and CAIO and DTLIC2 both sign a bare JSON object.
 */
import { z } from 'zod';
import { canonicalJson } from '../canonical/jcs.ts';
import { type JsonObject, parseStrictJson } from '../canonical/strict-json.ts';
import { LAST_EPOCH_SECOND, MAX_LICENSE_CHARACTERS } from '../constants.ts';
import { CountersignError } from '../errors.ts';

export type IssuedFormatName = 'aegis' | 'caio-v1' | 'caio-v2' | 'dtlic2';

/** The `issuer` of a key of the system that a format is from, where its licences name none. */
export const IMPLIED_ISSUERS: Readonly<Partial<Record<IssuedFormatName, string>>> = {
  'caio-v2': 'caio',
  dtlic2: 'datatools',
};

/** NumericDate of RFC 7519 §2; whole seconds, as PyJWT writes them. */
const seconds = z.int().nonnegative().max(LAST_EPOCH_SECOND);

/** RFC 3339 with an offset, e.g. `2026-11-21T22:08:10+00:00`. */
const instant = z.iso.datetime({ offset: true });

/** As `instant`, or without an offset, as Python's `utcnow().isoformat()` writes UTC. */
const instantOrUtc = z.iso.datetime({ offset: true, local: true });

export const aegisPayload = z
  .object({
    jti: z.guid(),
    iss: z.string().min(1),
    iat: seconds,
    exp: z.exactOptional(seconds),
    customer: z.object({ id: z.string().min(1), name: z.string() }),
    module: z.object({
      technical_name: z.string().min(1),
      allowed_major_versions: z.array(z.int().nonnegative()),
    }),
    license_type: z.enum(['perpetual', 'subscription', 'demo']),
    instance_fingerprint: z.exactOptional(z.string().regex(/^sha256:[0-9a-f]{64}$/)),
    // They limit when and for whom a JWT holds (RFC 7519 §4.1.3, §4.1.5). No AEGIS licence has them, and to ignore
    // them would be to accept it where its issuer did not.
    nbf: z.exactOptional(z.never()),
    aud: z.exactOptional(z.never()),
  })
  .refine(({ license_type, exp }) => (license_type === 'perpetual') === (exp === undefined), {
    path: ['exp'],
    error: 'a perpetual licence has no exp, and every other one has',
  });

export type AegisPayload = z.infer<typeof aegisPayload>;

const caioCustomerId = z.string().regex(/^[A-Za-z0-9_-]+$/);

/** `expires_at` says how long it holds, whatever its type. Limits are for whoever counts: nothing here does. */
export const caioPayload = z.object({
  customer_id: caioCustomerId,
  license_type: z.enum(['trial', 'standard', 'enterprise', 'perpetual']),
  issued_at: instantOrUtc,
  expires_at: instantOrUtc.nullable(),
  features: z.array(z.string()),
  max_instances: z.int(),
  max_services: z.int(),
  max_requests_per_day: z.int(),
  version: z.union([z.string(), z.number().nonnegative().max(Number.MAX_SAFE_INTEGER)]),
});

export type CaioPayload = z.infer<typeof caioPayload>;

/** Old ones lack members. A member that is there is as in `caioPayload`, but for a type that CAIO has since dropped. */
export const caioMetadata = z.object({ ...caioPayload.shape, license_type: z.string() }).partial();

export type CaioMetadata = z.infer<typeof caioMetadata>;

export const dtlic2Payload = z.object({
  license_key: z.string().min(1),
  name: z.string().min(1),
  email: z.string().min(1),
  tier: z.enum(['lite', 'core', 'pro']),
  issued_at: instant,
  expires_at: instant.nullable(),
  kid: z.string().min(1),
});

export type Dtlic2Payload = z.infer<typeof dtlic2Payload>;

/**
 * What any issued licence says. A member that its format does not have is null, or empty for `features`.
 *
 * | member | AEGIS | CAIO v2, v1 | DTLIC2 |
 * |---|---|---|---|
 * | `licenseId` | `jti` | null | `license_key` |
 * | `issuer` | `iss` | null | null |
 * | `customer.id` | `customer.id` | `customer_id` | null |
 * | `customer.name` | `customer.name` | null | `name` |
 * | `customer.email` | null | null | `email` |
 * | `product` | `module.technical_name` | null | null |
 * | `licenseType` | `license_type` | `license_type` | `tier` |
 * | `features` | empty | `features` | empty: a tier maps to features elsewhere |
 * | `allowedMajorVersions` | `module.allowed_major_versions` | null: any | null: any |
 * | `instanceFingerprint` | `instance_fingerprint`, or null: any | null: any | null: any |
 * | `issuedAt` | `iat` | `issued_at` | `issued_at` |
 * | `expiresAt` | `exp`, or null: never | `expires_at` | `expires_at` |
 *
 * Of a CAIO v1 licence everything is what the authenticated metadata says, the customer too. What old metadata lacks is
 * null or empty; `licenseType` is then `unspecified` and `issuedAt` 0.
 */
export interface IssuedLicense {
  readonly format: IssuedFormatName;
  readonly licenseId: string | null;
  readonly issuer: string | null;
  readonly customer: {
    readonly id: string | null;
    readonly name: string | null;
    readonly email: string | null;
  };
  readonly product: string | null;
  readonly licenseType: string;
  readonly features: readonly string[];
  readonly allowedMajorVersions: readonly number[] | null;
  readonly instanceFingerprint: string | null;
  /** Milliseconds since the epoch, as is `expiresAt`. */
  readonly issuedAt: number;
  /** It holds before this instant; null for ever. */
  readonly expiresAt: number | null;
  /** The whole payload, with the members that no schema knows. */
  readonly claims: JsonObject;
}

/** The JSON object that these bytes are, or undefined when they are anything else or not strict. */
export function parseObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value = parseStrictJson(bytes);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as JsonObject)
      : undefined;
  } catch (error) {
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}

/**
 * The payload, when the format holds all of it.
 * @throws TypeError naming the members, never their values.
 */
export function requireIssuable<Payload extends object>(
  schema: z.ZodType<Payload>,
  payload: Payload,
): JsonObject {
  const result = schema.safeParse(payload);
  if (!result.success) {
    const members = result.error.issues.map(({ path }) => path.join('.') || 'the whole').join(', ');
    throw new TypeError(`this format cannot hold the licence: ${members}`, { cause: result.error });
  }
  if (canonicalJson(result.data as JsonObject) !== canonicalJson(payload as JsonObject)) {
    throw new TypeError('this format cannot hold the licence: it has members that the format does not know');
  }
  return payload as JsonObject;
}

/** @throws TypeError for a text that no reader of issued licences takes. */
export function requireReadable(text: string): string {
  if (text.length <= MAX_LICENSE_CHARACTERS) return text;
  throw new TypeError(`the licence would be longer than ${MAX_LICENSE_CHARACTERS} characters`);
}
