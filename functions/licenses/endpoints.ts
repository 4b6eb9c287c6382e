/** What clients call: acquire, borrow, heartbeat, release, validate. */

import type { z } from 'zod';
import type { JsonObject } from '../../shared/canonical/strict-json.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { type AcquireCommand, acquire } from '../../shared/usecases/acquire.ts';
import { heartbeat } from '../../shared/usecases/heartbeat.ts';
import { release } from '../../shared/usecases/release.ts';
import type { Settings } from '../../shared/usecases/settings.ts';
import { type ValidateAnswer, validate } from '../../shared/usecases/validate.ts';
import type { LicenseAnswer } from '../../shared/usecases/validate-license.ts';
import { formatInstant } from '../../shared/wire/document.ts';
import type { IssuedLicense } from '../../shared/wire/issued.ts';
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
      request: wire.validateRequest,
      response: wire.validateResponse,
      errors: OUTAGES,
      handle: async ({ body, raw }) => {
        // As it was sent: a schema may drop members, and every member was signed or was not.
        const token = raw.token as string | JsonObject;
        const { product, version, hardware_id: hardwareId, features, nonce } = body;
        return {
          body: toWire(
            await validate(ports, settings, {
              token,
              scope: { product, version, hardwareId, features, nonce },
            }),
          ),
        };
      },
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

function claimOf(body: {
  session_id: string;
  license_key?: string | undefined;
  hardware_id?: string | undefined;
}) {
  return { sessionId: body.session_id, licenseKey: body.license_key, hardwareId: body.hardware_id };
}

function toWire(answer: ValidateAnswer | LicenseAnswer): z.output<typeof wire.validateResponse> {
  const { valid, code, error } = answer;
  if ('license' in answer) return { valid, code, error, ...licenseMembers(answer.license) };
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
    features: document?.features ?? null,
    expires_at: document?.expires_at ?? null,
    document,
  };
}

/** What the answer says of a licence that was issued as text; the type of such a licence is its tier. */
function licenseMembers(license: IssuedLicense | null) {
  const expiresAt = license?.expiresAt ?? null;
  return {
    license_id: license?.licenseId ?? null,
    session_id: null,
    customer_name: license?.customer.name ?? null,
    product: license?.product ?? null,
    tier: license?.licenseType ?? null,
    features: license === null ? null : [...license.features],
    expires_at: expiresAt === null ? null : formatInstant(expiresAt),
    document: (license?.claims ?? null) as z.output<typeof wire.validateResponse>['document'],
  };
}
