/** What installations with a CAIO licence call, and whoever has a licence as text: `renew` takes any format. */
import type { z } from 'zod';
import { daysLeft } from '../../shared/days-left.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { activate, type InstanceClaim } from '../../shared/usecases/activate.ts';
import { deactivate } from '../../shared/usecases/deactivate.ts';
import { renewDocument } from '../../shared/usecases/licensing-renew.ts';
import {
  instanceStatus,
  type LicensingStatus,
  validateCaio,
} from '../../shared/usecases/licensing-status.ts';
import type { Settings } from '../../shared/usecases/settings.ts';
import { formatInstant } from '../../shared/wire/document.ts';
import * as wire from '../../shared/wire/licensing.ts';
import { type Endpoint, type EndpointRequest, get, post } from '../http/endpoint.ts';

const REFUSALS = [
  'license_not_accepted',
  'license_not_found',
  'license_expired',
  'license_revoked',
  'license_suspended',
  'license_transferred',
  'legacy_sunset',
] as const;
const OUTAGES = ['signing_unavailable', 'store_unavailable'] as const;

export function licensingEndpoints(ports: Ports, settings: Settings): Endpoint[] {
  return [
    post({
      operationId: 'activateInstance',
      path: '/api/v1/licensing/activate',
      summary: 'Count this instance among those of its licence',
      description: 'Activating it again changes nothing.',
      tag: 'licenses',
      access: 'public',
      instance: 'required',
      request: wire.licensingRequest,
      response: wire.licensingResponse,
      errors: [...REFUSALS, 'activations_exhausted', 'activation_not_found', ...OUTAGES],
      idempotent: true,
      handle: async (request) => {
        const { status, replayed } = await activate(ports, settings, claimOf(request));
        return { body: toWire(status), ...replayedHeader(replayed) };
      },
    }),
    post({
      operationId: 'validateInstance',
      path: '/api/v1/licensing/validate',
      summary: 'Check a CAIO licence, and whether this instance is activated',
      description: 'Answers 200 with `valid: false` and a code for a licence that does not hold.',
      tag: 'licenses',
      access: 'public',
      instance: 'optional',
      request: wire.licensingRequest,
      response: wire.licensingResponse,
      errors: OUTAGES,
      handle: async ({ body, instanceId }) => ({
        body: toWire(await validateCaio(ports, settings, { text: body.license_key, instanceId })),
      }),
    }),
    post({
      operationId: 'renewInstance',
      path: '/api/v1/licensing/renew',
      summary: 'Fetch the newest document of a licence that the operator has renewed or re-issued',
      description:
        'In the format that is sent: AEGIS, CAIO or DTLIC2. The document that is sent is what proves whose the licence is.',
      tag: 'licenses',
      access: 'public',
      instance: 'optional',
      request: wire.licensingRenewRequest,
      response: wire.licensingRenewResponse,
      errors: [...REFUSALS, ...OUTAGES],
      handle: async ({ body, instanceId }) => {
        const presented = { text: body.license_key, instanceId };
        const { text, isRenewed, expiresAt, now } = await renewDocument(ports, settings, presented);
        return { body: { license_key: text, renewed: isRenewed, ...termOf(expiresAt, now) } };
      },
    }),
    post({
      operationId: 'deactivateInstance',
      path: '/api/v1/licensing/deactivate',
      summary: 'Give the instance back',
      description: 'Deactivating it again changes nothing.',
      tag: 'licenses',
      access: 'public',
      instance: 'required',
      request: wire.licensingRequest,
      response: wire.licensingDeactivateResponse,
      errors: ['license_not_accepted', 'legacy_sunset', ...OUTAGES],
      idempotent: true,
      handle: async (request) => {
        const { deactivated, replayed } = await deactivate(ports, settings, claimOf(request));
        return { body: { deactivated }, ...replayedHeader(replayed) };
      },
    }),
    get({
      operationId: 'instanceStatus',
      path: '/api/v1/licensing/status',
      summary: 'What the licence of an activated instance allows',
      description: 'Of the licence that the instance activated last.',
      tag: 'licenses',
      access: 'public',
      instance: 'required',
      response: wire.licensingResponse,
      errors: ['invalid_request', 'activation_not_found', ...OUTAGES],
      handle: async ({ instanceId = '' }) => ({ body: toWire(await instanceStatus(ports, instanceId)) }),
    }),
  ];
}

type ClaimRequest = EndpointRequest<z.output<typeof wire.licensingRequest>>;

function claimOf({ body, raw, instanceId = '', idempotencyKey }: ClaimRequest): InstanceClaim {
  return { text: body.license_key, instanceId, idempotencyKey, body: raw };
}

const replayedHeader = (replayed: boolean) =>
  replayed ? { headers: { 'idempotent-replayed': 'true' } } : {};

function toWire(status: LicensingStatus): z.output<typeof wire.licensingResponse> {
  const { terms, refusal, activation, instancesInUse, endsAt, notice, now } = status;
  const told = refusal ?? notice;
  return {
    valid: refusal === undefined,
    code: told?.code ?? null,
    error: told?.detail ?? null,
    activated: activation !== undefined,
    customer_id: terms?.customer_id ?? null,
    license_type: terms?.license_type ?? null,
    features: terms?.features ?? null,
    limits: terms === undefined ? null : limitsOf(terms),
    ...termOf(endsAt, now),
    instances_in_use: instancesInUse,
    first_seen_at: activation === undefined ? null : formatInstant(activation.first_seen_at),
    last_seen_at: activation === undefined ? null : formatInstant(activation.last_seen_at),
  };
}

function limitsOf(terms: NonNullable<LicensingStatus['terms']>) {
  const { max_instances, max_services, max_requests_per_day } = terms;
  return { max_instances, max_services, max_requests_per_day };
}

function termOf(expiresAt: number | null, now: number) {
  if (expiresAt === null) return { expires_at: null, days_left: null };
  return { expires_at: formatInstant(expiresAt), days_left: daysLeft(expiresAt, now) };
}
