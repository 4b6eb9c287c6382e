/** Requests and answers of the floating-licence endpoints. The only truth for them: OpenAPI is made of these. */
import { z } from 'zod';
import { MAX_NONCE_LENGTH, MAX_STRING_LENGTH } from '../constants.ts';
import { FORMAT_NAMES } from '../formats/index.ts';
import { documentPayload, inlineDocument, unsignedDocument } from './document.ts';
import { ACQUIRE, FINGERPRINT, HEARTBEAT, RELEASE, VALIDATE } from './examples/sessions.ts';
import { AEGIS_TOKEN, LICENSE_KEY, MODULE, SESSION_ID } from './examples/values.ts';
import { instant } from './instant.ts';

const text = z.string().min(1).max(MAX_STRING_LENGTH);

const licenseKey = text.meta({ description: 'The licence key, as the buyer received it.' });
const hardwareId = text.meta({ description: 'What identifies this machine; any stable string.' });
const sessionId = text.meta({ description: 'The `session_id` of the acquire answer.' });
const nonce = z.string().min(1).max(MAX_NONCE_LENGTH).meta({
  description:
    'A value of the client’s own that comes back in the signed bytes and so proves the answer fresh.',
});
const format = z
  .enum(FORMAT_NAMES)
  .default('inline')
  .meta({ description: 'The format of the signed document.' });

export const acquireRequest = z
  .object({ license_key: licenseKey, hardware_id: hardwareId, format, nonce: nonce.optional() })
  .meta({ id: 'AcquireRequest', example: { license_key: LICENSE_KEY, hardware_id: 'workstation-1' } });

export const borrowRequest = acquireRequest
  .extend({
    borrow_seconds: z
      .int()
      .positive()
      .meta({ description: 'For how long the seat is held without contact.' }),
  })
  .meta({
    id: 'BorrowRequest',
    example: { license_key: LICENSE_KEY, hardware_id: 'laptop-7', borrow_seconds: 86400 },
  });

export const heartbeatRequest = z
  .object({
    session_id: sessionId,
    license_key: licenseKey.optional(),
    hardware_id: hardwareId.optional(),
    format,
    nonce: nonce.optional(),
    document: z.boolean().default(false).meta({
      description:
        'True for a freshly signed document now. Needs `hardware_id`, and `license_key` for `inline`.',
    }),
  })
  .refine(({ document, hardware_id }) => !document || hardware_id !== undefined, {
    path: ['hardware_id'],
    error: 'A signed document names the machine, so hardware_id is needed.',
  })
  .refine(
    ({ document, format: wanted, license_key }) =>
      !document || wanted !== 'inline' || license_key !== undefined,
    {
      path: ['license_key'],
      error: 'An inline document holds the licence key, so license_key is needed.',
    },
  )
  .meta({ id: 'HeartbeatRequest', example: { session_id: SESSION_ID } });

export const releaseRequest = z
  .object({ session_id: sessionId, license_key: licenseKey.optional(), hardware_id: hardwareId.optional() })
  .meta({ id: 'ReleaseRequest', example: { session_id: SESSION_ID } });

/** AEGIS clients send null for what they do not know. */
const isThere = (value: unknown) => value !== undefined && value !== null;
const TWO_NAMES = [
  ['product', 'module_name'],
  ['version', 'odoo_version'],
  ['hardware_id', 'instance_db_uuid'],
] as const;
const TOGETHER = [
  ['instance_db_uuid', 'instance_domain'],
  ['instance_domain', 'instance_db_uuid'],
] as const;

const NO_TOKEN = 'must be the document: a text that is not empty, or an object';

