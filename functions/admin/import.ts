/** The import of the ledger of the system before. */
import type { Ports } from '../../shared/ports/ports.ts';
import { importLedger } from '../../shared/usecases/import-ledger.ts';
import type { Settings } from '../../shared/usecases/settings.ts';
import { importRequest, importResponse } from '../../shared/wire/import.ts';
import { type Endpoint, post } from '../http/endpoint.ts';

export function importEndpoints(ports: Ports, settings: Settings): Endpoint[] {
  return [
    post({
      operationId: 'importLedger',
      path: '/api/v1/licenses/import',
      summary: 'Import lines of the DataTools ledger',
      description:
        'Each line becomes a licence with its document, once. A line that is refused holds up no other; importing a line again changes nothing.',
      tag: 'licenses',
      access: 'licenses:write',
      request: importRequest,
      response: importResponse,
      errors: [
        'customer_not_found',
        'customer_inactive',
        'idempotency_conflict',
        'signing_unavailable',
        'store_unavailable',
      ],
      idempotent: true,
      handle: async ({ caller, idempotencyKey, raw, body }) => {
        const { answer, replayed } = await importLedger(ports, settings, {
          caller,
          idempotencyKey,
          raw,
          body,
        });
        return { body: answer, ...(replayed && { headers: { 'idempotent-replayed': 'true' } }) };
      },
    }),
  ];
}
