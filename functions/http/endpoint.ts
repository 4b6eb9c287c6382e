/**
 * An endpoint is a row: what it is called, what it takes and answers, how it can fail, and what it does. Routing,
 * OpenAPI, the docs check and the access rules all read the same rows.
 */
import type { z } from 'zod';
import type { JsonObject } from '../../shared/canonical/strict-json.ts';
import type { ErrorCode } from '../../shared/errors.ts';

export interface EndpointRequest<Body> {
  readonly body: Body;
  /** The body as it was sent, strictly parsed. */
  readonly raw: JsonObject;
  readonly params: Readonly<Record<string, string>>;
  readonly idempotencyKey: string | undefined;
}

export interface EndpointAnswer {
  readonly status?: 200 | 201;
  /** JSON when it is a plain value, sent as it is when it is a string or bytes. */
  readonly body: object | string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

interface EndpointDescription {
  readonly operationId: string;
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: 'licenses' | 'keys' | 'maintenance' | 'service';
  /** Codes this endpoint answers with, beside those that every endpoint can meet. */
  readonly errors: readonly ErrorCode[];
  readonly idempotent?: boolean;
}

/** The schema of a JSON answer, or the media type of another one. */
type ResponseDescription = { readonly response: z.ZodType } | { readonly mediaType: string };

export type GetEndpoint = EndpointDescription &
  ResponseDescription & {
    readonly method: 'GET';
    handle(request: EndpointRequest<undefined>): Promise<EndpointAnswer>;
  };

export type PostEndpoint<Body extends z.ZodType = z.ZodType> = EndpointDescription &
  ResponseDescription & {
    readonly method: 'POST';
    readonly request: Body;
    handle(request: EndpointRequest<z.output<Body>>): Promise<EndpointAnswer>;
  };

export type Endpoint = GetEndpoint | PostEndpoint;

/** Declares an endpoint that takes a JSON body; `handle` gets it typed and checked. */
export function post<Body extends z.ZodType>(
  endpoint: Omit<PostEndpoint<Body>, 'method'> & ResponseDescription,
): Endpoint {
  return { ...endpoint, method: 'POST' } as unknown as Endpoint;
}

export function get(endpoint: Omit<GetEndpoint, 'method'> & ResponseDescription): Endpoint {
  return { ...endpoint, method: 'GET' } as Endpoint;
}
