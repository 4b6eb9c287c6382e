/** What a scheduler calls. The platform says who may: the function is deployed without public access. */
import type { Ports } from '../../shared/ports/ports.ts';
import type { Settings } from '../../shared/usecases/settings.ts';
import { sweep } from '../../shared/usecases/sweep.ts';
import { sweepReport, sweepRequest } from '../../shared/wire/maintenance.ts';
import { type Endpoint, post } from '../http/endpoint.ts';

export function maintenanceEndpoints(ports: Ports, settings: Settings): Endpoint[] {
  return [
    post({
      operationId: 'sweep',
      path: '/api/v1/maintenance/sweep',
      summary: 'End sessions whose lease is over',
      description:
        'Also forgets expired idempotency keys and settles lowered seats. Safe beside clients and beside another sweep.',
      tag: 'maintenance',
      access: 'public',
      request: sweepRequest,
      response: sweepReport,
      errors: ['store_unavailable'],
      handle: async () => ({ body: await sweep(ports, settings) }),
    }),
  ];
}
