/** Headers as OpenAPI describes them, each once: those that are read, and those that are answered. */
import { MAX_STRING_LENGTH } from '../../shared/constants.ts';
import type { AnswerHeader, Endpoint } from './endpoint.ts';
import { INSTANCE_HEADER } from './instance-id.ts';

const text = { type: 'string' } as const;

/** `components.headers`. */
export const ANSWER_HEADERS: Readonly<Record<AnswerHeader, object>> = {
  'X-Request-Id': {
    description: 'That of the request, or a new one. It is in every log line.',
    schema: text,
  },
  'Cache-Control': { description: '`no-store`, except for what is public.', schema: text },
  'X-Content-Type-Options': { description: 'The media type is the one that is named.', schema: text },
  ETag: { description: 'What the object is; for `If-Match`.', schema: text },
  'Idempotent-Replayed': {
    description: '`true` when the answer was given before.',
    schema: { type: 'string', enum: ['true'] },
  },
  'Retry-After': {
    description: 'Seconds after which a retry makes sense.',
    schema: { type: 'integer', minimum: 0 },
  },
  'WWW-Authenticate': { description: 'The schemes that are taken (RFC 9110 §11.6.1).', schema: text },
  Link: { description: 'The next part, `rel="next"` (RFC 8288); absent with the last one.', schema: text },
  'Content-Disposition': { description: 'The name of the file.', schema: text },
  'Content-Security-Policy': { description: 'What the page may load.', schema: text },
};

/** `components.parameters`. */
const REQUEST_HEADERS = {
  'X-Request-Id': {
    description: 'Comes back in the answer; a new one is made when it is absent or has another form.',
    schema: text,
  },
  'Idempotency-Key': {
    description:
      'Makes it safe to repeat the request: for 24 hours the same key and body give the same answer. Printable ASCII.',
    schema: { ...text, minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
  },
  'If-Match': {
    description: 'The `ETag` that the object must still have; any when absent.',
    schema: text,
  },
  [INSTANCE_HEADER]: {
    description: 'What the installation calls itself. Printable ASCII; it should be random.',
    schema: { ...text, minLength: 1, maxLength: MAX_STRING_LENGTH, pattern: '^[\\x21-\\x7e]+$' },
    example: 'b1946ac92492d2347c6235b4d2611184',
  },
} as const;

/** Of every success. */
const ALWAYS_ANSWERED = ['X-Request-Id', 'Cache-Control', 'X-Content-Type-Options'] as const;

export function headerParameters(): Record<string, object> {
  return Object.fromEntries(
    Object.entries(REQUEST_HEADERS).map(([name, described]) => [name, { name, in: 'header', ...described }]),
  );
}

/** References to the headers that a request of this endpoint may carry. */
export function headersRead({ idempotent, conditional, instance }: Endpoint): object[] {
  const names = [
    'X-Request-Id',
    ...(idempotent ? ['Idempotency-Key'] : []),
    ...(conditional ? ['If-Match'] : []),
    ...(instance === 'optional' ? [INSTANCE_HEADER] : []),
  ];
  const required = {
    name: INSTANCE_HEADER,
    in: 'header',
    required: true,
    ...REQUEST_HEADERS[INSTANCE_HEADER],
  };
  return [
    ...names.map((name) => ({ $ref: `#/components/parameters/${name}` })),
    ...(instance === 'required' ? [required] : []),
  ];
}

/** References to the headers of a success of this endpoint. */
export function headersOfSuccess({ answerHeaders = [], idempotent }: Endpoint) {
  return references([
    ...ALWAYS_ANSWERED,
    ...answerHeaders,
    ...(idempotent ? (['Idempotent-Replayed'] as const) : []),
  ]);
}

/** References to the headers of a problem with this status. */
export function headersOfProblem(status: number) {
  return references([
    'X-Request-Id',
    'Cache-Control',
    ...(status === 401 ? (['WWW-Authenticate'] as const) : []),
    ...(status === 429 || status === 503 ? (['Retry-After'] as const) : []),
  ]);
}

function references(names: readonly AnswerHeader[]) {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
