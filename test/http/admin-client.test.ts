/** The operators' client against the real service, through a proxy that loses answers and turns requests away. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAdminClient } from '../../shared/client/admin-client.ts';
import { ServiceError } from '../../shared/client/client.ts';
import { LONGEST_PAUSE_MS, UnreachableError } from '../../shared/client/retrying-fetch.ts';
import { customerPath } from '../../shared/records/paths.ts';
import { startTestService, type TestService } from '../support/service.ts';

type Fault = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

let service: TestService;
let apiKey: string;
let proxy: Server;
let faults: Fault[];
let seen: IncomingMessage[];
let pauses: number[];
let customers = 0;

beforeAll(async () => {
  service = await startTestService();
  apiKey = (await service.admin())['x-api-key'];
});
afterAll(() => service.stop());

beforeEach(async () => {
  [faults, seen, pauses] = [[], [], []];
  customers += 1;
  proxy = createServer((request, response) => {
    seen.push(request);
    const fault = faults.shift() ?? forward;
    fault(request, response).catch((error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  proxy.closeAllConnections();
  await new Promise((resolve) => proxy.close(resolve));
});

async function carriedOut(request: IncomingMessage): Promise<Response> {
  const body = await Array.fromAsync(request);
  return fetch(new URL(request.url ?? '', service.baseUrl), {
    method: request.method ?? 'GET',
    headers: Object.fromEntries(
      ['content-type', 'x-api-key', 'idempotency-key'].flatMap((name) =>
        typeof request.headers[name] === 'string' ? [[name, request.headers[name]]] : [],
      ),
    ),
    ...(body.length > 0 && { body: Buffer.concat(body) }),
  });
}

const forward: Fault = async (request, response) => {
  const answer = await carriedOut(request);
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
  response.end(await answer.text());
};
/** The service does it, and nobody hears of it. */
const loseAnswer: Fault = async (request) => {
  await carriedOut(request);
  request.socket.destroy();
};
/** The headers arrive, and half of the body. */
const breakOff: Fault = async (request, response) => {
  await carriedOut(request);
  response.writeHead(201, { 'content-length': '1000' });
  response.write('{"id":', () => request.socket.destroy());
};
const turnAway =
  (retryAfter: string): Fault =>
  async (_, response) => {
    response.writeHead(503, { 'retry-after': retryAfter, 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ code: 'store_unavailable', detail: 'Try again later.' }));
  };
const neverAnswer: Fault = async () => {};

function client({ key = apiKey, timeoutMs = 15_000, attempts = 4 } = {}) {
  return createAdminClient({
    baseUrl: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    apiKey: key,
    timeoutMs,
    attempts,
    pause: async (milliseconds) => pauses.push(milliseconds),
  });
}

const add = () => client().customers.create({ id: `customer-${customers}`, name: 'Ada' });
const sent = (name: string) => seen.map(({ headers }) => headers[name]);

describe('a write', () => {
  test.each([
    ['its answer is lost', loseAnswer],
    ['its answer breaks off', breakOff],
  ])('is carried out once when %s', async (_, fault) => {
    faults = [fault];
    expect(await add()).toMatchObject({ id: `customer-${customers}`, name: 'Ada' });
    const [first, second, ...more] = sent('idempotency-key');
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect([second, more]).toEqual([first, []]);
    const events = await service.ports.store.query({ collection: 'audit' });
    expect(
      events.filter(({ fields }) => JSON.stringify(fields).includes(`"customer-${customers}"`)),
    ).toHaveLength(1);
  });

  test('has a key of its own each time', async () => {
    await add();
    await expect(add()).rejects.toMatchObject({ code: 'customer_exists', status: 409 });
    const [first, second] = sent('idempotency-key');
    expect(first).not.toBe(second);
  });
});

