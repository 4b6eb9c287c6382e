/**
 * What the functions-framework, Express or Node would answer by themselves, and what the service answers instead;
 * and each function on its own, started by the framework's command line.
 */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createHasher } from '../../infra/hasher.ts';
import { openSqliteStore } from '../../infra/stores/sqlite.ts';
import { generateLicenseKey } from '../../shared/license-key.ts';
import { createLicense } from '../../shared/usecases/create-license.ts';
import { startTestKms, type TestKms } from '../support/kms.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { freePort, type Program, REPOSITORY, spawnProgram, waitUntil } from '../support/spawn-stack.ts';

const ACQUIRE = '/api/v1/licenses/acquire';
const PROBLEM = 'application/problem+json';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TOO_LARGE = ' '.repeat(65_537);

let service: TestService;
let licenseKey: string;

beforeAll(async () => {
  service = await startTestService();
  licenseKey = await service.addLicense();
});

afterAll(() => service.stop());

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly request_id: string;
}

/** A problem document with this status and code, and nothing that Express or Node would say. */
async function expectProblem(response: Response, status: number, code: string): Promise<Problem> {
  const text = await response.text();
  expect([response.status, response.headers.get('content-type')], text).toEqual([status, PROBLEM]);
  const problem = JSON.parse(text) as Problem;
  expect(problem).toMatchObject({
    type: `urn:countersign:error:${code}`,
    status,
    code,
    detail: expect.any(String),
  });
  expect(response.headers.get('x-request-id')).toBe(problem.request_id);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('x-powered-by')).toBeNull();
  expect(text).not.toMatch(/<[a-z!/]|^\s*at |node_modules|\.ts:\d/m);
  return problem;
}

const call = (path: string, init: RequestInit = {}) => fetch(new URL(path, service.baseUrl), init);
const postJson = (body: BodyInit, headers: Record<string, string> = {}) =>
  call(ACQUIRE, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
    duplex: 'half',
  } as RequestInit);

/** Sends bytes as they are and answers everything that came back until the server closed, or `limitMs` was over. */
async function sendRaw(bytes: string, limitMs = 5000): Promise<string> {
  const socket = connect({ port: Number(new URL(service.baseUrl).port), host: '127.0.0.1' });
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk;
  });
  socket.on('error', () => {});
  socket.write(Buffer.from(bytes, 'latin1'));
  const limit = setTimeout(() => socket.destroy(), limitMs);
  await once(socket, 'close');
  clearTimeout(limit);
  return received;
}

/** The same for one answer of `sendRaw`. */
function expectRawProblem(received: string, status: number, code: string): void {
  const [head = '', body = ''] = received.split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(head.toLowerCase()).toContain(`content-type: ${PROBLEM}`);
  expect(JSON.parse(body)).toMatchObject({ status, code, request_id: expect.stringMatching(UUID) });
}

const lastLogLine = () => JSON.parse(service.logLines.at(-1) ?? '{}');

