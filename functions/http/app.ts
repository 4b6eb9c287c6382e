/**
 * Turns endpoint rows into an HTTP application: routing, strict parsing, validation, problem+json, CORS and one
 * log line a request.
 */
import { type Context, Hono } from 'hono';
import type { Caller } from '../../shared/access/caller.ts';
import type { JsonObject } from '../../shared/canonical/strict-json.ts';
import { CountersignError } from '../../shared/errors.ts';
import type { Authenticate } from '../../shared/ports/authenticate.ts';
import type { Log } from '../../shared/ports/log.ts';
import { checkBody, parseBody } from './body.ts';
import { corsMiddleware } from './cors.ts';
import type { Endpoint, EndpointAnswer } from './endpoint.ts';
import { describeDamage, describeError } from './error-log.ts';
import type { GuardedRequest } from './framework.ts';
import { INSTANCE_HEADER, readInstanceId } from './instance-id.ts';
import { problemOf } from './problem.ts';
import { checkQuery } from './query.ts';
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.ts';
import { sourceOf } from './source.ts';

export interface AppOptions {
  readonly endpoints: readonly Endpoint[];
  /** Who calls; needed where an endpoint is not public. */
  readonly authenticate?: Authenticate | undefined;
  /** How many entries trusted proxies append to `X-Forwarded-For`; 0 believes no header. */
  readonly trustedProxies?: number;
  /** Origins whose pages may call; none by default. */
  readonly allowedOrigins: readonly string[];
  readonly log: Log;
}

interface Env {
  Bindings: { incoming: GuardedRequest };
}

export type App = Hono<Env>;

/** What a log line says of a request, beside its status. */
interface Outcome {
  readonly response: Response;
  readonly route?: string;
  readonly error?: unknown;
  readonly code?: string;
  /** Of the answer. */
  readonly damaged?: readonly string[] | undefined;
}

