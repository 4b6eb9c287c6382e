/** What clients call: acquire, borrow, heartbeat, release, validate. */

import type { z } from 'zod';
import { type JsonObject, parseStrictJson } from '../../shared/canonical/strict-json.ts';
import type { Scope } from '../../shared/decide/scope.ts';
import { CountersignError } from '../../shared/errors.ts';
import { instanceFingerprint } from '../../shared/formats/instance-fingerprint.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { type AcquireCommand, acquire } from '../../shared/usecases/acquire.ts';
import { heartbeat } from '../../shared/usecases/heartbeat.ts';
import { release } from '../../shared/usecases/release.ts';
import type { Settings } from '../../shared/usecases/settings.ts';
import { type ValidateAnswer, validate } from '../../shared/usecases/validate.ts';
import type { LicenseAnswer } from '../../shared/usecases/validate-license.ts';
import { formatInstant } from '../../shared/wire/document.ts';
import * as wire from '../../shared/wire/licenses.ts';
import { type Endpoint, type EndpointAnswer, type EndpointRequest, post } from '../http/endpoint.ts';

const LICENSE_ERRORS = [
  'license_expired',
  'license_revoked',
  'license_suspended',
  'hardware_not_allowed',
] as const;
const OUTAGES = ['signing_unavailable', 'store_unavailable'] as const;
const ACQUIRE_ERRORS = [
  'license_not_found',
  ...LICENSE_ERRORS,
  'seats_exhausted',
  'idempotency_conflict',
  ...OUTAGES,
] as const;
const SESSION_ERRORS = ['session_not_found', 'session_superseded', 'hardware_mismatch'] as const;

export function licenseEndpoints(ports: Ports, settings: Settings): Endpoint[] {
  return [
    post({
      operationId: 'acquire',
      path: '/api/v1/licenses/acquire',
      summary: 'Take a seat and get a signed document',
      description:
        'Idempotent by nature: a second acquire from the same machine extends the same session and signs afresh.',
      tag: 'licenses',
      access: 'public',
      request: wire.acquireRequest,
      response: wire.acquireResponse,
      errors: ACQUIRE_ERRORS,
      idempotent: true,
      handle: (request) => acquireFor(ports, settings, request, undefined),
    }),
    post({
      operationId: 'borrow',
      path: '/api/v1/licenses/borrow',
      summary: 'Hold a seat for a term without heartbeats',
      description: 'For a machine that goes offline. The seat is held until the term ends or it is released.',
      tag: 'licenses',
      access: 'public',
      request: wire.borrowRequest,
      response: wire.acquireResponse,
      errors: [...ACQUIRE_ERRORS, 'borrow_not_allowed', 'borrow_too_long'],
      idempotent: true,
      handle: (request) => acquireFor(ports, settings, request, request.body.borrow_seconds),
    }),
    post({
      operationId: 'heartbeat',
      path: '/api/v1/licenses/heartbeat',
      summary: 'Extend the lease of a session',
      description:
        'Send `license_key` and `hardware_id` too, and the answer brings a fresh document when the last one is past half its life.',
      tag: 'licenses',
      access: 'public',
      request: wire.heartbeatRequest,
      response: wire.heartbeatResponse,
      errors: [...SESSION_ERRORS, ...LICENSE_ERRORS, ...OUTAGES],
      handle: async ({ body }) => ({
        body: await heartbeat(ports, settings, {
          ...claimOf(body),
          format: body.format,
          nonce: body.nonce,
          document: body.document,
        }),
      }),
    }),
    post({
      operationId: 'release',
      path: '/api/v1/licenses/release',
      summary: 'End a session and free its seat',
      tag: 'licenses',
      access: 'public',
      request: wire.releaseRequest,
      response: wire.releaseResponse,
      errors: [...SESSION_ERRORS, 'idempotency_conflict', 'store_unavailable'],
      idempotent: true,
      handle: async ({ body, raw, idempotencyKey }) => ({
        body: await release(ports, { ...claimOf(body), idempotencyKey, body: raw }),
      }),
    }),
    post({
      operationId: 'validate',
      path: '/api/v1/licenses/validate',
      summary: 'Check a document, its scope and its session',
      description: 'Answers 200 with `valid: false` and a code for a document that does not hold.',
      tag: 'licenses',
      access: 'public',
      request: wire.validateRequest,
      response: wire.validateResponse,
      errors: OUTAGES,
      handle: async (request) => ({ body: await validateFor(ports, settings, request) }),
    }),
    post({
      operationId: 'fingerprint',
      path: '/api/v1/licenses/fingerprint',
      summary: 'The fingerprint that binds an AEGIS licence to an installation',
      description: '`sha256:` and the SHA-256 of `{db_uuid}:{domain}`, both taken as they are.',
      tag: 'licenses',
      access: 'public',
      request: wire.fingerprintRequest,
      response: wire.fingerprintResponse,
      errors: [],
      handle: async ({ body: { db_uuid, domain } }) => ({
        body: { fingerprint: await instanceFingerprint(db_uuid, domain), db_uuid, domain },
      }),
    }),
  ];
}

