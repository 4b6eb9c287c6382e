/** OpenAPI 3.1, made of the endpoint rows and their zod schemas. */
import type { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import type { Endpoint } from './endpoint.ts';
import { ANSWER_HEADERS, headerParameters, headersOfSuccess, headersRead } from './openapi-headers.ts';
import { pathParameters } from './openapi-paths.ts';
import { problemExamples, problemResponses } from './openapi-problems.ts';

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

const TAGS: Readonly<Record<Endpoint['tag'], string>> = {
  licenses: 'Licences: sessions and activations of clients, and what operators issue and change.',
  keys: 'Public keys, for whoever verifies documents.',
  maintenance: 'For a scheduler.',
  service: 'The service itself.',
  customers: 'Whom licences are issued to.',
  access: 'API keys of operators.',
  audit: 'Who did what.',
};

const DESCRIPTION = `Licences signed by a cloud KMS, and floating seats that cannot be oversold.

Bodies are JSON in UTF-8. Times are RFC 3339 with an offset. A failure is a problem document (RFC 9457) whose \`code\` never
changes its meaning. Members that are not known are ignored in requests; answers may get further ones.`;

export function openApiDocument(endpoints: readonly Endpoint[], version: string): object {
  const paths: ZodOpenApiPathsObject = {};
  for (const endpoint of endpoints) {
    paths[endpoint.path] = { ...paths[endpoint.path], [endpoint.method.toLowerCase()]: operation(endpoint) };
  }
  const used = new Set(endpoints.map(({ tag }) => tag));
  const components = {
    securitySchemes: SECURITY_SCHEMES,
    headers: ANSWER_HEADERS,
    parameters: headerParameters(),
    examples: problemExamples(endpoints),
  };
  return createDocument(
    {
      openapi: '3.1.0',
      info: { title: 'Countersign', version, description: DESCRIPTION },
      servers: [{ url: '/', description: 'Where this description was read.' }],
      tags: [...used].map((name) => ({ name, description: TAGS[name] })),
      paths,
      components: components as NonNullable<Parameters<typeof createDocument>[0]['components']>,
    },
    // It stands beside the schema, where tools look for it.
    { override: ({ jsonSchema }) => delete jsonSchema.example },
  );
}

function operation(endpoint: Endpoint): ZodOpenApiOperationObject {
  const { operationId, summary, tag, success = 200, path, query, request } = endpoint;
  return {
    operationId,
    summary,
    ...describe(endpoint),
    tags: [tag],
    security: endpoint.access === 'public' ? [] : [{ apiKey: [] }, { idToken: [] }],
    parameters: [...pathParameters(path), ...headersRead(endpoint)],
    ...(query !== undefined && { requestParams: { query } }),
    ...(request !== undefined && {
      requestBody: { required: true, content: { 'application/json': withExample(request) } },
    }),
    responses: {
      [success]: {
        description: summary,
        headers: headersOfSuccess(endpoint),
        content: answerContent(endpoint),
      },
      ...problemResponses(endpoint),
    },
  } as ZodOpenApiOperationObject;
}

/** OpenAPI has no place for the scope of an API key. */
function describe({ description, access }: Endpoint): { description?: string } {
  const sentences = [
    ...(description === undefined ? [] : [description]),
    ...(access === 'public' ? [] : [`Needs the scope \`${access}\`.`]),
  ];
  return sentences.length === 0 ? {} : { description: sentences.join('\n\n') };
}

function withExample(schema: z.ZodType) {
  const { example } = schema.meta() ?? {};
  return { schema, ...(example !== undefined && { example }) };
}

function answerContent(endpoint: Endpoint) {
  if ('response' in endpoint) return { 'application/json': withExample(endpoint.response) };
  const { mediaType, example, alternatives } = endpoint;
  const schema = { type: 'string' } as const;
  return {
    [mediaType]: { schema, ...(example !== undefined && { example }) },
    ...Object.fromEntries(
      Object.entries(alternatives ?? {}).map(([type, text]) => [type, { schema, example: text }]),
    ),
  };
}
