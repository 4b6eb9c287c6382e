/** Who may call what: every endpoint with every scope, as the table of docs/access.md says. */
import { randomUUID } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aboutEndpoints } from '../../functions/http/about.ts';
import { docsEndpoints } from '../../functions/http/docs.ts';
import type { Endpoint } from '../../functions/http/endpoint.ts';
import { generateApiKey, prefixOf } from '../../shared/access/api-key.ts';
import { SCOPE_NAMES, SCOPES } from '../../shared/access/scopes.ts';
import { customerPath } from '../../shared/records/paths.ts';
import { apiKeyWrite } from '../../shared/usecases/create-api-key.ts';
import { everyEndpoint, NO_PORTS, NO_SETTINGS } from '../support/every-endpoint.ts';
import { startTestService, type TestService } from '../support/service.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/access.md'), 'utf8');
const PUBLIC = 'public';
const REFUSED = 'refused';

/** The rows without their ports: what a test is called must be known before the service runs. */
const ENDPOINTS = everyRow();
const NAMED = ENDPOINTS.map((endpoint) => [callOf(endpoint), endpoint] as const);
const GUARDED = NAMED.filter(([, { access }]) => access !== PUBLIC);

/** By call: the scope that the page names, and what it says of a key of one customer. */
const TABLE = new Map(
  [...PAGE.matchAll(/^\| `([A-Z]+ \/[^`]*)` \| `?([\w:]+)`? \| (.*?) \|$/gm)].map(
    ([, call = '', scope = '', bound = '']) => [call, { scope, bound }],
  ),
);

const BOUND = 'bound-customer';

/** Where the example asks for more than a caller with one scope, or of one customer, can give. */
const BODIES: Readonly<Record<string, object>> = {
  createApiKey: { name: 'x', scopes: ['access:admin'], customer_id: BOUND },
};

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});

afterAll(() => service.stop());

function everyRow(): Endpoint[] {
  const about = { name: '', version: '', environment: '', issuer: '' };
  const own = [...everyEndpoint(NO_PORTS, NO_SETTINGS), ...aboutEndpoints(NO_PORTS, about)];
  return [...own, ...docsEndpoints(own, '')];
}

function callOf({ method, path }: Endpoint): string {
  return `${method} ${path}`;
}

/** `unauthenticated`, `forbidden`, or `allowed` whatever comes of it. */
async function outcome(endpoint: Endpoint, headers: object, ids: Ids = {}): Promise<string> {
  const { status, body } = await ask(endpoint, headers, ids);
  const code = /"code":"(\w+)"/.exec(body)?.[1] ?? '';
  if (status === 401) return code;
  return status === 403 && code === 'forbidden' ? code : 'allowed';
}

type Ids = Readonly<Record<string, string>>;

async function ask({ operationId, method, path, request }: Endpoint, headers: object, ids: Ids) {
  const sent = BODIES[operationId] ?? request?.meta()?.example ?? {};
  const target = path.replace(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? 'none');
  const response = await fetch(new URL(target, service.baseUrl), {
    method,
    headers: { ...headers, ...(request && { 'content-type': 'application/json' }) },
    ...(request && { body: JSON.stringify(sent) }),
  });
  return { status: response.status, body: await response.text() };
}

describe('the table of docs/access.md', () => {
  test('has a row for every endpoint, and no other', () => {
    expect([...TABLE.keys()].sort()).toEqual(NAMED.map(([call]) => call).sort());
  });

  test.each(NAMED)('names the scope of %s', (call, { access }) => {
    expect(TABLE.get(call)?.scope).toBe(access);
  });

  test('explains every scope', () => {
    const explained = [...PAGE.matchAll(/^\| `(\w+:\w+)` \| [^|`]+ \|$/gm)].map(([, scope]) => scope);
    expect(explained.sort()).toEqual(Object.keys(SCOPES).sort());
  });
});

test('no endpoint is outside: each row of the source is among those that are walked, and all are served', () => {
  const files = globSync('functions/**/*.ts', { cwd: ROOT });
  const written = files.flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/operationId: '(\w+)'/g)].map(([, id]) => id),
  );
  const walked = ENDPOINTS.map(({ operationId }) => operationId);
  expect(written.length).toBeGreaterThan(20);
  expect(walked.sort()).toEqual(written.sort());
  expect(service.endpoints.map(callOf).sort()).toEqual(NAMED.map(([call]) => call).sort());
});

