/** The API description is true: each example request is sent as it stands there, and answered as the example says. */
import { afterAll, describe, expect, test } from 'vitest';
import { ERRORS } from '../../shared/errors.ts';
import { customerPath } from '../../shared/records/paths.ts';
import { CUSTOMER_ID } from '../../shared/wire/examples/values.ts';
import { listProductsResponse, type ProductTable } from '../../shared/wire/products.ts';
import {
  type Described,
  differencesOf,
  type Operation,
  problemsOf,
  readApiDocument,
  type Schema,
} from '../support/openapi/document.ts';
import { revokeAllOf, serveExamples, setScene } from '../support/openapi/scene.ts';
import { type Otherwise, type Sent, senderOf } from '../support/openapi/send.ts';
import { startTestService } from '../support/service.ts';

/** The row of the example, and one more for the ledger. */
function productTable(): ProductTable {
  const { example } = listProductsResponse.meta() ?? {};
  const { products } = example as { products: ProductTable };
  return products.flatMap((product) => [product, { ...product, name: 'datatools' }]);
}

// Tests are named after the operations of a service that runs.
const service = await startTestService({ products: productTable() });
const instance = await serveExamples(service);
const document = await readApiDocument(instance.baseUrl);
const send = senderOf(document, instance, await service.admin());
const operations = document.operations.map((operation) => [operation.operationId, operation] as const);

afterAll(async () => {
  await instance.stop();
  await service.stop();
});

/** What an example needs beside the scene, or must not find there. */
const BEFORE: Readonly<Record<string, () => Promise<unknown>>> = {
  createCustomer: () => service.ports.store.commit([{ op: 'delete', path: customerPath(CUSTOMER_ID) }]),
  deleteCustomer: () => revokeAllOf(service, CUSTOMER_ID),
  instanceStatus: () => send('activateInstance'),
  deactivateInstance: () => send('activateInstance'),
  listAuditLogs: () => send('changeCustomer'),
  exportAuditLogs: () => send('changeCustomer'),
};

/** What is sent for an answer of a second media type. */
const OTHERWISE: Readonly<Record<string, Otherwise>> = {
  'text/csv; charset=utf-8': { parameters: { format: 'csv' } },
  'text/css; charset=utf-8': { parameters: { name: 'swagger-ui.css' } },
};

/** Parameters whose names are members of the objects that are listed. */
const SAYS_ITSELF = new Set(['customer_id', 'module_name', 'license_type', 'status', 'actor', 'action']);

/** Those of HTTP itself; and `Content-Type`, which OpenAPI has in another place. */
const OF_HTTP = ['connection', 'content-length', 'content-type', 'date', 'keep-alive', 'transfer-encoding'];

const about = ({ method, path }: Operation, what: string) => `${method} ${path}: ${what}`;