/** Printable ASCII without spaces, as the Idempotency-Key draft has it. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

export function createApp(options: AppOptions): App {
  const { endpoints, allowedOrigins, log } = options;
  // Not strict: every path works with and without a trailing slash.
  const app: App = new Hono<Env>({ strict: false });
  if (allowedOrigins.length > 0) app.use(corsMiddleware(allowedOrigins));
  for (const [path, rows] of byPath(endpoints)) {
    for (const row of rows)
      app.on(
        row.method,
        routeOf(path),
        logged(log, (c, id) => run(options, row, c, id)),
      );
    app.all(
      routeOf(path),
      logged(log, async (c, id) => otherMethod(rows, c, id)),
    );
  }
  app.notFound(
    logged(log, async (_, id) =>
      failed(id, new CountersignError('not_found', 'This service has no such path.')),
    ),
  );
  return app;
}

function logged(log: Log, handle: (c: Context<Env>, requestId: string) => Promise<Outcome>) {
  return async (c: Context<Env>): Promise<Response> => {
    const started = performance.now();
    const requestId = c.env.incoming.requestId ?? requestIdOf(c.req.header(REQUEST_ID_HEADER));
    const { response, route, error, code, damaged } = await handle(c, requestId);
    log.write({
      severity: response.status < 500 ? 'INFO' : 'ERROR',
      message: 'request',
      request_id: requestId,
      method: c.req.method,
      ...(route !== undefined && { route }),
      status: response.status,
      ...(code !== undefined && { code }),
      latency_ms: Math.round((performance.now() - started) * 10) / 10,
      ...(response.status >= 500 && describeError(error)),
    });
    if (damaged !== undefined) log.write({ ...describeDamage(damaged), request_id: requestId });
    return response;
  };
}

async function run(
  options: AppOptions,
  endpoint: Endpoint,
  c: Context<Env>,
  requestId: string,
): Promise<Outcome> {
  try {
    const answer = await handle(options, endpoint, c, requestId);
    const { damaged } = answer;
    return { response: toResponse(endpoint, answer, requestId), route: endpoint.path, damaged };
  } catch (error) {
    return { ...failed(requestId, error), route: endpoint.path };
  }
}

async function handle(
  options: AppOptions,
  endpoint: Endpoint,
  c: Context<Env>,
  requestId: string,
): Promise<EndpointAnswer> {
  // Before the body is looked at: who may not call learns nothing of what would be wrong with it.
  const caller = await callerOf(options, endpoint, c, requestId);
  const raw = endpoint.request === undefined ? {} : readBody(c);
  return endpoint.handle({
    body: endpoint.request && checkBody(endpoint.request, raw),
    raw,
    bytes: c.env.incoming.rawBody,
    params: c.req.param(),
    query: endpoint.query && checkQuery(endpoint.query, new URL(c.req.url).searchParams),
    idempotencyKey: endpoint.idempotent ? readIdempotencyKey(c) : undefined,
    ifMatch: endpoint.conditional ? c.req.header('if-match') : undefined,
    instanceId: readInstanceId(endpoint, c.req.header(INSTANCE_HEADER)),
    caller,
  });
}

async function callerOf(
  { authenticate, trustedProxies = 0 }: AppOptions,
  { access }: Endpoint,
  c: Context<Env>,
  requestId: string,
): Promise<Caller> {
  const source = sourceOf(c.env.incoming, trustedProxies);
  if (access === 'public')
    return { actor: 'anonymous', scopes: new Set(), customerId: null, source, requestId };
  const credentials = { apiKey: c.req.header('x-api-key'), authorization: c.req.header('authorization') };
  const caller = await authenticate?.(credentials, { source, requestId });
  if (caller === undefined)
    throw new CountersignError('unauthenticated', 'Send an API key in X-API-Key, or an ID token.');
  if (!caller.scopes.has(access))
    throw new CountersignError(
      'forbidden',
      `This needs the scope ${access}, which the caller does not have.`,
    );
  return caller;
}

function readBody(c: Context<Env>): JsonObject {
  const { rawBody, bodyError } = c.env.incoming;
  if (bodyError !== undefined) throw bodyError;
  return parseBody(rawBody, c.req.header('content-type'), c.req.header('content-encoding'));
}

function readIdempotencyKey(c: Context<Env>): string | undefined {
  const key = c.req.header('idempotency-key');
  if (key === undefined || IDEMPOTENCY_KEY.test(key)) return key;
  throw new CountersignError(
    'invalid_request',
    'Idempotency-Key must be 1 to 255 printable ASCII characters without spaces.',
    {
      errors: [{ pointer: '', detail: 'The Idempotency-Key header is not valid.' }],
    },
  );
}

function toResponse(
  { success = 200 }: Endpoint,
  { status = success, body, headers }: EndpointAnswer,
  requestId: string,
): Response {
  const isJson = typeof body === 'object' && !(body instanceof Uint8Array);
  return new Response(isJson ? JSON.stringify(body) : (body as string | Uint8Array<ArrayBuffer>), {
    status,
    headers: {
      ...(isJson && { 'content-type': 'application/json' }),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      [REQUEST_ID_HEADER]: requestId,
      ...headers,
    },
  });
}

function failed(requestId: string, error: unknown): Outcome {
  const { status, body, headers, code } = problemOf(error, requestId);
  return { response: new Response(body, { status, headers }), error, code };
}

function otherMethod(rows: readonly Endpoint[], c: Context<Env>, requestId: string): Outcome {
  const route = rows[0]?.path ?? '';
  const methods = rows.map(({ method }) => method);
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  if (c.req.method === 'OPTIONS') {
    return {
      response: new Response(null, { status: 204, headers: { allow, [REQUEST_ID_HEADER]: requestId } }),
      route,
    };
  }
  const refusal = failed(
    requestId,
    new CountersignError('method_not_allowed', `Use ${methods.join(' or ')} here.`),
  );
  refusal.response.headers.set('allow', allow);
  return { ...refusal, route };
}

function byPath(endpoints: readonly Endpoint[]): Map<string, Endpoint[]> {
  const paths = new Map<string, Endpoint[]>();
  for (const endpoint of endpoints) paths.set(endpoint.path, [...(paths.get(endpoint.path) ?? []), endpoint]);
  return paths;
}

/** From OpenAPI's `/keys/{kid}.pem` to Hono's `/keys/:kid{[^/]+\.pem}`; the suffix stays in the parameter. */
function routeOf(path: string): string {
  return path.replace(/\{(\w+)\}(\.\w+)?/g, (_, name: string, suffix?: string) =>
    suffix === undefined ? `:${name}` : `:${name}{[^/]+\\${suffix}}`,
  );
}
