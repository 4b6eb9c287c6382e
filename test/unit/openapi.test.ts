/** What the description says of who may call, what is sent beside a body, and which status comes back. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Endpoint, get, patch, post, remove } from '../../functions/http/endpoint.ts';
import { openApiDocument } from '../../functions/http/openapi.ts';

const thing = z.object({ name: z.string() }).meta({ id: 'Thing' });
const row = {
  summary: 'A thing',
  tag: 'service',
  access: 'usage:read',
  response: thing,
  errors: [],
} as const;
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
  patch({ ...row, operationId: 'change', path: '/things/{id}', request: thing, conditional: true, handle }),
  remove({ ...row, operationId: 'end', path: '/things/{id}/end', request: thing, handle }),
  remove({ ...row, operationId: 'drop', path: '/things/{id}', handle }),
];

interface Described {
  readonly description?: string;
  readonly security: object[];
  readonly parameters?: { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly requestBody?: object;
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

const document = openApiDocument(ENDPOINTS, '1.0.0') as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly securitySchemes: object };
};

const described = (method: string, path: string) => document.paths[path]?.[method] as Described;
const parameters = (method: string, path: string) =>
  (described(method, path).parameters ?? []).map(({ name, in: place }) => `${place} ${name}`).sort();
const codes = (method: string, path: string) =>
  Object.values(described(method, path).responses).flatMap(({ description }) =>
    [...description.matchAll(/`(\w+)`/g)].map(([, code]) => code),
  );

test('an endpoint that is not public needs one of the schemes that are described, and names its scope', () => {
  const { security, description } = described('post', '/things');
  expect(security.flatMap(Object.keys)).toEqual(Object.keys(document.components.securitySchemes));
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
