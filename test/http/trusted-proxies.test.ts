/** The address that counts: of the connection, or what the trusted proxies say. It is on the audit trail and slows wrong keys. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateApiKey } from '../../shared/access/api-key.ts';
import {
  ATTEMPT_WINDOW_SECONDS,
  FAILED_ATTEMPTS_PER_KEY,
  FAILED_ATTEMPTS_PER_NETWORK,
} from '../../shared/constants.ts';
import { startTestService, type TestService } from '../support/service.ts';

const KEYS = '/api/v1/admin/api-keys';

describe.each([0, 1, 2])('where trusted proxies append %i entries', (trustedProxies) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService({ trustedProxies });
  });

  afterAll(() => service.stop());

  const forwarded = (value: string | undefined) => (value === undefined ? {} : { 'x-forwarded-for': value });

  async function sourceOf(header: string | undefined): Promise<unknown> {
    const admin = await service.admin();
    const headers = { ...admin, ...forwarded(header) };
    const { status } = await service.post(KEYS, { name: 'x', scopes: ['usage:read'] }, headers);
    expect(status).toBe(201);
    const [last] = await service.ports.store.query({
      collection: 'audit',
      orderBy: [['seq', 'desc']],
      limit: 1,
    });
    return last?.fields.source;
  }

  const CONNECTION = expect.stringMatching(/127\.0\.0\.1$/);

  test.each<[header: string | undefined, sources: [unknown, unknown, unknown]]>([
    [undefined, [CONNECTION, null, null]],
    ['203.0.113.9', [CONNECTION, '203.0.113.9', null]],
    ['198.51.100.1, 203.0.113.9', [CONNECTION, '203.0.113.9', '198.51.100.1']],
    ['192.0.2.1,198.51.100.1 , 2001:db8::1', [CONNECTION, '2001:db8::1', '198.51.100.1']],
    ['203.0.113.9, unknown', [CONNECTION, null, '203.0.113.9']],
    ['', [CONNECTION, null, null]],
    ['6.6.6.6, 203.0.113.9, 198.51.100.9', [CONNECTION, '198.51.100.9', '203.0.113.9']],
    ['203.0.113.9:555, 198.51.100.9:1', [CONNECTION, '198.51.100.9', '203.0.113.9']],
    ['[2001:db8::1]:443,[2001:db8::2]', [CONNECTION, '2001:db8::2', '2001:db8::1']],
    ['[::ffff:203.0.113.9]:80, 2001:db8::1:443', [CONNECTION, '2001:db8::1:443', '::ffff:203.0.113.9']],
    ['203.0.113.9:, [203.0.113.9', [CONNECTION, null, null]],
    ['[], []:80', [CONNECTION, null, null]],
    ['2001:db8::1]:443, 203.0.113.9:80:80', [CONNECTION, null, null]],
  ])('X-Forwarded-For: %s', async (header, sources) => {
    expect(await sourceOf(header)).toEqual(sources[trustedProxies]);
  });

  test('an address with a port counts for the network that it has without', async () => {
    const own = (n: number) => `198.18.7.1:${1024 + n}`;
    const asks = async (n: number) => {
      const header = [own(n), own(n)].slice(0, Math.max(1, trustedProxies)).join(', ');
      const headers = { 'x-api-key': generateApiKey(service.ports.random), 'x-forwarded-for': header };
      return (await fetch(new URL(KEYS, service.baseUrl), { headers })).status;
    };
    for (let n = 0; n < FAILED_ATTEMPTS_PER_NETWORK; n++) expect(await asks(n)).toBe(401);
    expect(await asks(200)).toBe(429);
    service.advance(ATTEMPT_WINDOW_SECONDS);
  });

  test('an attacker is slowed, and gets out of it by a header of its own only where all are one network', async () => {
    const own = '198.51.100.1';
    const asks = async (invented: string, apiKey = generateApiKey(service.ports.random)) => {
      const proxies = ['203.0.113.9', '10.0.0.1'].slice(0, Math.max(0, trustedProxies - 1));
      const header = [invented, own, ...proxies].join(', ');
      const headers = { 'x-api-key': apiKey, 'x-forwarded-for': header };
      return fetch(new URL(KEYS, service.baseUrl), { headers });
    };
    for (let n = 0; n < FAILED_ATTEMPTS_PER_NETWORK; n++)
      expect((await asks(`192.0.${n}.1`)).status).toBe(401);
    const refused = await asks('192.0.250.1');
    expect(refused.status).toBe(429);
    expect(((await refused.json()) as { code: string }).code).toBe('rate_limited');
    const wait = Number(refused.headers.get('retry-after'));
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(ATTEMPT_WINDOW_SECONDS);
    service.advance(wait);
    expect((await asks('192.0.250.1', (await service.admin())['x-api-key'])).status).toBe(200);
  });
});

test('whoever knows how a key begins does not lock it out, from however many networks', async () => {
  const service = await startTestService({ trustedProxies: 1 });
  try {
    const { 'x-api-key': apiKey } = await service.admin();
    const like = (n: number) => apiKey.slice(0, 12) + String(n).padStart(35, 'x');
    const asks = async (presented: string, network: number) => {
      const headers = { 'x-api-key': presented, 'x-forwarded-for': `203.0.${network}.1` };
      return (await fetch(new URL(KEYS, service.baseUrl), { headers })).status;
    };
    for (let n = 0; n < FAILED_ATTEMPTS_PER_KEY; n++) expect(await asks(like(n), n)).toBe(401);
    expect(await asks(like(99), 99)).toBe(429);
    expect(await asks(apiKey, 100)).toBe(200);
  } finally {
    await service.stop();
  }
});