describe('a service that turns requests away', () => {
  test('is asked again after as long as it says', async () => {
    faults = [turnAway('3'), turnAway('0')];
    expect(await add()).toMatchObject({ name: 'Ada' });
    expect(pauses).toEqual([3000, 0]);
  });

  test('is not waited for longer than a person would', async () => {
    faults = [turnAway(String(LONGEST_PAUSE_MS / 1000 + 1))];
    await expect(add()).rejects.toMatchObject({ code: 'store_unavailable', status: 503 });
    expect([seen.length, pauses]).toEqual([1, []]);
  });

  test('is given up after the last attempt, with its reason', async () => {
    faults = Array.from({ length: 9 }, () => turnAway('1'));
    await expect(add()).rejects.toMatchObject({ code: 'store_unavailable' });
    expect([seen.length, pauses]).toEqual([4, [1000, 1000, 1000]]);
  });
});

test('a service that does not answer is given up, and the error names it and not the key', async () => {
  faults = [neverAnswer, neverAnswer];
  const error = await client({ timeoutMs: 100, attempts: 2 })
    .customers.get('acme')
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UnreachableError);
  expect(String(error)).toContain('127.0.0.1');
  expect(String(error)).not.toContain(apiKey);
  expect([seen.length, pauses]).toEqual([2, [500]]);
});

test('a refusal is told at once, with its fields', async () => {
  const error = await client()
    .customers.create({ id: 'not an id', name: '' })
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ServiceError);
  expect(error).toMatchObject({ code: 'invalid_request', status: 422 });
  expect((error as ServiceError).problem.errors).toEqual([
    expect.objectContaining({ pointer: '/id' }),
    expect.objectContaining({ pointer: '/name' }),
  ]);
  expect(seen).toHaveLength(1);
});

test('a page that something in between answers with is a refusal too', async () => {
  faults = [
    async (_, response) => {
      response.writeHead(502, { 'content-type': 'text/html' });
      response.end('<h1>Bad gateway</h1>');
    },
  ];
  await expect(client().stats()).rejects.toMatchObject({
    name: 'ServiceError',
    status: 502,
    code: 'unknown',
  });
});

test('an id that looks like a path stays an id', async () => {
  await expect(client().customers.get('../licenses')).rejects.toMatchObject({ code: 'customer_not_found' });
  expect(seen[0]?.url).toBe('/api/v1/customers/..%2Flicenses');
});

describe('lists', () => {
  const ids = Array.from({ length: 205 }, (_, number) => `listed-${String(number).padStart(3, '0')}`);

  beforeAll(async () => {
    const fields = {
      ...{ name: 'Listed', email: 'listed@example.com', company: null, phone: null, address: null },
      ...{ notes: null, is_active: true, created_at: 1, updated_at: 1 },
    };
    await service.ports.store.commit(
      ids.map((id) => ({ op: 'set', path: customerPath(id), fields, demand: 'absent' })),
    );
  });

  test('are walked page by page, each customer once', async () => {
    const found = await Array.fromAsync(client().customers.all({ email: 'LISTED@example.com' }));
    expect(found.map(({ id }) => id)).toEqual(ids);
    expect(seen.map(({ url }) => /[?&](page|cursor)=/.exec(url ?? '')?.[1])).toEqual([
      undefined,
      'cursor',
      'cursor',
    ]);
  });

  test('go on where they were after a service that turns away, and after a lost answer', async () => {
    faults = [forward, turnAway('0'), loseAnswer];
    const found = await Array.fromAsync(client().customers.all({ email: 'listed@example.com' }));
    expect(found.map(({ id }) => id)).toEqual(ids);
    expect(seen).toHaveLength(5);
  });

  test('that break off in the middle say so, and do not look whole', async () => {
    faults = [forward, ...Array.from({ length: 4 }, () => turnAway('0'))];
    const found: string[] = [];
    const walk = async () => {
      for await (const { id } of client().customers.all({ email: 'listed@example.com' })) found.push(id);
    };
    await expect(walk()).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(found).toEqual(ids.slice(0, 100));
  });

  test('of a service that has no cursors are not taken for whole', async () => {
    faults = [
      async (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ customers: [], total: 205, page: 1, page_size: 100, total_pages: 3 }));
      },
    ];
    await expect(Array.fromAsync(client().customers.all())).rejects.toThrow('older than this client');
  });

  test('show a key that is bound to a customer that customer alone', async () => {
    const key = (await service.admin(['customers:read'], 'listed-007'))['x-api-key'];
    const found = await Array.fromAsync(client({ key }).customers.all());
    expect(found.map(({ id }) => id)).toEqual(['listed-007']);
  });
});