export const validateRequest = z
  .object({
    token: z.union([z.string().min(1), z.record(z.string(), z.json())], { error: NO_TOKEN }).meta({
      description:
        'The document: a JWS, `license_data` as an object or as text, or an issued licence (AEGIS, CAIO, DTLIC2).',
    }),
    product: text.optional(),
    version: text.optional().meta({ description: 'The version that wants to run, e.g. `17.2.1`.' }),
    hardware_id: hardwareId.optional(),
    features: z.array(text).max(64).optional().meta({ description: 'Features that must all be licensed.' }),
    nonce: nonce.optional(),
    module_name: text.nullish().meta({ description: 'What AEGIS clients call `product`.' }),
    odoo_version: text.nullish().meta({ description: 'What AEGIS clients call `version`.' }),
    instance_db_uuid: text.nullish().meta({
      description:
        'With `instance_domain`, the installation of a bound licence. Who sends `module_name` is refused one without them.',
    }),
    instance_domain: text.nullish().meta({ description: 'Beside `instance_db_uuid`.' }),
  })
  .superRefine((body, context) => {
    for (const [ours, theirs] of TWO_NAMES) {
      if (isThere(body[ours]) && isThere(body[theirs]))
        context.addIssue({ code: 'custom', path: [theirs], message: `Send ${ours} or ${theirs}, not both.` });
    }
    for (const [given, missing] of TOGETHER) {
      if (isThere(body[given]) && !isThere(body[missing]))
        context.addIssue({ code: 'custom', path: [missing], message: `Needed beside ${given}.` });
    }
  })
  .meta({ id: 'ValidateRequest', example: { token: AEGIS_TOKEN, product: MODULE } });

const lease = {
  session_id: z.string(),
  lease_expires_at: instant.meta({ description: 'The seat is held before this instant.' }),
  heartbeat_seconds: z.int().meta({ description: 'How often to heartbeat.' }),
};
const signedDocument = {
  license_data: inlineDocument
    .optional()
    .meta({ description: 'The signed document, when `format` is `inline`.' }),
  token: z.string().optional().meta({ description: 'The signed document, when `format` is `jws`.' }),
};

const licenseData = z.union([inlineDocument, unsignedDocument]).optional().meta({
  description:
    'The signed document, when `format` is `inline`; without a signature only where the operator asks for that during an outage of the KMS.',
});

export const acquireResponse = z
  .object({ ...signedDocument, license_data: licenseData, ...lease })
  .meta({ id: 'AcquireResponse', example: ACQUIRE });

const documentError = z.enum(['signing_unavailable']).optional().meta({
  description:
    'Why a document that was due is missing. The lease was extended; the next heartbeat tries again.',
});

export const heartbeatResponse = z
  .object({ ...lease, ...signedDocument, document_error: documentError })
  .meta({
    id: 'HeartbeatResponse',
    example: HEARTBEAT,
    description:
      'A signed document is there when it was asked for, or when the last one is past half its life.',
  });

export const releaseResponse = z
  .object({ session_id: z.string(), released_at: instant })
  .meta({ id: 'ReleaseResponse', example: RELEASE });

/** Of a session’s document only while it holds. */
const OF_GENUINE = {
  description:
    'Null when the document does not say it. Of an issued licence also where that is genuine and refused.',
};
/** What the document says. */
const OF_VALID = { description: 'Null when it does not say it, or does not hold.' };

export const validateResponse = z
  .object({
    valid: z.boolean(),
    code: z.string().nullable().meta({
      description: 'Why not: a code of docs/errors.md. Of a valid `CAIO-v1` licence `legacy_accepted`.',
    }),
    error: z.string().nullable().meta({ description: 'The same as a sentence.' }),
    license_id: z.string().nullable().meta(OF_GENUINE),
    session_id: z.string().nullable().meta({ description: 'Null of a licence that was issued as text.' }),
    customer_name: z.string().nullable().meta(OF_GENUINE),
    product: z.string().nullable().meta(OF_VALID),
    tier: z.string().nullable().meta(OF_VALID),
    license_type: z
      .string()
      .nullable()
      .meta({ description: 'Of an issued licence; null of a session’s document.' }),
    features: z.array(z.string()).nullable().meta(OF_VALID),
    expires_at: instant.nullable().meta({
      description: 'It holds, or held, before this instant; null for ever, or when nobody can tell.',
    }),
    document: z
      .union([documentPayload, z.record(z.string(), z.json())])
      .nullable()
      .meta({ description: 'The payload: of a session’s document, or the claims of an issued licence.' }),
  })
  .meta({ id: 'ValidateResponse', example: VALIDATE });

export const fingerprintRequest = z.object({ db_uuid: text, domain: text }).meta({
  id: 'FingerprintRequest',
  example: { db_uuid: '5f0c1d1e-3c55-4a0e-8a3e-6f2f0f8f5b11', domain: 'erp.example.com' },
});

export const fingerprintResponse = z
  .object({
    fingerprint: z.string().meta({ description: '`sha256:` and 64 hexadecimal digits.' }),
    db_uuid: z.string(),
    domain: z.string(),
  })
  .meta({ id: 'FingerprintResponse', example: FINGERPRINT });