describe.each(NAMED)('%s', (call, endpoint) => {
  const { access } = endpoint;
  const needs = (scope: string) => (access === PUBLIC || access === scope ? 'allowed' : 'forbidden');

  test('without credentials, and with wrong ones', async () => {
    const expected = access === PUBLIC ? 'allowed' : 'unauthenticated';
    expect(await outcome(endpoint, {})).toBe(expected);
    // Too many wrong keys in one minute would be slowed.
    service.advance(10);
    expect(await outcome(endpoint, { 'x-api-key': generateApiKey(service.ports.random) })).toBe(expected);
    expect(await outcome(endpoint, { authorization: 'Bearer none' })).toBe(expected);
  });

  test.each(SCOPE_NAMES)('with %s alone', async (scope) => {
    expect(await outcome(endpoint, await service.admin([scope]))).toBe(needs(scope));
  });

  test('with no scope, and with all but its own', async () => {
    expect(await outcome(endpoint, await service.admin([]))).toBe(needs('none'));
    const others = SCOPE_NAMES.filter((scope) => scope !== access);
    expect(await outcome(endpoint, await service.admin(others))).toBe(needs('others'));
  });

  test('with all scopes', async () => {
    expect(await outcome(endpoint, await service.admin())).toBe('allowed');
  });

  test('with all scopes for one customer', async () => {
    const bound = await service.admin(SCOPE_NAMES, BOUND);
    const expected = TABLE.get(call)?.bound === REFUSED ? 'forbidden' : 'allowed';
    expect(await outcome(endpoint, bound)).toBe(expected);
  });
});

describe('a key of one customer', () => {
  /** A customer with a licence and an API key. */
  async function seed() {
    const customerId = `customer-${randomUUID()}`;
    const licenseId = randomUUID();
    const { store, hasher, random, clock } = service.ports;
    const apiKey = generateApiKey(random);
    const granted = { name: 'theirs', scopes: [], customer_id: customerId, expires_at: null };
    const details = { name: 'X', email: null, company: null, phone: null, address: null, notes: null };
    const at = { created_at: clock.now(), updated_at: clock.now() };
    await store.commit([
      { op: 'set', path: customerPath(customerId), fields: { ...details, is_active: true, ...at } },
      apiKeyWrite(hasher, apiKey, granted, clock.now()),
    ]);
    await service.addLicense({ customer: { id: customerId, name: 'X' }, licenseId });
    return { customerId, licenseId, prefix: prefixOf(apiKey) ?? '' };
  }

  /** What stands for the object in a path, by how that begins. */
  function idsOf(path: string, { customerId, licenseId, prefix }: Awaited<ReturnType<typeof seed>>): Ids {
    if (path.startsWith('/api/v1/customers/')) return { id: customerId };
    if (path.startsWith('/api/v1/licenses/')) return { id: licenseId };
    if (path.startsWith('/api/v1/admin/api-keys/')) return { prefix };
    throw new Error(`nobody has said what ${path} names`);
  }

  const unknown = { customerId: 'customer-of-nobody', licenseId: randomUUID(), prefix: 'csk_nobody00' };
  const withObject = GUARDED.filter(([, { path }]) => path.includes('{'));
  const lists = GUARDED.filter(([, { method, path }]) => method === 'GET' && !path.includes('{'));

  const answer = async (endpoint: Endpoint, headers: object, ids: Ids) => {
    const { status, body } = await ask(endpoint, headers, ids);
    return { status, body: body.replace(/"request_id":"[^"]*"/, '') };
  };

  test.each(withObject)(
    'is told by %s that another customer’s object does not exist',
    async (_, endpoint) => {
      const bound = await service.admin(SCOPE_NAMES, BOUND);
      const theirs = idsOf(endpoint.path, await seed());
      const refused = await answer(endpoint, bound, theirs);
      expect(refused.status, refused.body).toBe(404);
      expect(refused).toEqual(await answer(endpoint, bound, idsOf(endpoint.path, unknown)));
    },
  );

  test.each(lists)('sees nothing of another customer in %s', async (_, endpoint) => {
    const { customerId, licenseId, prefix } = await seed();
    const bound = await service.admin(SCOPE_NAMES, BOUND);
    const { body } = await ask(endpoint, bound, {});
    for (const secret of [customerId, licenseId, prefix]) expect(body).not.toContain(secret);
  });
});
