/** Licences by e-mail. */
import type { Mailer } from '../../shared/ports/mailer.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { deliverDocument } from '../../shared/usecases/deliver-document.ts';
import type { Settings } from '../../shared/usecases/settings.ts';
import { deliverRequest, deliverResponse } from '../../shared/wire/deliver.ts';
import { type Endpoint, post } from '../http/endpoint.ts';

/** Without a mailer nothing is sent, and the answer says so. */
export function deliverEndpoints(ports: Ports, settings: Settings, mailer: Mailer | undefined): Endpoint[] {
  return [
    post({
      operationId: 'deliverDocument',
      path: '/api/v1/licenses/{id}/deliver',
      summary: 'Send a document of a licence by e-mail',
      description:
        'Sends the newest document in the format that names whose the licence is now and that a key still verifies, as it was issued. With the same `Idempotency-Key` nothing is sent that may have been sent.',
      tag: 'licenses',
      access: 'licenses:write',
      request: deliverRequest,
      response: deliverResponse,
      errors: [
        'license_not_found',
        'license_revoked',
        'license_suspended',
        'license_expired',
        'document_not_found',
        'idempotency_conflict',
        'mail_refused',
        'mail_unavailable',
        'signing_unavailable',
        'store_unavailable',
      ],
      idempotent: true,
      handle: async ({ caller, idempotencyKey, raw, params, body }) => {
        const { id: licenseId = '' } = params;
        const call = { caller, idempotencyKey, raw, licenseId, body };
        const { answer, replayed } = await deliverDocument(ports, settings, mailer, call);
        return { body: answer, ...(replayed && { headers: { 'idempotent-replayed': 'true' } }) };
      },
    }),
  ];
}
