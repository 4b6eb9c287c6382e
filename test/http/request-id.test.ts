import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectRawProblem, type Problem, sendRaw, UUID } from '../support/problems.ts';
import { startTestService, type TestService } from '../support/service.ts';

const ACQUIRE = '/api/v1/licenses/acquire';
const TOO_LARGE = ' '.repeat(65_537);

let service: TestService;
let licenseKey: string;

beforeAll(async () => {
  service = await startTestService();
  licenseKey = await service.addLicense();
});

afterAll(() => service.stop());

const call = (path: string, init: RequestInit = {}) => fetch(new URL(path, service.baseUrl), init);

const raw = (bytes: string, limitMs?: number) => sendRaw(service.baseUrl, bytes, limitMs);

const lastLogLine = () => JSON.parse(service.logLines.at(-1) ?? '{}');

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
    const received = await raw(
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
    const [, body = '{}'] = (await raw('garbage\r\n\r\n')).split('\r\n\r\n');
    expect(lastLogLine()).toMatchObject({
      request_id: (JSON.parse(body) as Problem).request_id,
      status: 400,
    });
  });
});
