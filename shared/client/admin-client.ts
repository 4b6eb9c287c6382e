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
import type { listProductsResponse } from '../wire/products.ts';
import type { RemindResponse, remindRequest } from '../wire/remind.ts';
import { apiKeyCalls } from './admin-api-keys.ts';
import { auditCalls } from './admin-audit.ts';
import { ServiceError } from './client.ts';
import { type RetryOptions, retryingFetch } from './retrying-fetch.ts';

export interface AdminClientOptions extends Partial<RetryOptions> {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Told where in the store records are that a list had to leave out, because the service cannot read them. */
  readonly onDamaged?: (paths: readonly string[]) => void;
}

export interface WriteOptions {
  readonly idempotencyKey?: string;
  /** The entity tag that the object must still have. */
  readonly ifMatch?: string;
}

export type Customer = customers.Customer;
export type License = licenses.License;
export type ListedLicense = licenses.ListedLicense;
export type IssuedLicense = z.output<typeof licenses.issuedLicense>;
export type ProductTable = z.output<typeof listProductsResponse>['products'];
export type LicenseDocument = z.output<typeof licenses.licenseDocument>;
export type IssueLicenseRequest = z.input<typeof licenses.issueLicenseRequest>;
export type ChangeLicenseRequest = z.input<typeof licenses.changeLicenseRequest>;

/** An object with the tag that `ifMatch` takes; null where what stands in between has taken it away. */
export interface Tagged<Value> {
  readonly value: Value;
  readonly etag: string | null;
}

/** Members of a query string; one that is undefined is left out. */
type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface PageQuery {
  readonly page?: number | undefined;
  readonly page_size?: number | undefined;
}

interface WalkQuery {
  readonly cursor?: string | undefined;
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

/** Of a list: `expiring_within_days` finds active ones, the first to end first. */
export interface LicenseListFilter extends LicenseFilter {
  readonly expiring_within_days?: number | undefined;
}

export interface DocumentsFilter {
  readonly format?: string | undefined;
  /** Only what can be delivered; a licence that does not hold is refused. */
  readonly deliverable?: boolean | undefined;
}

interface Page {
  readonly total: number;
  readonly page: number;
  readonly page_size: number;
  readonly total_pages: number;
}

interface Damaged {
  readonly damaged?: readonly string[];
}

/** Of a list that is longer than numbered pages reach. */
interface Walked {
  readonly next_cursor: string | null;
}

export type CustomerPage = Page & Walked & Damaged & { readonly customers: readonly Customer[] };
export type LicensePage = Page & Walked & Damaged & { readonly licenses: readonly ListedLicense[] };

export type ActivationPage = z.output<typeof activations.listActivationsResponse>;

const DEFAULTS: RetryOptions = {
  timeoutMs: 15_000,
  attempts: 4,
  pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/** Every call rejects with `ServiceError` when the service refuses and with `UnreachableError` when none answers. */
export function createAdminClient({ baseUrl, apiKey, onDamaged, ...options }: AdminClientOptions) {
  const retries = { ...DEFAULTS, ...options };

  async function respond(path: string, init: RequestInit, query: Query = {}) {
    const headers = { ...(init.headers as Record<string, string>), 'x-api-key': apiKey };
    const response = await retryingFetch(urlOf(baseUrl, path, query), { ...init, headers }, retries);
    const text = await response.text();
    if (!response.ok) throw new ServiceError(response.status, problemOf(text));
    return { text, headers: response.headers };
  }

  async function call<Answer>(path: string, init: RequestInit, query?: Query): Promise<Answer> {
    return JSON.parse((await respond(path, init, query)).text) as Answer;
  }

  const readText = (path: string, query?: object) =>
    respond(path, { method: 'GET' }, query as Query | undefined);
  const read = async <Answer>(path: string, query?: object) => {
    const answer = await call<Answer & Damaged>(path, { method: 'GET' }, query as Query | undefined);
    if (answer.damaged !== undefined) onDamaged?.(answer.damaged);
    return answer as Answer;
  };
  const readTagged = async <Value>(path: string): Promise<Tagged<Value>> => {
    const { text, headers } = await readText(path);
    return { value: JSON.parse(text) as Value, etag: headers.get('etag') };
  };
  const write = <Answer>(
    method: string,
    path: string,
    body: object | undefined,
    options: WriteOptions = {},
  ) => call<Answer>(path, { method, ...bodyAndHeaders(body, options) });

  const listLicenses = (query: LicenseListFilter & (PageQuery | WalkQuery) = {}) =>
    read<LicensePage>('/api/v1/licenses', query);
  const listCustomers = (query: CustomerFilter & (PageQuery | WalkQuery) = {}) =>
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
      list: (query?: CustomerFilter & PageQuery) => listCustomers(query),
      /** Every customer that fits, in the order of their ids; a page of them is held at a time. */
      all: (filter: CustomerFilter = {}) => walk(listCustomers, filter, (page) => page.customers),
      get: (id: string) => read<Customer>(customerPath(id)),
      getTagged: (id: string) => readTagged<Customer>(customerPath(id)),
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
      /** Reminds by e-mail that it ends. */
      remind: (id: string, request: z.input<typeof remindRequest> = {}, options?: WriteOptions) =>
        write<RemindResponse>('POST', `${licensePath(id)}/remind`, request, options),
      list: (query?: LicenseListFilter & PageQuery) => listLicenses(query),
      /** Every licence that fits, in the order of the list; a page of them is held at a time. */
      all: (filter: LicenseListFilter = {}) => walk(listLicenses, filter, (page) => page.licenses),
      get: (id: string) => read<License>(licensePath(id)),
      getTagged: (id: string) => readTagged<License>(licensePath(id)),
      change: (id: string, changes: ChangeLicenseRequest, options?: WriteOptions) =>
        write<License>('PATCH', licensePath(id), changes, options),
      /** Has it signed in one more format. */
      issueDocument: (
        id: string,
        request: z.input<typeof licenses.issueDocumentRequest>,
        options?: WriteOptions,
      ) => write<LicenseDocument>('POST', `${licensePath(id)}/documents`, request, options),
      documents: (id: string, query: DocumentsFilter = {}) =>
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
    /** What is sold. */
    products: () => read<z.output<typeof listProductsResponse>>('/api/v1/products'),
    /** How many licences fit. */
    stats: (filter: LicenseFilter = {}) => read<licenses.LicenseStats>('/api/v1/admin/stats', filter),
    audit: auditCalls({ read, readText }),
    apiKeys: apiKeyCalls({ read, write }),
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

/**
 * From cursor to cursor, to the end of the list.
 * @throws OperatorError when the service has no cursors: what it lists would be taken for all there is
 */
async function* walk<Filter extends object, PageOf extends Walked, Item>(
  list: (query: Filter & WalkQuery) => Promise<PageOf>,
  filter: Filter,
  itemsOf: (page: PageOf) => readonly Item[],
): AsyncGenerator<Item> {
  for (let cursor: string | undefined; ; ) {
    const answer = await list({ ...filter, page_size: MAX_PAGE_SIZE, cursor });
    yield* itemsOf(answer);
    const { next_cursor: next }: Partial<Walked> = answer;
    if (next === null) return;
    if (next === undefined)
      throw new OperatorError('The service is older than this client. Update it first.');
    cursor = next;
  }
}
