/** Customers, as operators keep them. */
import type { JsonObject } from '../../shared/canonical/strict-json.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { changeCustomer } from '../../shared/usecases/change-customer.ts';
import { createCustomer } from '../../shared/usecases/create-customer.ts';
import { deleteCustomer } from '../../shared/usecases/delete-customer.ts';
import { entityTag } from '../../shared/usecases/entity-tag.ts';
import { getCustomer } from '../../shared/usecases/get-customer.ts';
import { listCustomers } from '../../shared/usecases/list-customers.ts';
import * as wire from '../../shared/wire/customers.ts';
import { type Endpoint, type EndpointAnswer, get, listed, patch, post, remove } from '../http/endpoint.ts';

const REPLAYED = { 'idempotent-replayed': 'true' };
const WRITE_ERRORS = ['idempotency_conflict', 'store_unavailable'] as const;

const COLLECTION = '/api/v1/customers';
const ONE = '/api/v1/customers/{id}';

export function customerEndpoints(ports: Ports): Endpoint[] {
  return [
    post({
      operationId: 'createCustomer',
      path: COLLECTION,
      summary: 'Create a customer',
      tag: 'customers',
      access: 'customers:write',
      request: wire.createCustomerRequest,
      response: wire.customer,
      success: 201,
      answerHeaders: ['ETag'],
      errors: ['customer_exists', 'customer_id_taken', ...WRITE_ERRORS],
      idempotent: true,
      handle: async ({ caller, idempotencyKey, raw, body }) =>
        tagged(201, await createCustomer(ports, { caller, idempotencyKey, body: raw }, body)),
    }),
    get({
      operationId: 'listCustomers',
      path: COLLECTION,
      summary: 'List customers by id',
      tag: 'customers',
      access: 'customers:read',
      query: wire.listCustomersQuery,
      response: wire.listCustomersResponse,
      errors: ['store_unavailable'],
      handle: async ({ caller, query }) => listed(await listCustomers(ports.store, caller, query)),
    }),
    get({
      operationId: 'getCustomer',
      path: ONE,
      summary: 'One customer',
      tag: 'customers',
      access: 'customers:read',
      response: wire.customer,
      answerHeaders: ['ETag'],
      errors: ['customer_not_found', 'store_unavailable'],
      handle: async ({ caller, params: { id = '' } }) =>
        tagged(200, { answer: await getCustomer(ports.store, caller, id), replayed: false }),
    }),
    patch({
      operationId: 'changeCustomer',
      path: ONE,
      summary: 'Change a customer',
      description:
        'Members that are not sent stay as they are. Licences keep the name that they were issued to.',
      tag: 'customers',
      access: 'customers:write',
      request: wire.changeCustomerRequest,
      response: wire.customer,
      answerHeaders: ['ETag'],
      errors: ['customer_not_found', 'precondition_failed', ...WRITE_ERRORS],
      idempotent: true,
      conditional: true,
      handle: async ({ caller, idempotencyKey, ifMatch, params: { id = '' }, raw, body }) =>
        tagged(200, await changeCustomer(ports, { caller, idempotencyKey, ifMatch, id, body: raw }, body)),
    }),
    remove({
      operationId: 'deleteCustomer',
      path: ONE,
      summary: 'Delete a customer that has no licences and no API keys in force',
      description: 'Its id is not given again.',
      tag: 'customers',
      access: 'customers:write',
      response: wire.deletedCustomer,
      errors: ['customer_not_found', 'customer_in_use', 'precondition_failed', ...WRITE_ERRORS],
      idempotent: true,
      conditional: true,
      handle: async ({ caller, idempotencyKey, ifMatch, params: { id = '' } }) => {
        const request = { caller, idempotencyKey, ifMatch, id, body: {} };
        const { answer, replayed } = await deleteCustomer(ports, request);
        return { body: answer, ...(replayed && { headers: REPLAYED }) };
      },
    }),
  ];
}

async function tagged(
  status: 200 | 201,
  { answer, replayed }: { readonly answer: JsonObject; readonly replayed: boolean },
): Promise<EndpointAnswer> {
  return { status, body: answer, headers: { etag: await entityTag(answer), ...(replayed && REPLAYED) } };
}
