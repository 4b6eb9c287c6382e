/** Reminders by e-mail that licences end. */
import type { Mailer } from '../../shared/ports/mailer.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { remindOfEnd } from '../../shared/usecases/remind-of-end.ts';
import { remindRequest, remindResponse } from '../../shared/wire/remind.ts';
import { type Endpoint, post } from '../http/endpoint.ts';

/** Without a mailer nothing is sent, and the answer says so. */
export function remindEndpoints(ports: Ports, mailer: Mailer | undefined): Endpoint[] {
  return [
    post({
      operationId: 'remindOfEnd',
      path: '/api/v1/licenses/{id}/remind',
      summary: 'Remind by e-mail that a licence ends',
      description:
        'Writes to the holder, or else to the customer, once for each end of the licence. The letter holds neither the licence nor its key.',
      tag: 'licenses',
      access: 'licenses:write',
      request: remindRequest,
      response: remindResponse,
      errors: [
        'license_not_found',
        'license_revoked',
        'license_suspended',
        'license_expired',
        'not_remindable',
        'idempotency_conflict',
        'mail_refused',
        'mail_unavailable',
        'store_unavailable',
      ],
      idempotent: true,
      handle: async ({ caller, idempotencyKey, raw, params, body }) => {
        const { id: licenseId = '' } = params;
        const call = { caller, idempotencyKey, raw, licenseId, body };
        const { answer, replayed } = await remindOfEnd(ports, mailer, call);
        return { body: answer, ...(replayed && { headers: { 'idempotent-replayed': 'true' } }) };
      },
    }),
  ];
}
