/**
 * Turns endpoint rows into an HTTP application: routing, strict parsing, validation, problem+json, CORS and one
 * log line a request.
 */
import { type Context, Hono } from 'hono';
import { CountersignError } from '../../shared/errors.ts';
import type { Log } from '../../shared/ports/log.ts';
import { checkBody, parseBody } from './body.ts';
import { corsMiddleware } from './cors.ts';
import type { Endpoint, EndpointAnswer } from './endpoint.ts';
import { describeError } from './error-log.ts';
import type { GuardedRequest } from './framework.ts';
import { problemOf } from './problem.ts';
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.ts';

export interface AppOptions {
  readonly endpoints: readonly Endpoint[];
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
}

/** Printable ASCII without spaces, as the Idempotency-Key draft has it. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

export function createApp({ endpoints, allowedOrigins, log }: AppOptions): App {
  // Not strict: every path works with and without a trailing slash.
  const app: App = new Hono<Env>({ strict: false });
  if (allowedOrigins.length > 0) app.use(corsMiddleware(allowedOrigins));
  for (const [path, rows] of byPath(endpoints)) {
    for (const row of rows)
      app.on(
        row.method,
        routeOf(path),
        logged(log, (c, id) => run(row, c, id)),
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
    const { response, route, error, code } = await handle(c, requestId);
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
    return response;
  };
}

async function run(endpoint: Endpoint, c: Context<Env>, requestId: string): Promise<Outcome> {
  try {
    const answer = await handle(endpoint, c);
    return { response: toResponse(answer, requestId), route: endpoint.path };
  } catch (error) {
    return { ...failed(requestId, error), route: endpoint.path };
  }
}

function handle(endpoint: Endpoint, c: Context<Env>): Promise<EndpointAnswer> {
  const params = c.req.param();
  if (endpoint.method === 'GET')
    return endpoint.handle({ body: undefined, raw: {}, params, idempotencyKey: undefined });
  const { rawBody, bodyError } = c.env.incoming;
  if (bodyError !== undefined) throw bodyError;
  const raw = parseBody(rawBody, c.req.header('content-type'), c.req.header('content-encoding'));
  const idempotencyKey = endpoint.idempotent ? readIdempotencyKey(c) : undefined;
  return endpoint.handle({ body: checkBody(endpoint.request, raw), raw, params, idempotencyKey });
}

function readIdempotencyKey(c: Context<Env>): string | undefined {
  const key = c.req.header('idempotency-key');
  if (key === undefined || IDEMPOTENCY_KEY.test(key)) return key;
  throw new CountersignError(
    'invalid_request',
    'Idempotency-Key must be 1 to 255 printable ASCII characters.',
    {
      errors: [{ pointer: '', detail: 'The Idempotency-Key header is not valid.' }],
    },
  );
}

function toResponse({ status = 200, body, headers }: EndpointAnswer, requestId: string): Response {
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
