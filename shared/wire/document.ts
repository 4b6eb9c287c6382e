/**
 * The payload of a licence document, the same members in every format. Formats add what is theirs: `kid` in
 * the inline form, `iss`, `iat` and `exp` in a JWS.
 */
import { z } from 'zod';
import { LAST_INSTANT_MS } from '../constants.ts';
import { TIER_NAMES } from '../tiers.ts';

/** RFC 3339 with an offset, e.g. `2026-11-21T22:08:10.123+00:00`. */
const instant = z.iso.datetime({ offset: true });

export const documentPayload = z
  .object({
    license_id: z.string(),
    license_key: z
      .string()
      .optional()
      .meta({ description: 'As the client sent it. In inline documents only.' }),
    session_id: z.string(),
    hardware_id: z.string(),
    customer: z.object({ id: z.string(), name: z.string() }),
    product: z.string(),
    tier: z.enum(TIER_NAMES),
    features: z.array(z.string()),
    allowed_major_versions: z
      .array(z.int())
      .nullable()
      .meta({ description: 'Major versions of the product that may run; null for all.' }),
    issuer: z.string(),
    signed_at: instant,
    expires_at: instant.meta({
      description:
        'The document may be relied on before this instant: the end of the lease plus offline grace.',
    }),
    lease_expires_at: instant.meta({ description: 'The seat is held before this instant.' }),
    license_expires_at: instant.nullable().meta({ description: 'Null when the licence is perpetual.' }),
    heartbeat_seconds: z.int().meta({ description: 'How often to heartbeat.' }),
    borrowed: z.boolean().meta({ description: 'Whether the seat is held for a term without heartbeats.' }),
    nonce: z
      .string()
      .nullable()
      .meta({ description: 'The nonce of the request that this document answers.' }),
  })
  .meta({ id: 'DocumentPayload' });

export type DocumentPayload = z.infer<typeof documentPayload>;

/** `license_data` of an inline answer. */
export const inlineDocument = documentPayload
  .extend({
    license_key: z.string(),
    kid: z.string(),
    signature: z.base64().meta({ description: 'Standard alphabet, with padding.' }),
    signature_algorithm: z.string(),
  })
  .meta({ id: 'InlineDocument' });

export type InlineDocument = z.infer<typeof inlineDocument>;

/** `license_data` when the KMS fails and the operator has asked for documents nevertheless. It proves nothing. */
export const unsignedDocument = documentPayload
  .extend({
    license_key: z.string(),
    kid: z.null(),
    signature: z.null(),
    signature_algorithm: z.null(),
  })
  .meta({ id: 'UnsignedDocument' });

export type UnsignedDocument = z.infer<typeof unsignedDocument>;

/**
 * RFC 3339 in UTC with the numeric offset that every parser in the field reads (Python before 3.11 has no `Z`). Beyond the
 * last instant that it can write, which only licences of other systems can name, it is that one.
 */
export function formatInstant(milliseconds: number): string {
  return new Date(Math.min(milliseconds, LAST_INSTANT_MS)).toISOString().replace('Z', '+00:00');
}
