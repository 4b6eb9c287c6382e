import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestService, type TestService } from '../support/service.ts';

const ACQUIRE = '/api/v1/licenses/acquire';
const TOO_LARGE = ' '.repeat(65_537);

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});

afterAll(() => service.stop());

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
    const exposed = refused.headers.get('access-control-expose-headers')?.toLowerCase();
    for (const name of [
      'x-request-id',
      'retry-after',
      'etag',
      'link',
      'idempotent-replayed',
      'www-authenticate',
    ])
      expect(exposed).toContain(name);
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
    expect(headers.get('access-control-allow-methods')?.split(',')).toEqual(
      expect.arrayContaining(['GET', 'POST', 'PATCH', 'DELETE']),
    );
    const sent = [
      'content-type',
      'idempotency-key',
      'if-match',
      'x-api-key',
      'authorization',
      'x-caio-instance-id',
      'x-request-id',
    ];
    for (const name of sent) {
      expect(headers.get('access-control-allow-headers')?.toLowerCase()).toContain(name);
    }
  });
});
