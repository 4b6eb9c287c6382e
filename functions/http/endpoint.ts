/**
 * An endpoint is a row: what it is called, who may call it, what it takes and answers, how it can fail, and what it does.
 * Routing, OpenAPI, the docs check and the access matrix all read the same rows.
 */
import type { z } from 'zod';
import type { Caller } from '../../shared/access/caller.ts';
import type { AccessScope } from '../../shared/access/scopes.ts';
import type { JsonObject } from '../../shared/canonical/strict-json.ts';
import type { ErrorCode } from '../../shared/errors.ts';

export interface EndpointRequest<Body = undefined, Query = undefined> {
  readonly body: Body;
  /** The body as it was sent, strictly parsed. */
  readonly raw: JsonObject;
  /** The same before it was parsed: how a number is written is lost after that. */
  readonly bytes: Uint8Array | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly idempotencyKey: string | undefined;
  /** The entity tag that must still be the object's; undefined when any will do. */
  readonly ifMatch: string | undefined;
  /** `X-CAIO-Instance-ID`, of a row that takes it. */
  readonly instanceId: string | undefined;
  /** Who calls; of a public endpoint nobody in particular. */
  readonly caller: Caller;
}

export interface EndpointAnswer {
  /** That of the row's `success` when left out. */
  readonly status?: 200 | 201;
  /** JSON when it is a plain value, sent as it is when it is a string or bytes. */
  readonly body: object | string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Paths of records that cannot be read and are left out of the answer: each such answer is an ERROR in the log. */
  readonly damaged?: readonly string[];
}

/** A list, and what is damaged of it. */
export function listed<Body extends Pick<EndpointAnswer, 'damaged'>>(body: Body): EndpointAnswer {
  return { body, ...(body.damaged && { damaged: body.damaged }) };
}

/** Headers of answers; `functions/http/openapi-headers.ts` says what each is for. */
export type AnswerHeader =
  | 'X-Request-Id'
  | 'Cache-Control'
  | 'X-Content-Type-Options'
  | 'ETag'
  | 'Idempotent-Replayed'
  | 'Retry-After'
  | 'WWW-Authenticate'
  | 'Link'
  | 'Content-Disposition'
  | 'Content-Security-Policy';

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

interface EndpointDescription {
  readonly operationId: string;
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: 'licenses' | 'keys' | 'maintenance' | 'service' | 'customers' | 'access' | 'audit';
  /** The scope that a caller needs, or `public`. There is no default: who may is decided for each. */
  readonly access: AccessScope | 'public';
  /** Codes this endpoint answers with, beside those that every endpoint can meet. */
  readonly errors: readonly ErrorCode[];
  readonly idempotent?: boolean;
  /** Whether it honours `If-Match`. */
  readonly conditional?: boolean;
  /** Whether it takes `X-CAIO-Instance-ID`. */
  readonly instance?: 'required' | 'optional';
  /** The status of its success; 200 when left out. */
  readonly success?: 200 | 201;
  /** Headers of its success beside those that every one has. */
  readonly answerHeaders?: readonly AnswerHeader[];
}

/**
 * The schema of a JSON answer, which has an example in its `meta`; or of another one the media type and an example. What
 * else it can be has its examples by media type.
 */
type ResponseDescription =
  | { readonly response: z.ZodType }
  | {
      readonly mediaType: string;
      readonly example?: string;
      readonly alternatives?: Readonly<Record<string, string>>;
    };

/** A row as those see it that treat all alike: `handle` takes what the schemas have let through. */
export type Endpoint = EndpointDescription &
  ResponseDescription & {
    readonly method: Method;
    /** Of the body; absent for an endpoint that takes none. */
    readonly request?: z.ZodType;
    /** Of the query string; absent for an endpoint that ignores it. */
    readonly query?: z.ZodType;
    // biome-ignore lint/suspicious/noExplicitAny: typed where the row is written, by `get`, `post`, `patch` and `remove`
    handle(request: EndpointRequest<any, any>): Promise<EndpointAnswer>;
  };

type Row<Body, Query> = Omit<Endpoint, 'method' | 'request' | 'query' | 'handle'> &
  ResponseDescription & {
    handle(request: EndpointRequest<Body, Query>): Promise<EndpointAnswer>;
  };

/** Declares an endpoint that takes a JSON body; `handle` gets it typed and checked. */
export function post<Body extends z.ZodType>(
  endpoint: Row<z.output<Body>, undefined> & { readonly request: Body },
): Endpoint {
  return { ...endpoint, method: 'POST' };
}

/** Declares an endpoint that changes an object, by those members of it that are sent. */
export function patch<Body extends z.ZodType>(
  endpoint: Row<z.output<Body>, undefined> & { readonly request: Body },
): Endpoint {
  return { ...endpoint, method: 'PATCH' };
}

/** Declares an endpoint that reads; `query` is the schema of its query string. */
export function get<Query extends z.ZodType = z.ZodUndefined>(
  endpoint: Row<undefined, z.output<Query>> & { readonly query?: Query },
): Endpoint {
  return { ...endpoint, method: 'GET' };
}

/** Declares an endpoint that ends something. A body is taken where there is a schema for it. */
export function remove<Body extends z.ZodType = z.ZodUndefined>(
  endpoint: Row<z.output<Body>, undefined> & { readonly request?: Body },
): Endpoint {
  return { ...endpoint, method: 'DELETE' };
}
