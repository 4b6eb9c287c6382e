/** OpenAPI 3.1, made of the endpoint rows and their zod schemas. */
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { ERRORS, type ErrorCode } from '../../shared/errors.ts';
import { problem } from '../../shared/wire/about.ts';
import type { Endpoint } from './endpoint.ts';
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
  });
}

function operation(endpoint: Endpoint): ZodOpenApiOperationObject {
  const { operationId, summary, description, tag } = endpoint;
  return {
    operationId,
    summary,
    ...(description !== undefined && { description }),
    tags: [tag],
    ...parameters(endpoint),
    ...(endpoint.method === 'POST' && {
      requestBody: { required: true, content: { 'application/json': { schema: endpoint.request } } },
    }),
    responses: { '200': { description: summary, content: answerContent(endpoint) }, ...problems(endpoint) },
  } as ZodOpenApiOperationObject;
}

function answerContent(endpoint: Endpoint) {
  if ('response' in endpoint) return { 'application/json': { schema: endpoint.response } };
  return { [endpoint.mediaType]: { schema: { type: 'string' as const } } };
}

function parameters({ path, idempotent }: Endpoint) {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const header = {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    schema: { type: 'string', maxLength: 255 },
  };
  const all = idempotent ? [...inPath, header] : inPath;
  return all.length > 0 ? { parameters: all } : {};
}

/** One response a status, naming the codes that come with it. */
function problems(endpoint: Endpoint) {
  const codes = [...endpoint.errors, ...(endpoint.method === 'POST' ? WITH_BODY : []), ...ALWAYS];
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
