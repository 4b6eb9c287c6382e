/** Where a licence runs, for operators. */
import type { Ports } from '../../shared/ports/ports.ts';
import { endActivation } from '../../shared/usecases/activations-end.ts';
import { listActivations } from '../../shared/usecases/activations-list.ts';
import { formatInstant } from '../../shared/wire/document.ts';
import * as wire from '../../shared/wire/licensing.ts';
import { type Endpoint, get, listed, remove } from '../http/endpoint.ts';

export function activationEndpoints(ports: Ports): Endpoint[] {
  return [
    get({
      operationId: 'listActivations',
      path: '/api/v1/licenses/{id}/activations',
      summary: 'Instances that a licence is activated on',
      tag: 'licenses',
      access: 'licenses:read',
      query: wire.listActivationsQuery,
      response: wire.listActivationsResponse,
      errors: ['invalid_request', 'license_not_found', 'store_unavailable'],
      handle: async ({ params: { id = '' }, query, caller }) => {
        const { activations, maxInstances, paging } = await listActivations(ports, caller, id, query);
        return listed({ activations: activations.map(toWire), max_instances: maxInstances, ...paging });
      },
    }),
    remove({
      operationId: 'endActivation',
      path: '/api/v1/licenses/{id}/activations/{instance}',
      summary: 'End an activation, so that another instance can have its place',
      description: '`instance` is the hash that the list says.',
      tag: 'licenses',
      access: 'licenses:write',
      idempotent: true,
      response: wire.endActivationResponse,
      errors: ['license_not_found', 'activation_not_found', 'idempotency_conflict', 'store_unavailable'],
      handle: async ({ params: { id = '', instance = '' }, idempotencyKey, caller }) => {
        const ending = { licenseId: id, instance };
        const { answer, replayed } = await endActivation(ports, { caller, idempotencyKey }, ending);
        return { body: answer, ...(replayed && { headers: { 'idempotent-replayed': 'true' } }) };
      },
    }),
  ];
}

type Listed = Awaited<ReturnType<typeof listActivations>>['activations'][number];

function toWire({ instance, isLive, format, kid, first_seen_at, last_seen_at }: Listed) {
  return {
    instance,
    live: isLive,
    format,
    key_id: kid,
    first_seen_at: formatInstant(first_seen_at),
    last_seen_at: formatInstant(last_seen_at),
  };
}