describe('instead of the framework', () => {
  test.each([
    ['malformed JSON', '{"license_key":', 'invalid_json'],
    ['an empty body', '', 'invalid_json'],
    ['a second body after the first', '{}{}', 'invalid_json'],
    ['a repeated key', '{"a":1,"a":2}', 'json_duplicate_key'],
    ['30,000 levels', '['.repeat(30_000), 'json_too_deep'],
  ])('%s: 400', async (_, body, code) => {
    await expectProblem(await postJson(body), 400, code);
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=utf-16',
  ])('the media type %s: 415', async (type) => {
    await expectProblem(await postJson('{}', { 'content-type': type }), 415, 'unsupported_media_type');
  });

  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'APPLICATION/JSON;charset="UTF-8"',
    'application/vnd.x+json',
  ])('the media type %s is JSON', async (type) => {
    await expectProblem(await postJson('{}', { 'content-type': type }), 422, 'invalid_request');
  });

  test('a compressed body: 415, whatever it would unpack to', async () => {
    await expectProblem(await postJson('{}', { 'content-encoding': 'gzip' }), 415, 'unsupported_media_type');
  });

  test('a body of 64 KiB passes, one byte more is 413', async () => {
    await expectProblem(await postJson('{}'.padEnd(65_536)), 422, 'invalid_request');
    await expectProblem(await postJson('{}'.padEnd(65_537)), 413, 'body_too_large');
  });

  test('the same without a Content-Length', async () => {
    const streamed = (length: number) => new Blob(['{}'.padEnd(length)]).stream();
    await expectProblem(await postJson(streamed(65_536)), 422, 'invalid_request');
    await expectProblem(await postJson(streamed(65_537)), 413, 'body_too_large');
  });

  test('a Content-Length of 10 GB is refused before the body is sent', async () => {
    const head = `POST ${ACQUIRE} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
    expectRawProblem(await sendRaw(`${head}content-length: 10000000000\r\n\r\n`), 413, 'body_too_large');
  });

  test('Expect: 100-continue with a body too large gets its answer', async () => {
    const head = `POST ${ACQUIRE} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n`;
    const received = await sendRaw(`${head}content-length: 10000000\r\n\r\n`);
    expectRawProblem(received.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, ''), 413, 'body_too_large');
  });

  test.each([
    ['an unknown path', '/nowhere'],
    ['the root', '/'],
    ['a path above the root', '/../../etc/passwd'],
    ['an unknown asset', '/docs/assets/nothing.js'],
    ['an inherited member for an asset', '/docs/assets/__proto__'],
    ['favicon', '/favicon.ico'],
    ['robots.txt', '/robots.txt'],
    ['robots.txt with a query', '/robots.txt?x=1'],
    ['favicon in capitals', '/FAVICON.ICO'],
    ['below favicon', '/favicon.ico/x'],
    ['favicon with a slash', '/favicon.ico/'],
  ])('%s: 404', async (_, path) => {
    await expectProblem(await call(path), 404, 'not_found');
  });

  test('an unknown key: 404', async () => {
    await expectProblem(await call('/api/v1/keys/nothing.pem'), 404, 'key_not_found');
  });

  test.each(['/%', '/%zz', '/%ff', '/api/v1/licenses/%E0%A4%A', '/%c0%ae'])(
    'the malformed escape %s: 400',
    async (path) => {
      await expectProblem(await call(path), 400, 'malformed_request');
    },
  );

  test.each([
    ['GET', ACQUIRE, 'POST, OPTIONS'],
    ['PUT', ACQUIRE, 'POST, OPTIONS'],
    ['PATCH', ACQUIRE, 'POST, OPTIONS'],
    ['DELETE', ACQUIRE, 'POST, OPTIONS'],
    ['POST', '/health', 'GET, HEAD, OPTIONS'],
    ['DELETE', '/.well-known/jwks.json', 'GET, HEAD, OPTIONS'],
  ])('%s %s: 405, and Allow says %s', async (method, path, allow) => {
    const response = await call(path, { method });
    await expectProblem(response, 405, 'method_not_allowed');
    expect(response.headers.get('allow')).toBe(allow);
  });

  test('OPTIONS says what is allowed', async () => {
    const response = await call(ACQUIRE, { method: 'OPTIONS' });
    expect([response.status, response.headers.get('allow'), await response.text()]).toEqual([
      204,
      'POST, OPTIONS',
      '',
    ]);
  });

  test('HEAD of a POST path: 405 without a body', async () => {
    const response = await call(ACQUIRE, { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([405, '']);
  });

  test('TRACE echoes nothing', async () => {
    const received = await sendRaw(
      `TRACE /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-secret: hunter2\r\n\r\n`,
    );
    expectRawProblem(received, 405, 'method_not_allowed');
    expect(received).not.toContain('hunter2');
  });
});

describe('instead of Node', () => {
  const head = `POST ${ACQUIRE} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;

  test.each([
    ['garbage', 'garbage\r\n\r\n'],
    ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['an unknown version', 'GET /health HTTP/9.9\r\nhost: x\r\n\r\n'],
    ['HTTP/2.0 spoken as HTTP/1.1', 'GET /health HTTP/2.0\r\nhost: x\r\nconnection: close\r\n\r\n'],
    ['no version', 'GET /health\r\nhost: x\r\nconnection: close\r\n\r\n'],
    ['an unknown method', 'BREW /health HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['a header without a colon', 'GET /health HTTP/1.1\r\nhost: x\r\nnonsense\r\n\r\n'],
    ['two lengths', `${head}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`],
    ['a length and chunks', `${head}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['an unknown transfer coding', `${head}transfer-encoding: xchunked\r\n\r\n{}`],
    ['a chunk size that is no number', `${head}transfer-encoding: chunked\r\n\r\nzz\r\n`],
    ['no Host', 'GET /health HTTP/1.1\r\nconnection: close\r\n\r\n'],
    ['an empty Host', 'GET /health HTTP/1.1\r\nhost: \r\nconnection: close\r\n\r\n'],
    ['a Host that is none', 'GET /health HTTP/1.1\r\nhost: <script>\r\nconnection: close\r\n\r\n'],
    ['a backslash in the path', 'GET /a\\b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'],
  ])('%s: 400', async (_, bytes) => {
    expectRawProblem(await sendRaw(bytes), 400, 'malformed_request');
  });

  test.each([
    ['GET *', 'GET * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'],
    ['an absolute target that is no URL', 'GET http://[/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'],
    [
      'an Expect that nobody can meet',
      'GET /health HTTP/1.1\r\nhost: x\r\nexpect: miracles\r\nconnection: close\r\n\r\n',
    ],
  ])('%s: 4xx as problem+json', async (_, bytes) => {
    const [head = '', body = ''] = (await sendRaw(bytes)).split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(head.toLowerCase()).toContain(`content-type: ${PROBLEM}`);
    expect(JSON.parse(body)).toMatchObject({ request_id: expect.any(String) });
  });

  test('headers of 20 KB: 431', async () => {
    expectRawProblem(
      await sendRaw(`GET /health HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`),
      431,
      'headers_too_large',
    );
    expectRawProblem(
      await sendRaw(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`),
      431,
      'headers_too_large',
    );
  });

  test('an absolute target is a path like any other', async () => {
    expect(await sendRaw('GET http://x/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 200 /,
    );
    const received = await sendRaw(
      'GET http://x/favicon.ico HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    );
    expectRawProblem(received, 404, 'not_found');
  });

  test('a sender that leaves half way does no harm', async () => {
    await sendRaw(`${head}content-length: 500\r\n\r\n{"license_key":`, 50);
    expect((await call('/health')).status).toBe(200);
  });

  test('two requests on one connection get two answers in their order', async () => {
    const one = 'GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n';
    const two = 'GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
    const statuses = [...(await sendRaw(one + two)).matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(
      ([, status]) => status,
    );
    expect(statuses).toEqual(['404', '200']);
  });
});

describe('the request id', () => {
  const paths: readonly (readonly [string, string, RequestInit])[] = [
    ['of an endpoint', '/nowhere', {}],
    ['of the guard', '/%zz', {}],
    [
      'of a refused body',
      ACQUIRE,
      { method: 'POST', body: TOO_LARGE, headers: { 'content-type': 'application/json' } },
    ],
  ];

  test.each(paths)('%s is echoed in header, body and log line', async (_, path, init) => {
    const id = 'trace-1.2_3';
    const response = await call(path, { ...init, headers: { ...init.headers, 'x-request-id': id } });
    expect(response.headers.get('x-request-id')).toBe(id);
    expect(await response.json()).toMatchObject({ request_id: id });
    expect(lastLogLine()).toMatchObject({ request_id: id, severity: 'INFO', status: response.status });
  });

  test.each(paths)('%s is made up when there is none', async (_, path, init) => {
    const response = await call(path, init);
    const { request_id: id } = (await response.json()) as Problem;
    expect(id).toMatch(UUID);
    expect(response.headers.get('x-request-id')).toBe(id);
    expect(lastLogLine()).toMatchObject({ request_id: id });
  });

  test.each(['a b', 'x'.repeat(65), '<b>', '{"a":1}', 'é'])('%j is not printed', async (id) => {
    const response = await call('/nowhere', { headers: { 'x-request-id': id } });
    expect(((await response.json()) as Problem).request_id).toMatch(UUID);
  });

  test('two of them count as none', async () => {
    const received = await sendRaw(
      'GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-request-id: a\r\nx-request-id: b\r\n\r\n',
    );
    expectRawProblem(received, 404, 'not_found');
  });

  test('a good answer has one, and its log line names route and status', async () => {
    const { status, headers } = await service.post(
      ACQUIRE,
      { license_key: licenseKey, hardware_id: 'm' },
      { 'x-request-id': 'good-1' },
    );
    expect([status, headers.get('x-request-id')]).toEqual([200, 'good-1']);
    expect(lastLogLine()).toEqual({
      severity: 'INFO',
      message: 'request',
      request_id: 'good-1',
      method: 'POST',
      route: ACQUIRE,
      status: 200,
      latency_ms: expect.any(Number),
    });
  });

  test('what Node could not read is logged with the id that was answered', async () => {
    const [, body = '{}'] = (await sendRaw('garbage\r\n\r\n')).split('\r\n\r\n');
    expect(lastLogLine()).toMatchObject({
      request_id: (JSON.parse(body) as Problem).request_id,
      status: 400,
    });
  });
});

describe('every path of the description', () => {
  async function operations(): Promise<(readonly [method: string, path: string])[]> {
    const { paths } = (await (await call('/openapi.json')).json()) as {
      paths: Record<string, Record<string, unknown>>;
    };
    const { keys } = await service.client.jwks();
    const filled = (path: string) => path.replace('{kid}', keys[0]?.kid ?? '').replace('{name}', 'start.js');
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => [method.toUpperCase(), filled(path)] as const),
    );
  }

  test('works with and without a trailing slash', async () => {
    const all = await operations();
    expect(all.length).toBeGreaterThanOrEqual(13);
    for (const [method, path] of all) {
      const init =
        method === 'POST'
          ? { method, body: '{}', headers: { 'content-type': 'application/json' } }
          : { method };
      const statuses = await Promise.all(
        [path, `${path}/`].map(async (either) => (await call(either, init)).status),
      );
      expect(statuses, `${method} ${path}`).toEqual(method === 'POST' ? [422, 422] : [200, 200]);
    }
  });

  test('HEAD has the headers of GET and no body', async () => {
    for (const [method, path] of await operations()) {
      if (method !== 'GET') continue;
      const get = await call(path);
      const head = await call(path, { method: 'HEAD' });
      await get.arrayBuffer();
      expect([head.status, await head.text()], path).toEqual([200, '']);
      for (const name of ['content-type', 'cache-control', 'x-content-type-options']) {
        expect(head.headers.get(name), `${name} of ${path}`).toBe(get.headers.get(name));
      }
    }
  });

  test('only public keys and the assets of the page may be cached', async () => {
    const cacheable: Record<string, string> = {};
    for (const [method, path] of await operations()) {
      const response = await call(path, method === 'POST' ? { method, body: '{}' } : { method });
      await response.arrayBuffer();
      const cache = response.headers.get('cache-control') ?? 'absent';
      if (cache !== 'no-store') cacheable[path.replace(/keys\/[^/]+\.pem/, 'keys/{kid}.pem')] = cache;
    }
    expect(cacheable).toEqual({
      '/.well-known/jwks.json': 'public, max-age=300',
      '/api/v1/keys': 'public, max-age=300',
      '/api/v1/keys/{kid}.pem': 'public, max-age=300',
      '/docs/assets/start.js': 'public, max-age=86400',
    });
    const { headers } = await service.post(ACQUIRE, { license_key: licenseKey, hardware_id: 'm' });
    expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual([
      'no-store',
      'nosniff',
    ]);
  });
});

describe('CORS', () => {
  const ALLOWED = 'https://app.example.com';
  const preflight = {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type',
  };
  let open: TestService;

  beforeAll(async () => {
    open = await startTestService({ allowedOrigins: [ALLOWED] });
  });

  afterAll(() => open.stop());

  const from = (baseUrl: string, origin: string, path: string, init: RequestInit = {}) =>
    fetch(new URL(path, baseUrl), { ...init, headers: { ...init.headers, origin } });

  test('without configuration no origin may read anything', async () => {
    for (const [path, init] of [
      ['/health', {}],
      [ACQUIRE, { method: 'OPTIONS', headers: preflight }],
    ] as const) {
      const { headers } = await from(service.baseUrl, ALLOWED, path, init);
      expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });

  test('a configured origin may, also when it is refused', async () => {
    const good = await from(open.baseUrl, ALLOWED, '/health');
    expect([good.status, good.headers.get('access-control-allow-origin'), good.headers.get('vary')]).toEqual([
      200,
      ALLOWED,
      'Origin',
    ]);
    const refused = await from(open.baseUrl, ALLOWED, ACQUIRE, { method: 'POST', body: '{' });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([415, ALLOWED]);
    expect(refused.headers.get('access-control-expose-headers')).toMatch(/x-request-id/i);
    expect(refused.headers.get('access-control-allow-credentials')).toBeNull();
  });

  test('a configured origin may also read what the guard refuses', async () => {
    const { status, headers } = await from(open.baseUrl, ALLOWED, ACQUIRE, {
      method: 'POST',
      body: TOO_LARGE,
    });
    expect([status, headers.get('access-control-allow-origin')]).toEqual([413, ALLOWED]);
  });

  test.each([
    'https://evil.example.com',
    'https://app.example.com.evil.com',
    'http://app.example.com',
    'null',
  ])('%s may not', async (origin) => {
    const { headers } = await from(open.baseUrl, origin, '/health');
    expect(headers.get('access-control-allow-origin')).toBeNull();
    const asked = await from(open.baseUrl, origin, ACQUIRE, { method: 'OPTIONS', headers: preflight });
    expect(asked.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('a preflight says what may be sent', async () => {
    const { status, headers } = await from(open.baseUrl, ALLOWED, ACQUIRE, {
      method: 'OPTIONS',
      headers: preflight,
    });
    expect([
      status,
      headers.get('access-control-allow-origin'),
      headers.get('access-control-max-age'),
    ]).toEqual([204, ALLOWED, '600']);
    expect(headers.get('access-control-allow-methods')).toContain('POST');
    for (const name of ['content-type', 'idempotency-key', 'x-request-id']) {
      expect(headers.get('access-control-allow-headers')?.toLowerCase()).toContain(name);
    }
  });
});

describe('each function on its own', () => {
  const require = createRequire(import.meta.url);
  const CLI = join(dirname(require.resolve('@google-cloud/functions-framework')), 'main.js');
  const PEPPER = 'a pepper for the command line, long enough';
  let kms: TestKms;
  let folder: string;
  let environment: Record<string, string>;
  let key: string;
  let program: Program | undefined;

  beforeAll(async () => {
    kms = await startTestKms();
    folder = mkdtempSync(join(tmpdir(), 'countersign-cli-'));
    const path = join(folder, 'store.sqlite');
    environment = {
      KMS_ENDPOINT: kms.endpoint,
      SIGNING_KEYS_JSON: JSON.stringify(kms.signingKeys.map(({ name, algorithm }) => ({ name, algorithm }))),
      STORE: 'sqlite',
      SQLITE_PATH: path,
      LICENSE_KEY_PEPPER: PEPPER,
    };
    key = await seed(path);
  });

  afterEach(async () => {
    program?.kill('SIGKILL');
    await program?.ended;
    program = undefined;
  });

  afterAll(async () => {
    await kms.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function seed(path: string): Promise<string> {
    const store = openSqliteStore({ path });
    const random = { bytes: (length: number) => randomBytes(length) };
    const wanted = generateLicenseKey('TEST', random);
    const ports = { store, hasher: createHasher(PEPPER), clock: { now: Date.now } };
    await createLicense(ports, {
      licenseKey: wanted,
      licenseId: 'license-1',
      customer: { id: 'c', name: 'C' },
      product: 'demo-app',
      tier: 'pro',
      features: [],
      seats: 2,
      signingAlgorithm: 'EC_SIGN_ED25519',
    });
    await store.close();
    return wanted;
  }

  function run(target: string, port: number, env: Record<string, string>): Program {
    const source = join(REPOSITORY, 'functions', target === 'countersign' ? 'all' : target, 'main.ts');
    return spawnProgram(CLI, [`--target=${target}`, `--source=${source}`, `--port=${port}`], { env });
  }

  async function serveFunction(target: string): Promise<string> {
    const port = await freePort();
    program = run(target, port, environment);
    const baseUrl = `http://127.0.0.1:${port}`;
    await waitUntil(program, () =>
      fetch(`${baseUrl}/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    return baseUrl;
  }

  const acquireAt = (baseUrl: string, body: string) =>
    fetch(`${baseUrl}${ACQUIRE}`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });

  test('licenses: acquires and is guarded, and has no public keys', async () => {
    const baseUrl = await serveFunction('licenses');
    const good = await acquireAt(baseUrl, JSON.stringify({ license_key: key, hardware_id: 'm' }));
    expect(good.status).toBe(200);
    expect(await good.json()).toMatchObject({
      license_data: { license_key: key, signature_algorithm: 'EC_SIGN_ED25519' },
    });
    await expectProblem(await acquireAt(baseUrl, '{"license_key":'), 400, 'invalid_json');
    await expectProblem(await acquireAt(baseUrl, TOO_LARGE), 413, 'body_too_large');
    await expectProblem(await fetch(`${baseUrl}/%zz`), 400, 'malformed_request');
    await expectProblem(await fetch(`${baseUrl}/favicon.ico`), 404, 'not_found');
    await expectProblem(await fetch(`${baseUrl}/.well-known/jwks.json`), 404, 'not_found');
    expect(program?.stderr()).toBe('');
    expect(program?.stdout()).not.toContain(key);
  });

  test('keys: serves public keys, and cannot acquire', async () => {
    const baseUrl = await serveFunction('keys');
    const { keys } = (await (await fetch(`${baseUrl}/.well-known/jwks.json`)).json()) as {
      keys: { alg: string }[];
    };
    expect(keys.map(({ alg }) => alg).sort()).toEqual(['EdDSA', 'RS256']);
    expect(JSON.stringify(keys)).not.toMatch(/"(d|p|q|dp|dq|qi)":/);
    await expectProblem(
      await acquireAt(baseUrl, JSON.stringify({ license_key: key, hardware_id: 'm' })),
      404,
      'not_found',
    );
    await expectProblem(await acquireAt(baseUrl, '{"license_key":'), 404, 'not_found');
  });

  test('countersign: has both', async () => {
    const baseUrl = await serveFunction('countersign');
    expect((await acquireAt(baseUrl, JSON.stringify({ license_key: key, hardware_id: 'm' }))).status).toBe(
      200,
    );
    expect((await fetch(`${baseUrl}/.well-known/jwks.json`)).status).toBe(200);
  });

  test.each(['SQLITE_PATH', 'LICENSE_KEY_PEPPER', 'SIGNING_KEYS_JSON'])(
    'without %s: exit code 1 and a sentence',
    async (name) => {
      const { [name]: _, ...rest } = environment;
      program = run('licenses', await freePort(), rest);
      const { code, stderr } = await program.ended;
      expect(code, stderr).toBe(1);
      expect(stderr).toContain(`${name} is not set.`);
      expect(stderr).not.toMatch(/^\s+at /m);
    },
  );

  test('a wrong value is not repeated', async () => {
    program = run('licenses', await freePort(), { ...environment, LICENSE_KEY_PEPPER: 'too-short-secret' });
    const { code, stderr } = await program.ended;
    expect([code, stderr.includes('LICENSE_KEY_PEPPER'), stderr.includes('too-short-secret')]).toEqual([
      1,
      true,
      false,
    ]);
  });

  test('a local KMS in production is refused', async () => {
    program = run('licenses', await freePort(), { ...environment, NODE_ENV: 'production' });
    const { code, stderr } = await program.ended;
    expect([code, stderr.includes('KMS_ENDPOINT')]).toEqual([1, true]);
  });
});
