/** OpenAPI 3.1, made of the endpoint rows and their zod schemas. */
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { ERRORS, type ErrorCode } from '../../shared/errors.ts';
import { problem } from '../../shared/wire/about.ts';
import type { Endpoint } from './endpoint.ts';
import { INSTANCE_HEADER } from './instance-id.ts';
import { PROBLEM_MEDIA_TYPE } from './problem.ts';

/** What any request can meet before its endpoint is asked, by method. */
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

/** The names are those of `security` below. */
const SECURITY_SCHEMES = {
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key of an operator.' },
  idToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An OpenID Connect ID token of the configured issuer.',
  },
} as const;

export function openApiDocument(endpoints: readonly Endpoint[], version: string): object {
  const paths: ZodOpenApiPathsObject = {};
  for (const endpoint of endpoints) {
    paths[endpoint.path] = { ...paths[endpoint.path], [endpoint.method.toLowerCase()]: operation(endpoint) };
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Countersign',
      version,
      description: 'Licences signed by a cloud KMS, and floating seats that cannot be oversold.',
    },
    paths,
    components: { securitySchemes: SECURITY_SCHEMES },
  });
}

function operation(endpoint: Endpoint): ZodOpenApiOperationObject {
  const { operationId, summary, tag, success = 200 } = endpoint;
  const description = describe(endpoint);
  return {
    operationId,
    summary,
    ...(description !== undefined && { description }),
    tags: [tag],
    security: endpoint.access === 'public' ? [] : [{ apiKey: [] }, { idToken: [] }],
    ...parameters(endpoint),
    ...(endpoint.query !== undefined && { requestParams: { query: endpoint.query } }),
    ...(endpoint.request !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: endpoint.request } } },
    }),
    responses: {
      [success]: { description: summary, content: answerContent(endpoint) },
      ...problems(endpoint),
    },
  } as ZodOpenApiOperationObject;
}

/** OpenAPI has no place for the scope of an API key. */
function describe({ description, access }: Endpoint): string | undefined {
  if (access === 'public') return description;
  return [...(description === undefined ? [] : [description]), `Needs the scope \`${access}\`.`].join('\n\n');
}

function answerContent(endpoint: Endpoint) {
  if ('response' in endpoint) return { 'application/json': { schema: endpoint.response } };
  return { [endpoint.mediaType]: { schema: { type: 'string' as const } } };
}

function parameters({ path, idempotent, conditional, instance }: Endpoint) {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const all = [
    ...inPath,
    ...(idempotent ? [header('Idempotency-Key', { maxLength: 255 })] : []),
    ...(conditional ? [header('If-Match')] : []),
    ...(instance === undefined ? [] : [header(INSTANCE_HEADER, { maxLength: 256 }, instance === 'required')]),
  ];
  return all.length > 0 ? { parameters: all } : {};
}

function header(name: string, limits: object = {}, required = false) {
  return { name, in: 'header', required, schema: { type: 'string', ...limits } };
}

/** One response a status, naming the codes that come with it. */
function problems(endpoint: Endpoint) {
  const codes = new Set<ErrorCode>([
    ...endpoint.errors,
    ...(endpoint.request !== undefined ? WITH_BODY : []),
    ...(endpoint.query !== undefined || endpoint.idempotent ? (['invalid_request'] as const) : []),
    ...(endpoint.idempotent ? (['idempotency_conflict'] as const) : []),
    ...(endpoint.conditional ? (['precondition_failed'] as const) : []),
    ...(endpoint.access === 'public' ? [] : WITH_ACCESS),
    ...ALWAYS,
  ]);
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { status } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, those]) => [
      String(status),
      {
        description: those.map((code) => `\`${code}\``).join(', '),
        content: { [PROBLEM_MEDIA_TYPE]: { schema: problem } },
      },
    ]),
  );
}
