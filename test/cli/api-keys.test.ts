/** `countersign api-keys …` */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countersignOn } from '../support/countersign.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let apiKey: string;
const { run, answered, refused } = countersignOn(() => ({ url: service.baseUrl, apiKey }));

beforeAll(async () => {
  service = await startTestService();
  apiKey = (await service.admin())['x-api-key'];
});
afterAll(() => service.stop());

const create = (...more: string[]) => ['api-keys', 'create', '--name', 'shop', '--scopes', ...more];

test('a key is created, opens what it is for, is listed without itself, and is revoked', async () => {
  const scopes = 'customers:read,customers:write';
  const created = await answered(...create(scopes, '--expires', '2040-01-01'));
  expect(created).toMatchObject({
    name: 'shop',
    scopes: ['customers:read', 'customers:write'],
    customer_id: null,
    expires_at: '2040-01-01T00:00:00.000+00:00',
  });
  const own = { apiKey: created.api_key };
  expect((await run(['customers', 'add', 'by-shop', '--name', 'S'], own)).code).toBe(0);
  const beyond = await run(['licenses', 'list'], own);
  expect([beyond.code, beyond.stderr]).toEqual([1, expect.stringContaining('(forbidden)')]);

  const { api_keys } = await answered('api-keys', 'list', '--page-size', '100');
  expect(api_keys).toContainEqual(expect.objectContaining({ prefix: created.prefix, name: 'shop' }));
  const listed = await run(['api-keys', 'list']);
  expect(listed.stdout).toMatch(new RegExp(`^${created.prefix} +shop +customers:read customers:write `, 'm'));
  expect(listed.stdout).not.toContain(created.api_key);

  const asked = await run(['api-keys', 'revoke', created.prefix]);
  expect([asked.code, asked.stderr]).toEqual([3, expect.stringContaining('Give --yes')]);
  const revoked = await answered('api-keys', 'revoke', created.prefix, '--yes');
  expect(revoked.revoked_at).toEqual(expect.any(String));
  const after = await run(['customers', 'show', 'by-shop'], own);
  expect([after.code, after.stderr]).toEqual([1, expect.stringContaining('(unauthenticated)')]);
});

test('a key for one customer opens that one alone', async () => {
  await answered('customers', 'add', 'mine', '--name', 'Mine');
  await answered('customers', 'add', 'theirs', '--name', 'Theirs');
  const { api_key } = await answered(...create('customers:read', '--customer', 'mine'));
  expect((await run(['customers', 'show', 'mine'], { apiKey: api_key })).code).toBe(0);
  const other = await run(['customers', 'show', 'theirs'], { apiKey: api_key });
  expect(other.stderr).toContain('(customer_not_found)');
});

test('a key that ends makes one that ends with it, and none that goes on', async () => {
  const { api_key } = await answered(...create('access:admin', '--expires', '2040-01-01'));
  const { stdout, code } = await run([...create('access:admin'), '--json'], { apiKey: api_key });
  expect([code, JSON.parse(stdout).expires_at]).toEqual([0, '2040-01-01T00:00:00.000+00:00']);
  const beyond = await run(create('access:admin', '--expires', '2040-01-02'), { apiKey: api_key });
  expect([beyond.code, beyond.stderr]).toEqual([1, expect.stringContaining('the end of your key')]);
});

test('nobody gives what they do not have', async () => {
  const admin = (await service.admin(['access:admin', 'customers:read']))['x-api-key'];
  const { code, stderr } = await run(create('licenses:write'), { apiKey: admin });
  expect([code, stderr]).toEqual([1, expect.stringContaining('(forbidden)')]);
});

test('a wrong scope and a wrong time are wrong command lines; an unknown prefix is refused', async () => {
  expect((await run(create('licences:write'))).code).toBe(2);
  expect((await run(create('licenses:read', '--expires', 'soon'))).code).toBe(2);
  await refused('(invalid_request)', ...create('licenses:read', '--name', ''));
  await refused('(api_key_not_found)', 'api-keys', 'revoke', 'csk_00000000', '--yes');
});

test('when the answer with the key is lost, the command gets it again, and there is one key', async () => {
  let lost = 0;
  const proxy = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request));
    const answer = await fetch(new URL(request.url ?? '', service.baseUrl), {
      method: request.method ?? 'GET',
      headers: { ...(request.headers as Record<string, string>), connection: 'close' },
      body,
    });
    const text = await answer.text();
    lost += 1;
    if (lost === 1) response.destroy();
    else response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const { code, stdout } = await run(create('licenses:read', '--name', 'lost'), { url });
    const [, lostKey = ''] = /^API key: (csk_\S{43})$/m.exec(stdout) ?? [];
    expect([code, lost]).toEqual([0, 2]);
    const { api_keys } = await answered('api-keys', 'list', '--page-size', '100');
    expect(api_keys.filter(({ name }: { name: string }) => name === 'lost')).toEqual([
      expect.objectContaining({ prefix: lostKey.slice(0, 12) }),
    ]);
    expect((await run(['licenses', 'list'], { apiKey: lostKey })).code).toBe(0);
  } finally {
    proxy.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
  }
});
