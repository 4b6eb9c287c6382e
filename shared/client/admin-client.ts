/**
 * The client of the operators' API: customers, licences, statistics. One method a call, over `fetch`.
 *
 * Every write carries an `Idempotency-Key` that is made once a call, so an attempt that is repeated after a failure is
 * carried out once. Give one to repeat a call of before.
 *
 * @example
 * const admin = createAdminClient({ baseUrl: 'https://licenses.example.com', apiKey });
 * await admin.customers.create({ id: 'acme-gmbh', name: 'ACME GmbH' });
 * for await (const license of admin.licenses.all({ customer_id: 'acme-gmbh' })) console.log(license.id);
 */
import type { z } from 'zod';
import { OperatorError } from '../operator-error.ts';
import type * as licenses from '../wire/admin-licenses.ts';
import type * as customers from '../wire/customers.ts';
import type { DeliverResponse, deliverRequest } from '../wire/deliver.ts';
import type { ImportResponse, importRequest } from '../wire/import.ts';
import type * as activations from '../wire/licensing.ts';
import { depthProblem, MAX_PAGE_SIZE } from '../wire/paging.ts';
import { ServiceError } from './client.ts';
import { type RetryOptions, retryingFetch } from './retrying-fetch.ts';

export interface AdminClientOptions extends Partial<RetryOptions> {
  readonly baseUrl: string;
  readonly apiKey: string;
}

export interface WriteOptions {
  readonly idempotencyKey?: string;
  /** The entity tag that the object must still have. */
  readonly ifMatch?: string;
}

export type Customer = customers.Customer;
export type License = licenses.License;
export type IssuedLicense = z.output<typeof licenses.issuedLicense>;
export type LicenseDocument = z.output<typeof licenses.licenseDocument>;
export type IssueLicenseRequest = z.input<typeof licenses.issueLicenseRequest>;

/** Members of a query string; one that is undefined is left out. */
type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface PageQuery {
  readonly page?: number | undefined;
  readonly page_size?: number | undefined;
}

export interface CustomerFilter {
  readonly email?: string | undefined;
  readonly is_active?: boolean | undefined;
}

export interface LicenseFilter {
  readonly customer_id?: string | undefined;
  readonly module_name?: string | undefined;
  readonly license_type?: string | undefined;
  readonly status?: string | undefined;
  readonly email?: string | undefined;
}

interface Page {
  readonly total: number;
  readonly page: number;
  readonly page_size: number;
  readonly total_pages: number;
}

export type CustomerPage = Page & { readonly customers: readonly Customer[] };
export type LicensePage = Page & { readonly licenses: readonly License[] };

export type ActivationPage = z.output<typeof activations.listActivationsResponse>;