describe.each(operations)('%s', (operationId, operation) => {
  test('has an example of what is sent', () => {
    const needed = operation.parameters.filter(({ required }) => required === true);
    for (const { name, example } of needed) {
      const advice = `add an example of {${name}} to functions/http/openapi-paths.ts`;
      expect(example, about(operation, advice)).toBeTypeOf('string');
    }
    for (const { example } of Object.values(operation.requestBody?.content ?? {})) {
      const advice = 'add .meta({ example }) to the schema of its request in shared/wire';
      expect(example, about(operation, advice)).toBeDefined();
    }
  });

  test('has an example of what is answered, which its schema allows', () => {
    for (const [mediaType, { example, schema }] of Object.entries(successOf(operation)[1].content)) {
      const where =
        mediaType === 'application/json' ? '.meta({ example }) to the schema in shared/wire' : 'example';
      const advice = `add ${where} of what it answers as ${mediaType}`;
      expect(example, about(operation, advice)).toBeDefined();
      expect(problemsOf(document, schema, example), about(operation, 'its example')).toEqual([]);
    }
  });

  test('is answered to the example as the example says', async () => {
    const [status, described] = successOf(operation);
    for (const [mediaType, { schema, example }] of Object.entries(described.content)) {
      await setScene(service);
      await BEFORE[operationId]?.();
      const { response, text } = await send(operationId, OTHERWISE[mediaType]);
      const advice = `it must succeed; test/support/openapi/scene.ts prepares what it names. Answer: ${text}`;
      expect(response.status, about(operation, advice)).toBe(status);
      expect(response.headers.get('content-type')).toBe(mediaType);
      expectDescribedHeaders(operation, response, described);
      const answer = mediaType === 'application/json' ? JSON.parse(text) : text;
      expect(problemsOf(document, schema, answer), about(operation, 'the answer by its schema')).toEqual([]);
      expect(
        differencesOf(comparable(operationId, example), comparable(operationId, answer)),
        about(operation, 'members of the answer and of its example'),
      ).toEqual([]);
    }
  });

  test('is refused as it says', async () => {
    for (const sent of await refusals(operation)) {
      const { response, text } = sent;
      const described = operation.responses[response.status];
      if (described === undefined) throw new Error(about(operation, `describe what answers ${text}`));
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expectDescribedHeaders(operation, response, described);
      const problem = JSON.parse(text) as { code: string };
      const { examples = {}, schema = {} } = described.content['application/problem+json'] ?? {};
      const example = examples[problem.code]?.value;
      expect(example, about(operation, `add ${problem.code} to its errors`)).toBeDefined();
      expect(problemsOf(document, schema, problem)).toEqual([]);
      expect(differencesOf(example, problem), `the example of ${problem.code}`).toEqual([]);
    }
  });

  test('has for each problem an example with its status, by codes that there are', () => {
    const problems = Object.entries(operation.responses).filter(([status]) => Number(status) >= 400);
    expect(problems.length).toBeGreaterThan(0);
    for (const [status, { content, description, headers }] of problems) {
      const { examples = {}, schema = {} } = content['application/problem+json'] ?? {};
      const named = [...description.matchAll(/`(\w+)`/g)].map(([, code]) => code);
      expect(named).not.toEqual([]);
      expect(Object.keys(examples)).toEqual(named);
      for (const [code, { value }] of Object.entries(examples)) {
        expect(Object.hasOwn(ERRORS, code), `${code} is in shared/errors.ts`).toBe(true);
        expect(value).toMatchObject({ code, status: Number(status) });
        expect(problemsOf(document, schema, value)).toEqual([]);
      }
      if (status === '401') expect(headers).toHaveProperty('WWW-Authenticate');
      if (['429', '503'].includes(status)) expect(headers).toHaveProperty('Retry-After');
    }
  });

  test('says what it is for, and what its parameters and headers mean', () => {
    const { summary, tags, parameters } = operation;
    const known = new Set(document.tags.filter(({ description }) => description).map(({ name }) => name));
    expect(summary).not.toBe('');
    expect(tags.filter((tag) => !known.has(tag))).toEqual([]);
    const silent = parameters.filter(({ name, description }) => !(description || SAYS_ITSELF.has(name)));
    const advice = 'add .meta({ param: { description } }) in shared/wire';
    expect(
      silent.map(({ in: place, name }) => `${place} ${name}`),
      about(operation, advice),
    ).toEqual([]);
    const { headers = {} } = successOf(operation)[1];
    expect(Object.values(headers).filter(({ description }) => !description)).toEqual([]);
  });
});

test.each<[code: string, operationId: string, wrong: () => Promise<Sent>]>([
  [
    'license_not_accepted',
    'activateInstance',
    () => send('activateInstance', { body: '{"license_key":"none"}' }),
  ],
  ['activations_exhausted', 'activateInstance', () => lastOf(4, (id) => activateOn(id))],
  ['seats_exhausted', 'acquire', () => lastOf(6, (id) => sendChanged('acquire', { hardware_id: id }))],
  ['borrow_too_long', 'borrow', () => sendChanged('borrow', { borrow_seconds: 1e9 })],
  ['invalid_request', 'acquire', () => sendChanged('acquire', { hardware_id: undefined })],
])('the example of %s says what it says of %s', async (code, operationId, wrong) => {
  await setScene(service);
  const { response, text } = await wrong();
  const { responses } = operationOf(operationId);
  const problem = JSON.parse(text) as { code: string };
  expect(problem.code, text).toBe(code);
  const { examples = {} } = responses[response.status]?.content['application/problem+json'] ?? {};
  expect(differencesOf(examples[code]?.value, problem)).toEqual([]);
});

