/** Failures as `application/problem+json` (RFC 9457). */
import { CountersignError, ERRORS, type ErrorCode } from '../../shared/errors.ts';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** Names the kind of problem, wherever the service is mounted. `docs/errors.md` explains each. */
export const PROBLEM_TYPE_BASE = 'urn:countersign:error:';

/** RFC 9110 §11.6.1 asks for one with each 401. `ApiKey` stands for `X-API-Key`; no scheme is registered for that. */
const CHALLENGE = 'Bearer realm="countersign", ApiKey realm="countersign"';

export interface Problem {
  readonly status: number;
  readonly code: ErrorCode;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What the caller is told of `error`: everything of a `CountersignError`, nothing at all of another one. */
export function problemOf(error: unknown, requestId: string): Problem {
  const known = error instanceof CountersignError ? error : unexpected(error);
  const { code, status, message: detail, members, errors, retryAfterSeconds } = known;
  const { title } = ERRORS[code];
  const document = {
    type: PROBLEM_TYPE_BASE + code,
    title,
    status,
    detail,
    code,
    request_id: requestId,
    ...(errors && { errors }),
    ...members,
  };
  return {
    status,
    code,
    body: JSON.stringify(document),
    headers: {
      'content-type': PROBLEM_MEDIA_TYPE,
      'cache-control': 'no-store',
      'x-request-id': requestId,
      ...(status === 401 && { 'www-authenticate': CHALLENGE }),
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    },
  };
}

function unexpected(cause: unknown): CountersignError {
  return new CountersignError(
    'internal_error',
    'The service failed. Report the request_id to its operator.',
    { cause },
  );
}