async function acquireFor(
  ports: Ports,
  settings: Settings,
  { body, raw, idempotencyKey }: EndpointRequest<z.output<typeof wire.acquireRequest>>,
  borrowSeconds: number | undefined,
): Promise<EndpointAnswer> {
  const { license_key: licenseKey, hardware_id: hardwareId, format, nonce } = body;
  const command: AcquireCommand = {
    licenseKey,
    hardwareId,
    format,
    nonce,
    borrowSeconds,
    idempotencyKey,
    body: raw,
  };
  const { answer, replayed } = await acquire(ports, settings, command);
  return { body: answer, ...(replayed && { headers: { 'idempotent-replayed': 'true' } }) };
}

type ValidateRequest = EndpointRequest<z.output<typeof wire.validateRequest>>;

async function validateFor(ports: Ports, settings: Settings, { body, raw, bytes }: ValidateRequest) {
  // As it was sent: a schema may drop members, and every member was signed or was not.
  const token = raw.token as string | JsonObject;
  if (typeof token !== 'string' && !hasPlainNumbers(bytes)) return toWire(NOT_PLAIN);
  return toWire(await validate(ports, settings, { token, scope: await scopeOf(body) }));
}

/** A number written as `300.0` or `3e2` reads as 300, and Python signs other bytes for it than we rebuild. */
function hasPlainNumbers(bytes: Uint8Array = new Uint8Array()): boolean {
  try {
    parseStrictJson(bytes, { integersOnly: true });
    return true;
  } catch (error) {
    // Whatever else could be wrong with the body was found when it was first read.
    if (error instanceof CountersignError) return false;
    throw error;
  }
}

const NOT_PLAIN: ValidateAnswer = {
  valid: false,
  code: 'malformed_document',
  error: 'This is not an inline licence document: it holds a number with a point or an exponent.',
  document: null,
};

async function scopeOf(body: ValidateRequest['body']): Promise<Scope> {
  const { product, version, hardware_id: hardwareId, features, nonce } = body;
  return {
    product: product ?? body.module_name ?? undefined,
    version: version ?? body.odoo_version ?? undefined,
    hardwareId: hardwareId ?? (await fingerprintOf(body)),
    features,
    nonce,
  };
}

/** For AEGIS clients a bound licence never holds unnamed: without an installation theirs is none of those it is bound to. */
async function fingerprintOf(body: ValidateRequest['body']): Promise<string | undefined> {
  const { instance_db_uuid: dbUuid, instance_domain: domain, module_name: moduleName } = body;
  if (isText(dbUuid) && isText(domain)) return instanceFingerprint(dbUuid, domain);
  return isText(moduleName) ? '' : undefined;
}

const isText = (value: string | null | undefined): value is string => typeof value === 'string';

function claimOf(body: {
  session_id: string;
  license_key?: string | undefined;
  hardware_id?: string | undefined;
}) {
  return { sessionId: body.session_id, licenseKey: body.license_key, hardwareId: body.hardware_id };
}

function toWire(answer: ValidateAnswer | LicenseAnswer): z.output<typeof wire.validateResponse> {
  const { valid, code, error } = answer;
  if ('license' in answer) return { valid, code, error, ...licenseMembers(answer) };
  const { document } = answer;
  return {
    valid,
    code,
    error,
    license_id: document?.license_id ?? null,
    session_id: document?.session_id ?? null,
    customer_name: document?.customer.name ?? null,
    product: document?.product ?? null,
    tier: document?.tier ?? null,
    license_type: null,
    features: document?.features ?? null,
    expires_at: document?.expires_at ?? null,
    document,
  };
}

/**
 * What the answer says of a licence that was issued as text; the type of such a licence is its tier. Of a genuine one that does
 * not hold it says which it is and when it ends, and nothing that it would allow.
 */
function licenseMembers({ valid, license, endsAt }: LicenseAnswer) {
  const held = valid ? license : null;
  return {
    license_id: license?.licenseId ?? null,
    session_id: null,
    customer_name: license?.customer.name ?? null,
    product: held?.product ?? null,
    tier: held?.licenseType ?? null,
    license_type: license?.licenseType ?? null,
    features: held === null ? null : [...held.features],
    expires_at: endsAt === null ? null : formatInstant(endsAt),
    document: (held?.claims ?? null) as z.output<typeof wire.validateResponse>['document'],
  };
}