function operationOf(operationId: string): Operation {
  const found = document.operations.find((operation) => operation.operationId === operationId);
  if (found === undefined) throw new Error(`${operationId} is not described`);
  return found;
}

/** The example with other members; one that is undefined is not sent. */
function sendChanged(operationId: string, changes: object): Promise<Sent> {
  const { example } = operationOf(operationId).requestBody?.content['application/json'] ?? {};
  return send(operationId, { body: JSON.stringify({ ...(example as object), ...changes }) });
}

const activateOn = (instanceId: string) =>
  send('activateInstance', { headers: { 'x-caio-instance-id': instanceId } });

/** Asks for so many machines, one after the other. */
async function lastOf(count: number, ask: (id: string) => Promise<Sent>): Promise<Sent> {
  const asked: Sent[] = [];
  for (let machine = 1; machine <= count; machine++) asked.push(await ask(`machine-${machine}`));
  return asked.at(-1) as Sent;
}

test('every call that is served is described, once', () => {
  const served = instance.endpoints.map(({ method, path }) => `${method} ${path}`).sort();
  expect(document.operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(served);
  expect(new Set(operations.map(([id]) => id)).size).toBe(operations.length);
});

test('the place of the service is described, and a member that may be null says when it is', () => {
  expect(document.servers).toEqual([{ url: '/', description: expect.any(String) }]);
  const silent = Object.entries(document.schemas).flatMap(([name, { properties = {} }]) =>
    Object.entries(properties).flatMap(([member, schema]) =>
      mayBeNull(schema) && schema.description === undefined ? [`${name}.${member}`] : [],
    ),
  );
  expect(Object.keys(document.schemas).length).toBeGreaterThan(40);
  expect(silent, 'add .meta({ description }) to these in shared/wire').toEqual([]);
});

/** Or something else: of what is always null, its schema tells. */
function mayBeNull({ type, anyOf = [] }: Schema): boolean {
  const types = [type ?? [], ...anyOf.map((one) => one.type ?? [])].flat();
  return types.includes('null') && types.length > 1;
}

function successOf({ responses }: Operation): readonly [status: number, described: Described] {
  const [[status, described] = []] = Object.entries(responses).filter(([code]) => code.startsWith('2'));
  if (described === undefined) throw new Error('no success is described');
  return [Number(status), described];
}

function expectDescribedHeaders(
  operation: Operation,
  { headers }: Response,
  { headers: described }: Described,
) {
  const known = new Set([...OF_HTTP, ...Object.keys(described ?? {}).map((name) => name.toLowerCase())]);
  const silent = [...headers.keys()].filter((name) => !known.has(name));
  expect(silent, about(operation, 'add these to the answerHeaders of the row')).toEqual([]);
}

/** Requests that every such operation refuses, and what it said. */
async function refusals({ operationId, requestBody, security, parameters }: Operation): Promise<Sent[]> {
  const takesKey = parameters.some(({ name }) => name === 'Idempotency-Key');
  const wrong: Otherwise[] = [
    ...(security.length > 0
      ? [{ headers: { 'x-api-key': 'none' } }, { headers: await service.admin([]) }]
      : []),
    ...(takesKey ? [{ headers: { 'idempotency-key': 'with space' } }] : []),
    ...(requestBody ? [{ body: '{' }, { body: '[]' }, { headers: { 'content-type': 'text/plain' } }] : []),
  ];
  return Promise.all(wrong.map((otherwise) => send(operationId, otherwise)));
}

/** Lines of JSON are compared as what they are, other texts by how they begin. OpenAPI describes itself elsewhere. */
function comparable(operationId: string, answer: unknown): unknown {
  if (operationId === 'getOpenApi')
    return Object.fromEntries(Object.keys(answer as object).map((name) => [name, null]));
  if (typeof answer !== 'string') return answer;
  if (!answer.startsWith('{')) return { [answer.split(/[\n{ ]/)[0] ?? '']: null };
  return answer
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}
