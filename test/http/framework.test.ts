import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem, expectRawProblem, sendRaw } from '../support/problems.ts';
import { startTestService, type TestService } from '../support/service.ts';

const ACQUIRE = '/api/v1/licenses/acquire';

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});

afterAll(() => service.stop());

const call = (path: string, init: RequestInit = {}) => fetch(new URL(path, service.baseUrl), init);
const postJson = (body: BodyInit, headers: Record<string, string> = {}) =>
  call(ACQUIRE, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
    duplex: 'half',
  } as RequestInit);

const raw = (bytes: string, limitMs?: number) => sendRaw(service.baseUrl, bytes, limitMs);

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
    expectRawProblem(await raw(`${head}content-length: 10000000000\r\n\r\n`), 413, 'body_too_large');
  });

  test('Expect: 100-continue with a body too large gets its answer', async () => {
    const head = `POST ${ACQUIRE} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n`;
    const received = await raw(`${head}content-length: 10000000\r\n\r\n`);
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
    const received = await raw(
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
    expectRawProblem(await raw(bytes), 400, 'malformed_request');
  });

  test.each([
    ['GET *', 'GET * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'],
    ['an absolute target that is no URL', 'GET http://[/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'],
    [
      'an Expect that nobody can meet',
      'GET /health HTTP/1.1\r\nhost: x\r\nexpect: miracles\r\nconnection: close\r\n\r\n',
    ],
  ])('%s: 4xx as problem+json', async (_, bytes) => {
    const [head = '', body = ''] = (await raw(bytes)).split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(head.toLowerCase()).toContain(`content-type: ${'application/problem+json'}`);
    expect(JSON.parse(body)).toMatchObject({ request_id: expect.any(String) });
  });

  test('headers of 20 KB: 431', async () => {
    expectRawProblem(
      await raw(`GET /health HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`),
      431,
      'headers_too_large',
    );
    expectRawProblem(
      await raw(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`),
      431,
      'headers_too_large',
    );
  });

  test('an absolute target is a path like any other', async () => {
    expect(await raw('GET http://x/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 200 /,
    );
    const received = await raw('GET http://x/favicon.ico HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    expectRawProblem(received, 404, 'not_found');
  });

  test('a sender that leaves half way does no harm', async () => {
    await raw(`${head}content-length: 500\r\n\r\n{"license_key":`, 50);
    expect((await call('/health')).status).toBe(200);
  });

  test('two requests on one connection get two answers in their order', async () => {
    const one = 'GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n';
    const two = 'GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
    const statuses = [...(await raw(one + two)).matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status);
    expect(statuses).toEqual(['404', '200']);
  });
});
