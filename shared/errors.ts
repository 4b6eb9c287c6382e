/**
 * Every failure that a caller can meet, in one table.
 *
 * A code is part of the API: it never changes its meaning. `docs/errors.md` lists the same codes and a
 * test holds the two together.
 */

/** HTTP status and title of each code, as RFC 9457 `status` and `title`. */
export const ERRORS = {
  invalid_json: { status: 400, title: 'The body is not JSON' },
  json_duplicate_key: { status: 400, title: 'A JSON object repeats a key' },
  json_lone_surrogate: { status: 400, title: 'A JSON string is not valid Unicode' },
  json_non_finite_number: { status: 400, title: 'A JSON number is too large' },
  json_unsafe_integer: { status: 400, title: 'A JSON integer is beyond 2^53' },
  json_too_deep: { status: 400, title: 'The JSON is nested too deeply' },
  malformed_request: { status: 400, title: 'The HTTP request is malformed' },
  body_too_large: { status: 413, title: 'The body is too large' },
  headers_too_large: { status: 431, title: 'The request headers are too large' },
  unsupported_media_type: { status: 415, title: 'The media type is not supported' },
  not_found: { status: 404, title: 'Nothing lives at this path' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  invalid_request: { status: 422, title: 'The request has invalid fields' },

  unauthenticated: { status: 401, title: 'The caller is not known' },
  forbidden: { status: 403, title: 'The caller may not do this' },
  rate_limited: { status: 429, title: 'Too many attempts' },
  identity_unavailable: { status: 503, title: 'The issuer of ID tokens is unavailable' },
  api_key_not_found: { status: 404, title: 'The API key does not exist' },
  precondition_failed: { status: 412, title: 'The object has changed' },
  document_not_found: { status: 404, title: 'The licence has no such document' },
  mail_refused: { status: 502, title: 'The mail server refuses the letter' },
  mail_unavailable: { status: 503, title: 'The mail server is unavailable' },

  customer_not_found: { status: 404, title: 'The customer does not exist' },
  customer_exists: { status: 409, title: 'The customer exists already' },
  customer_id_taken: { status: 409, title: 'A customer that was deleted had this id' },
  customer_in_use: { status: 409, title: 'The customer holds licences or API keys' },
  customer_inactive: { status: 409, title: 'The customer gets no new licences' },

  license_not_found: { status: 404, title: 'The licence does not exist' },
  license_expired: { status: 403, title: 'The licence has expired' },
  license_revoked: { status: 403, title: 'The licence was revoked' },
  license_suspended: { status: 403, title: 'The licence is suspended' },
  license_transferred: { status: 403, title: 'The licence belongs to another customer' },
  already_revoked: { status: 409, title: 'The licence is revoked already' },
  not_renewable: { status: 409, title: 'The licence has no end' },
  not_remindable: { status: 409, title: 'The licence has no end to be reminded of' },
  license_key_taken: { status: 409, title: 'Another licence has this key' },
  seats_exhausted: { status: 409, title: 'Every seat is taken' },
  hardware_not_allowed: { status: 403, title: 'The licence does not allow this machine' },
  hardware_mismatch: { status: 403, title: 'The session belongs to another machine' },
  borrow_not_allowed: { status: 403, title: 'The licence does not allow borrowing' },
  borrow_too_long: { status: 422, title: 'The borrow term is longer than the licence allows' },

  license_not_accepted: { status: 403, title: 'The licence is not accepted' },
  legacy_sunset: { status: 403, title: 'CAIO-v1 licences are not accepted any more' },
  activations_exhausted: { status: 409, title: 'Every instance is taken' },
  activation_not_found: { status: 404, title: 'The instance is not activated' },

  session_not_found: { status: 404, title: 'The session does not exist' },
  session_superseded: { status: 409, title: 'A newer session of this machine replaced this one' },

  idempotency_conflict: { status: 409, title: 'The idempotency key was used for another request' },

  key_not_found: { status: 404, title: 'The key does not exist' },
  manifest_not_published: { status: 404, title: 'No key manifest was published' },
  signing_unavailable: { status: 503, title: 'The signing service is unavailable' },
  store_unavailable: { status: 503, title: 'The store is unavailable' },
  internal_error: { status: 500, title: 'The service failed' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** One bad field of a request. `pointer` is an RFC 6901 JSON pointer into the body, `''` for the whole. */
export interface FieldError {
  readonly pointer: string;
  readonly detail: string;
}

interface ErrorOptions {
  readonly cause?: unknown;
  readonly errors?: readonly FieldError[];
  /** Whole seconds after which a retry makes sense; sent as `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** Further members of the problem document, e.g. `{ seats: 5 }`. Never secrets. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/**
 * The base class of every error that this product throws on purpose.
 *
 * `message` is the public `detail`: a sentence that says what to do, free of keys, tokens and addresses.
 */
export class CountersignError extends Error {
  readonly code: ErrorCode;
  readonly errors: readonly FieldError[] | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly members: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, detail: string, options: ErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CountersignError';
    this.code = code;
    this.errors = options.errors;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.members = options.members;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}
