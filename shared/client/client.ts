/**
 * The client of the floating-licence API: one method a call, over `fetch`.
 *
 * @example
 * const client = createClient({ baseUrl: 'http://127.0.0.1:8080' });
 * const { license_data, session_id } = await client.acquire({ license_key, hardware_id });
 */
import type { z } from 'zod';
import type * as wire from '../wire/licenses.ts';

export interface ClientOptions {
  readonly baseUrl: string;
  /** Milliseconds until a call is given up. Repeating it is safe. */
  readonly timeoutMs?: number;
}

export interface CallOptions {
  readonly idempotencyKey?: string;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** The service refused. `code` is one of docs/errors.md; `problem` is the whole problem document. */
export class ServiceError extends Error {
  readonly status: number;
  readonly code: string;
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(status: number, problem: Readonly<Record<string, unknown>>) {
    super(String(problem.detail ?? `the service answered with status ${status}`));
    this.name = 'ServiceError';
    this.status = status;
    this.code = String(problem.code ?? 'unknown');
    this.problem = problem;
  }
}

type AcquireResponse = z.output<typeof wire.acquireResponse>;
type HeartbeatResponse = z.output<typeof wire.heartbeatResponse>;
type ReleaseResponse = z.output<typeof wire.releaseResponse>;
type ValidateResponse = z.output<typeof wire.validateResponse>;
type Jwks = {
  readonly keys: readonly { readonly kty: string; readonly kid: string; readonly alg: string }[];
};

/** Every call rejects with `ServiceError` when the service refuses and with `fetch`'s error when none answers. */
export function createClient({ baseUrl, timeoutMs = DEFAULT_TIMEOUT_MS }: ClientOptions) {
  const call = async <T>(path: string, init: RequestInit): Promise<T> => {
    const response = await fetch(new URL(path, baseUrl), { ...init, signal: AbortSignal.timeout(timeoutMs) });
    const body = (await response.json()) as T;
    if (!response.ok) throw new ServiceError(response.status, body as Record<string, unknown>);
    return body;
  };
  const post = <T>(path: string, body: object, { idempotencyKey }: CallOptions = {}) =>
    call<T>(`/api/v1/licenses/${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      },
      body: JSON.stringify(body),
    });

  return {
    acquire: (request: z.input<typeof wire.acquireRequest>, options?: CallOptions) =>
      post<AcquireResponse>('acquire', request, options),
    borrow: (request: z.input<typeof wire.borrowRequest>, options?: CallOptions) =>
      post<AcquireResponse>('borrow', request, options),
    heartbeat: (request: z.input<typeof wire.heartbeatRequest>) =>
      post<HeartbeatResponse>('heartbeat', request),
    release: (request: z.input<typeof wire.releaseRequest>, options?: CallOptions) =>
      post<ReleaseResponse>('release', request, options),
    validate: (request: z.input<typeof wire.validateRequest>) => post<ValidateResponse>('validate', request),
    jwks: () => call<Jwks>('/.well-known/jwks.json', { method: 'GET' }),
  };
}

export type Client = ReturnType<typeof createClient>;
