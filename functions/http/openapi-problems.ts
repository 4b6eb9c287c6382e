/** The problems of an endpoint: one response a status, with an example of each code. */
import { ERRORS, type ErrorCode } from '../../shared/errors.ts';
import { problem } from '../../shared/wire/about.ts';
import type { Endpoint } from './endpoint.ts';
import { headersOfProblem } from './openapi-headers.ts';
import { PROBLEM_MEDIA_TYPE, PROBLEM_TYPE_BASE } from './problem.ts';

/** What any request can meet before its endpoint is asked. */
const ALWAYS: readonly ErrorCode[] = [
  'malformed_request',
  'headers_too_large',
  'request_timeout',
  'internal_error',
];
const WITH_BODY: readonly ErrorCode[] = [
  'invalid_json',
  'json_duplicate_key',
  'json_lone_surrogate',
  'json_non_finite_number',
  'json_unsafe_integer',
  'json_too_deep',
  'body_too_large',
  'unsupported_media_type',
  'invalid_request',
];
const WITH_ACCESS: readonly ErrorCode[] = [
  'unauthenticated',
  'forbidden',
  'rate_limited',
  'identity_unavailable',
  'store_unavailable',
];

/** What a problem says beside its title, where it says more. */
const MORE: Readonly<Partial<Record<ErrorCode, object>>> = {
  invalid_request: {
    detail: '/hardware_id: Invalid input: expected string, received undefined',
    errors: [{ pointer: '/hardware_id', detail: 'Invalid input: expected string, received undefined' }],
  },
  seats_exhausted: {
    detail: 'All 5 seats of this licence are taken. Try again later.',
    seats: 5,
    next_lease_ends_at: '2026-01-02T03:10:05.000+00:00',
  },
  borrow_too_long: {
    detail: 'A seat of this licence may be borrowed for 86400 seconds at most.',
    borrow_max_seconds: 86_400,
  },
  activations_exhausted: {
    detail: 'All 3 instances of this licence are activated. Deactivate one first.',
    max_instances: 3,
  },
  license_not_accepted: { detail: 'This is no CAIO licence.', reason: 'malformed_document' },
};

/** One response a status, naming the codes that come with it. Those of the endpoint itself come first. */
export function problemResponses(endpoint: Endpoint): Record<string, object> {
  const byStatus = Map.groupBy(codesOf(endpoint), (code) => ERRORS[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      String(status),
      {
        description: codes.map((code) => `\`${code}\``).join(', '),
        headers: headersOfProblem(status),
        content: {
          [PROBLEM_MEDIA_TYPE]: {
            schema: problem,
            examples: Object.fromEntries(
              codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]),
            ),
          },
        },
      },
    ]),
  );
}

/** `components.examples`: a problem document of each code that one of these endpoints can answer. */
export function problemExamples(endpoints: readonly Endpoint[]): Record<string, { value: object }> {
  const codes = new Set(endpoints.flatMap((endpoint) => [...codesOf(endpoint)]));
  return Object.fromEntries([...codes].sort().map((code) => [code, { value: exampleOf(code) }]));
}

function codesOf({ errors, request, query, idempotent, conditional, instance, access }: Endpoint) {
  const takesMore = query !== undefined || idempotent || instance !== undefined;
  return new Set<ErrorCode>([
    ...errors,
    ...(request !== undefined ? WITH_BODY : []),
    ...(takesMore ? (['invalid_request'] as const) : []),
    ...(idempotent ? (['idempotency_conflict'] as const) : []),
    ...(conditional ? (['precondition_failed'] as const) : []),
    ...(access === 'public' ? [] : WITH_ACCESS),
    ...ALWAYS,
  ]);
}

function exampleOf(code: ErrorCode): object {
  const { status, title } = ERRORS[code];
  return {
    type: PROBLEM_TYPE_BASE + code,
    title,
    status,
    detail: `${title}.`,
    code,
    request_id: '2f1d8c1e-5a0b-4a57-9a55-3f6d3c1c9d10',
    ...MORE[code],
  };
}