const DEFAULTS: RetryOptions = {
  timeoutMs: 15_000,
  attempts: 4,
  pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/** Every call rejects with `ServiceError` when the service refuses and with `UnreachableError` when none answers. */
export function createAdminClient({ baseUrl, apiKey, ...options }: AdminClientOptions) {
  const retries = { ...DEFAULTS, ...options };

  async function call<Answer>(path: string, init: RequestInit, query: Query = {}): Promise<Answer> {
    const headers = { ...(init.headers as Record<string, string>), 'x-api-key': apiKey };
    const response = await retryingFetch(urlOf(baseUrl, path, query), { ...init, headers }, retries);
    const text = await response.text();
    if (!response.ok) throw new ServiceError(response.status, problemOf(text));
    return JSON.parse(text) as Answer;
  }

  const read = <Answer>(path: string, query?: object) =>
    call<Answer>(path, { method: 'GET' }, query as Query | undefined);
  const write = <Answer>(
    method: string,
    path: string,
    body: object | undefined,
    options: WriteOptions = {},
  ) => call<Answer>(path, { method, ...bodyAndHeaders(body, options) });

  const listLicenses = (query: LicenseFilter & PageQuery = {}) =>
    read<LicensePage>('/api/v1/licenses', query);
  const listCustomers = (query: CustomerFilter & PageQuery = {}) =>
    read<CustomerPage>('/api/v1/customers', query);
  const listActivations = (id: string, query: PageQuery = {}) =>
    read<ActivationPage>(`${licensePath(id)}/activations`, query);
  const act = <Body extends object>(verb: string) => {
    return (id: string, body: Body, options?: WriteOptions) =>
      write<License>('POST', `${licensePath(id)}/${verb}`, body, options);
  };

  return {
    customers: {
      create: (request: z.input<typeof customers.createCustomerRequest>, options?: WriteOptions) =>
        write<Customer>('POST', '/api/v1/customers', request, options),
      list: listCustomers,
      /** Every customer that fits, page by page. */
      all: (filter: CustomerFilter = {}) => eachOf(listCustomers, filter, (page) => page.customers),
      get: (id: string) => read<Customer>(customerPath(id)),
      change: (
        id: string,
        changes: z.input<typeof customers.changeCustomerRequest>,
        options?: WriteOptions,
      ) => write<Customer>('PATCH', customerPath(id), changes, options),
      remove: (id: string, options?: WriteOptions) =>
        write<object>('DELETE', customerPath(id), undefined, options),
    },
    licenses: {
      issue: (request: IssueLicenseRequest, options?: WriteOptions) =>
        write<IssuedLicense>('POST', '/api/v1/licenses', request, options),
      /** Lines of the old ledger, as they are. */
      import: (request: z.input<typeof importRequest>, options?: WriteOptions) =>
        write<ImportResponse>('POST', '/api/v1/licenses/import', request, options),
      /** Sends a document by e-mail. */
      deliver: (id: string, request: z.input<typeof deliverRequest>, options?: WriteOptions) =>
        write<DeliverResponse>('POST', `${licensePath(id)}/deliver`, request, options),
      list: listLicenses,
      /** Every licence that fits, newest first, page by page. */
      all: (filter: LicenseFilter = {}) => eachOf(listLicenses, filter, (page) => page.licenses),
      get: (id: string) => read<License>(licensePath(id)),
      documents: (id: string, query: { readonly format?: string | undefined } = {}) =>
        read<{ readonly documents: readonly LicenseDocument[] }>(`${licensePath(id)}/documents`, query),
      renew: act<z.input<typeof licenses.renewRequest>>('renew'),
      suspend: act<z.input<typeof licenses.reasonRequest>>('suspend'),
      reinstate: (id: string, options?: WriteOptions) => act<object>('reinstate')(id, {}, options),
      transfer: act<z.input<typeof licenses.transferRequest>>('transfer'),
      revoke: (id: string, body: z.input<typeof licenses.reasonRequest>, options?: WriteOptions) =>
        write<{ readonly message: string; readonly license_id: string }>(
          'DELETE',
          `${licensePath(id)}/revoke`,
          body,
          options,
        ),
    },
    activations: {
      list: listActivations,
      /** Every activation of a licence, page by page. */
      all: (id: string) =>
        eachOf(
          (query: PageQuery) => listActivations(id, query),
          {},
          (page) => page.activations,
        ),
      end: (id: string, instance: string, options?: WriteOptions) =>
        write<z.output<typeof activations.endActivationResponse>>(
          'DELETE',
          `${licensePath(id)}/activations/${encodeURIComponent(instance)}`,
          undefined,
          options,
        ),
    },
    stats: () => read<licenses.LicenseStats>('/api/v1/admin/stats'),
  };
}

export type AdminClient = ReturnType<typeof createAdminClient>;

const customerPath = (id: string) => `/api/v1/customers/${encodeURIComponent(id)}`;
const licensePath = (id: string) => `/api/v1/licenses/${encodeURIComponent(id)}`;

function urlOf(baseUrl: string, path: string, query: Query): URL {
  const url = new URL(path, baseUrl);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

function bodyAndHeaders(body: object | undefined, { idempotencyKey, ifMatch }: WriteOptions): RequestInit {
  return {
    headers: {
      'idempotency-key': idempotencyKey ?? crypto.randomUUID(),
      ...(ifMatch !== undefined && { 'if-match': ifMatch }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
}

/** What stands between the service and its caller may answer with a page of its own. */
function problemOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const problem: unknown = JSON.parse(text);
    return typeof problem === 'object' && problem !== null ? { ...problem } : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** @throws OperatorError before the first item when there are more than pages reach */
async function* eachOf<Filter extends object, PageOf extends Page, Item>(
  list: (query: Filter & PageQuery) => Promise<PageOf>,
  filter: Filter,
  itemsOf: (page: PageOf) => readonly Item[],
): AsyncGenerator<Item> {
  for (let page = 1; ; page += 1) {
    const answer = await list({ ...filter, page, page_size: MAX_PAGE_SIZE });
    const problem = depthProblem({ page: answer.total_pages, page_size: MAX_PAGE_SIZE });
    if (page === 1 && problem !== undefined) throw new OperatorError(`There are ${answer.total}. ${problem}`);
    yield* itemsOf(answer);
    if (page >= answer.total_pages) return;
  }
}
