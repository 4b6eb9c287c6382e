import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { certificatePath, MANIFEST_PATH } from '../../shared/records/paths.ts';
import { startTestService, type TestService } from '../support/service.ts';

const ACQUIRE = '/api/v1/licenses/acquire';

let service: TestService;
let licenseKey: string;

beforeAll(async () => {
  service = await startTestService();
  licenseKey = await service.addLicense();
  const manifest = { version: 1, token: 'a.b.c', published_at: 0, expires_at: 0 };
  const { keys } = await service.client.jwks();
  const certificate = { kid: '', issuer_kid: '', chain: 'PEM', issued_at: 0, expires_at: 0 };
  await service.ports.store.commit([
    { op: 'set', path: MANIFEST_PATH, fields: manifest },
    { op: 'set', path: certificatePath(keys[0]?.kid ?? ''), fields: certificate },
  ]);
});

afterAll(() => service.stop());

const call = (path: string, init: RequestInit = {}) => fetch(new URL(path, service.baseUrl), init);

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
      const [status = 0, withSlash] = statuses;
      expect(withSlash, `${method} ${path}`).toBe(status);
      // Complete as it is, or incomplete, or of somebody who may not: in any case found.
      expect([200, 401, 422], `${method} ${path}`).toContain(status);
    }
  });

  test('HEAD has the headers of GET and no body', async () => {
    for (const [method, path] of await operations()) {
      if (method !== 'GET') continue;
      const get = await call(path);
      const head = await call(path, { method: 'HEAD' });
      await get.arrayBuffer();
      expect([head.status, await head.text()], path).toEqual([get.status, '']);
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
      if (cache !== 'no-store') cacheable[path.replace(/keys\/[^/]+\./, 'keys/{kid}.')] = cache;
    }
    expect(cacheable).toEqual({
      '/.well-known/jwks.json': 'public, max-age=30',
      '/.well-known/license-keys': 'public, max-age=30',
      '/api/v1/keys': 'public, max-age=30',
      '/api/v1/keys/{kid}.crt': 'public, max-age=30',
      '/api/v1/keys/{kid}.pem': 'public, max-age=30',
      '/docs/assets/start.js': 'public, max-age=86400',
    });
    const { headers } = await service.post(ACQUIRE, { license_key: licenseKey, hardware_id: 'm' });
    expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual([
      'no-store',
      'nosniff',
    ]);
  });
});
