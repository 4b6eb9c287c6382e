/** What the description says of who may call, what is sent beside a body, and which status comes back. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Endpoint, get, patch, post, remove } from '../../functions/http/endpoint.ts';
import { openApiDocument } from '../../functions/http/openapi.ts';
import { apiDocumentOf, type Operation } from '../support/openapi/document.ts';

const thing = z.object({ name: z.string() }).meta({ id: 'Thing', example: { name: 'chair' } });
const plain = { summary: 'A thing', tag: 'service', access: 'usage:read', errors: [] } as const;
const row = { ...plain, response: thing } as const;
const handle = async () => ({ body: {} });

const ENDPOINTS: Endpoint[] = [
  post({
    ...row,
    operationId: 'make',
    path: '/things',
    request: thing,
    success: 201,
    idempotent: true,
    handle,
  }),
  get({
    ...row,
    operationId: 'list',
    path: '/things',
    query: z.object({ page: z.string().optional() }),
    handle,
  }),
  get({ ...row, operationId: 'open', path: '/open', access: 'public', handle }),
  patch({
    ...row,
    operationId: 'change',
    path: '/things/{id}',
    request: thing,
    conditional: true,
    answerHeaders: ['ETag'],
    handle,
  }),
  remove({ ...row, operationId: 'end', path: '/things/{id}/end', request: thing, handle }),
  get({
    ...plain,
    operationId: 'read',
    path: '/text',
    mediaType: 'text/plain',
    example: 'a',
    alternatives: { 'text/csv': 'a;b' },
    handle,
  }),
  remove({ ...row, operationId: 'drop', path: '/things/{id}', handle }),
];

const json = openApiDocument(ENDPOINTS, '1.0.0');
const { operations } = apiDocumentOf(json);
const { securitySchemes } = (json as { components: { securitySchemes: object } }).components;

function described(method: string, path: string): Operation {
  const found = operations.find((one) => one.method === method.toUpperCase() && one.path === path);
  if (found === undefined) throw new Error(`${method} ${path} is not described`);
  return found;
}

const parameters = (method: string, path: string) =>
  described(method, path)
    .parameters.map(({ name, in: place }) => `${place} ${name}`)
    .filter((parameter) => parameter !== 'header X-Request-Id')
    .sort();
const codes = (method: string, path: string) =>
  Object.values(described(method, path).responses).flatMap(({ description }) =>
    [...description.matchAll(/`(\w+)`/g)].map(([, code]) => code),
  );

test('an endpoint that is not public needs one of the schemes that are described, and names its scope', () => {
  const { security, description } = described('post', '/things');
  expect(security.flatMap(Object.keys)).toEqual(Object.keys(securitySchemes));
  expect(description).toContain('`usage:read`');
  expect(codes('get', '/things')).toEqual(
    expect.arrayContaining(['unauthenticated', 'forbidden', 'rate_limited']),
  );
  expect(described('get', '/open').security).toEqual([]);
  expect(codes('get', '/open')).not.toContain('unauthenticated');
});

test('a success has its own status', () => {
  expect(Object.keys(described('post', '/things').responses)).toContain('201');
  expect(Object.keys(described('post', '/things').responses)).not.toContain('200');
  expect(Object.keys(described('get', '/things').responses)).toContain('200');
});

test('every request may name itself', () => {
  const silent = operations.filter(({ parameters: all }) => !all.some(({ name }) => name === 'X-Request-Id'));
  expect(silent).toEqual([]);
});

describe('beside the body is sent', () => {
  test.each<[method: string, path: string, parameters: string[]]>([
    ['post', '/things', ['header Idempotency-Key']],
    ['get', '/things', ['query page']],
    ['patch', '/things/{id}', ['header If-Match', 'path id']],
    ['delete', '/things/{id}', ['path id']],
    ['get', '/open', []],
  ])('of %s %s: %j', (method, path, expected) => {
    expect(parameters(method, path)).toEqual(expected);
  });
});

test('PATCH and DELETE have a body where they take one', () => {
  expect(described('patch', '/things/{id}').requestBody).toBeDefined();
  expect(described('delete', '/things/{id}/end').requestBody).toBeDefined();
  expect(described('delete', '/things/{id}').requestBody).toBeUndefined();
});

test('what a header or a query can be refused with is listed, each code once', () => {
  expect(codes('patch', '/things/{id}')).toContain('precondition_failed');
  expect(codes('post', '/things')).toContain('idempotency_conflict');
  expect(codes('get', '/things')).toContain('invalid_request');
  for (const [method, path] of [
    ['post', '/things'],
    ['patch', '/things/{id}'],
  ] as const)
    expect(new Set(codes(method, path)).size).toBe(codes(method, path).length);
});

describe('what is answered', () => {
  const headers = (method: string, path: string, status: string) =>
    Object.keys(described(method, path).responses[status]?.headers ?? {});

  test('has the headers of every answer, those of the row, and that of a replay where there can be one', () => {
    const always = ['X-Request-Id', 'Cache-Control', 'X-Content-Type-Options'];
    expect(headers('get', '/open', '200')).toEqual(always);
    expect(headers('patch', '/things/{id}', '200')).toEqual([...always, 'ETag']);
    expect(headers('post', '/things', '201')).toEqual([...always, 'Idempotent-Replayed']);
  });

  test('names its challenge and when to come back', () => {
    expect(headers('post', '/things', '401')).toContain('WWW-Authenticate');
    expect(headers('post', '/things', '429')).toContain('Retry-After');
    expect(headers('post', '/things', '503')).toContain('Retry-After');
    expect(headers('post', '/things', '422')).not.toContain('Retry-After');
  });

  test('has the example of the schema beside it, and of a text that of the row', () => {
    expect(described('get', '/things').responses[200]?.content).toMatchObject({
      'application/json': { example: { name: 'chair' } },
    });
    expect(described('get', '/text').responses[200]?.content).toEqual({
      'text/plain': { schema: { type: 'string' }, example: 'a' },
      'text/csv': { schema: { type: 'string' }, example: 'a;b' },
    });
  });
});
