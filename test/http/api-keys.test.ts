/** API keys over HTTP, on both stores: created, listed, used, expired, revoked, and wrong ones. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateApiKey, prefixOf } from '../../shared/access/api-key.ts';
import { SCOPE_NAMES } from '../../shared/access/scopes.ts';
import type { ApiKeyRecord } from '../../shared/records/api-key.ts';
import { apiKeyPath, customerPath } from '../../shared/records/paths.ts';
import { expectProblem } from '../support/problems.ts';
import { startTestService, type TestService } from '../support/service.ts';

const KEYS = '/api/v1/admin/api-keys';
const CUSTOMER = 'acme-gmbh';
const OTHER = 'other-ag';

describe.each(['sqlite', 'firestore'] as const)('on %s', (kind) => {
  let service: TestService;
  let admin: { 'x-api-key': string };

  beforeAll(async () => {
    service = await startTestService({ store: kind });
    admin = await service.admin();
    await addCustomers();
  });

  afterAll(() => service.stop());

  async function addCustomers(): Promise<void> {
    const at = service.ports.clock.now();
    const details = { name: 'ACME', email: null, company: null, phone: null, address: null, notes: null };
    const fields = { ...details, is_active: true, created_at: at, updated_at: at };
    await service.ports.store.commit(
      [CUSTOMER, OTHER].map((id) => ({ op: 'set', path: customerPath(id), fields })),
    );
  }

  const call = (path: string, headers: object, init: RequestInit = {}) =>
    fetch(new URL(path, service.baseUrl), { ...init, headers: { ...headers } });
  const create = (body: object, headers: object = admin) =>
    service.post(KEYS, { name: 'shop', scopes: ['access:admin'], ...body }, { ...headers });
  const revoke = (prefix: string, headers: object = admin) =>
    call(`${KEYS}/${prefix}`, headers, { method: 'DELETE' });
  const list = async (headers: object = admin, query = 'page_size=100') =>
    (await call(`${KEYS}?${query}`, headers)).json();
  const opens = async (apiKey: string) => (await call(KEYS, { 'x-api-key': apiKey })).status;

  async function stored(apiKey: string): Promise<ApiKeyRecord> {
    const [found] = await service.ports.store.get([apiKeyPath(service.ports.hasher.hash('api_key', apiKey))]);
    return found?.fields as unknown as ApiKeyRecord;
  }

  const audit = async () => {
    const events = await service.ports.store.query({ collection: 'audit', orderBy: [['seq', 'asc']] });
    return events.map(({ fields }) => fields);
  };

  describe('a created key', () => {
    test('is in the answer, opens what it says, and is stored nowhere', async () => {
      const { status, body } = await create({ expires_at: '2100-02-28T23:59:59+01:00' });
      expect(status).toBe(201);
      expect(body.api_key).toMatch(/^csk_[A-Za-z0-9_-]{43}$/);
      expect(body).toEqual({
        prefix: body.api_key.slice(0, 12),
        name: 'shop',
        scopes: ['access:admin'],
        customer_id: null,
        expires_at: '2100-02-28T22:59:59.000+00:00',
        created_at: expect.any(String),
        revoked_at: null,
        last_used_at: null,
        api_key: body.api_key,
      });
      expect(await opens(body.api_key)).toBe(200);
      expect(service.dumpStore()).not.toContain(body.api_key.slice(12));
      expect(service.logLines.join('\n')).not.toContain(body.api_key.slice(12));
    });

    test('is on the audit trail with who made it and what it opens, and without itself', async () => {
      const { body } = await create({ customer_id: CUSTOMER });
      const event = (await audit()).at(-1);
      expect(event).toMatchObject({
        actor: `key:${prefixOf(admin['x-api-key'])}`,
        action: 'api_keys.create',
        target: body.prefix,
        before: null,
        after: { name: 'shop', scopes: ['access:admin'], customer_id: CUSTOMER, expires_at: null },
      });
    });

    test('is answered again to the request that is repeated, and is created once', async () => {
      const headers = { ...admin, 'idempotency-key': 'create-once' };
      const first = await create({}, headers);
      const before = service.dumpStore();
      const second = await create({}, headers);
      expect([second.status, second.headers.get('idempotent-replayed')]).toEqual([201, 'true']);
      expect(second.body).toEqual(first.body);
      expect(service.dumpStore()).toBe(before);
      expect(before).not.toContain(first.body.api_key.slice(12));
      expect(await opens(second.body.api_key)).toBe(200);
      const other = await create({ name: 'another' }, headers);
      expect([other.status, other.body.code]).toEqual([409, 'idempotency_conflict']);
    });

    test('is another one for another caller, another Idempotency-Key, and after a day', async () => {
      const named = (key: string, by: object = admin) => create({}, { ...by, 'idempotency-key': key });
      const stranger = await service.admin();
      const made = [await named('mine'), await named('mine', stranger), await named('next')];
      const reused = 'mine-again-later';
      made.push(await named(reused));
      service.advance(86_401);
      made.push(await named(reused));
      expect(made.map(({ status }) => status)).toEqual(Array(5).fill(201));
      expect(new Set(made.map(({ body }) => body.api_key)).size).toBe(5);
    });

    test('of two requests under one Idempotency-Key at once is one key, told to both', async () => {
      const headers = { ...admin, 'idempotency-key': 'both-at-once' };
      const [one, other] = await Promise.all([
        create({ name: 'both' }, headers),
        create({ name: 'both' }, headers),
      ]);
      expect([one.status, other.status]).toEqual([201, 201]);
      expect(one.body.api_key).toBe(other.body.api_key);
      expect(await opens(one.body.api_key)).toBe(200);
      const { api_keys: keys } = await list();
      expect(keys.filter(({ name }: ApiKeyRecord) => name === 'both')).toHaveLength(1);
    });

    test('is one of two that are made at once, both on the audit trail', async () => {
      const both = await Promise.all([create({ name: 'left' }), create({ name: 'right' })]);
      expect(both.map(({ status }) => status)).toEqual([201, 201]);
      const targets = (await audit()).map(({ target }) => target);
      for (const { body } of both) expect(targets).toContain(body.prefix);
    });
  });

  test.each([
    ['without a name', { name: undefined }, '/name'],
    ['with an empty name', { name: '' }, '/name'],
    ['with a name of 257 characters', { name: 'x'.repeat(257) }, '/name'],
    ['with a name that is no string', { name: 7 }, '/name'],
    ['without scopes', { scopes: undefined }, '/scopes'],
    ['with no scope', { scopes: [] }, '/scopes'],
    ['with a scope twice', { scopes: ['usage:read', 'usage:read'] }, '/scopes'],
    ['with a scope that is not there', { scopes: ['usage:read', 'constructor'] }, '/scopes/1'],
    ['with an end that is no time', { expires_at: 'tomorrow' }, '/expires_at'],
    ['with an end that has passed', { expires_at: '2001-01-01T00:00:00Z' }, '/expires_at'],
    ['for a customer that is not there', { customer_id: 'nobody' }, '/customer_id'],
    ['for what cannot be a customer', { customer_id: '../x' }, '/customer_id'],
  ])('%s none is created', async (_, body, pointer) => {
    const before = service.dumpStore();
    const answer = await create(body);
    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_request']);
    expect(answer.body.errors[0].pointer).toBe(pointer);
    expect(service.dumpStore()).toBe(before);
  });

  describe('a key opens no more than its maker', () => {
    test('no further scope', async () => {
      const maker = await service.admin(['access:admin', 'usage:read']);
      expect((await create({ scopes: ['usage:read'] }, maker)).status).toBe(201);
      const refused = await create({ scopes: ['usage:read', 'licenses:write'] }, maker);
      expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
      expect(refused.body.detail).toContain('licenses:write');
    });

    test.each([null, OTHER])('not the customer %s', async (customerId) => {
      const maker = await service.admin(SCOPE_NAMES, CUSTOMER);
      expect((await create({ customer_id: CUSTOMER }, maker)).status).toBe(201);
      const refused = await create({ customer_id: customerId }, maker);
      expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
    });
  });

  describe('a key that ends makes none that outlives it', () => {
    const HOUR = 3_600_000;
    let end: number;
    let maker: { 'x-api-key': string };

    beforeAll(async () => {
      end = service.ports.clock.now() + HOUR;
      const { body } = await create({ expires_at: new Date(end).toISOString() });
      maker = { 'x-api-key': body.api_key };
      // Its use is on record, so that a refusal changes nothing at all.
      expect(await opens(body.api_key)).toBe(200);
    });

    const text = (milliseconds: number) => new Date(milliseconds).toISOString().replace('Z', '+00:00');

    test.each([
      ['without an end, in so many words', () => null],
      ['that ends a millisecond later', () => new Date(end + 1).toISOString()],
      [
        'that ends a millisecond later, as another offset writes it',
        () => `${new Date(end + HOUR + 1).toISOString().slice(0, -1)}+01:00`,
      ],
    ])('none %s', async (_, wanted) => {
      const before = service.dumpStore();
      const refused = await create({ expires_at: wanted() }, maker);
      expect([refused.status, refused.body.code]).toEqual([422, 'invalid_request']);
      expect(refused.body.errors).toEqual([
        { pointer: '/expires_at', detail: expect.stringContaining(text(end)) },
      ]);
      expect(service.dumpStore()).toBe(before);
    });

    test.each([
      ['its own end where none is named', () => ({}), () => end],
      ['its own end where that is named', () => ({ expires_at: new Date(end).toISOString() }), () => end],
      ['an earlier one', () => ({ expires_at: new Date(end - 1).toISOString() }), () => end - 1],
    ])('but one with %s, also through another', async (_, wanted, expected) => {
      const { status, body } = await create(wanted(), maker);
      expect([status, body.expires_at]).toEqual([201, text(expected())]);
      const grandchild = await create({}, { 'x-api-key': body.api_key });
      expect([grandchild.status, grandchild.body.expires_at]).toEqual([201, text(expected())]);
      const immortal = await create({ expires_at: null }, { 'x-api-key': body.api_key });
      expect(immortal.status).toBe(422);
    });

    test('a key without an end makes keys without one, or with any', async () => {
      expect((await create({})).body.expires_at).toBeNull();
      expect((await create({ expires_at: null })).body.expires_at).toBeNull();
      expect((await create({ expires_at: '2200-01-01T00:00:00Z' })).status).toBe(201);
    });
  });

  describe('the list', () => {
    test('is paged in the order of prefixes, each key once', async () => {
      const all = await list();
      const prefixes = all.api_keys.map(({ prefix }: ApiKeyRecord) => prefix);
      expect(prefixes.length).toBeGreaterThan(5);
      expect(prefixes).toEqual([...prefixes].sort());
      const pages = [];
      for (let page = 1; page <= Math.ceil(all.total / 2); page++)
        pages.push(await list(admin, `page=${page}&page_size=2`));
      expect(pages.flatMap(({ api_keys }) => api_keys.map(({ prefix }: ApiKeyRecord) => prefix))).toEqual(
        prefixes,
      );
      expect(pages[0]).toMatchObject({ total: all.total, page: 1, page_size: 2, total_pages: pages.length });
    });

    test('has no key', async () => {
      expect(JSON.stringify(await list())).not.toContain(admin['x-api-key'].slice(12));
    });

    test('of a key of one customer has only that customer’s, also in its count', async () => {
      const bound = await service.admin(['access:admin'], OTHER);
      const { api_keys: keys, total } = await list(bound);
      expect([keys.length, total]).toEqual([1, 1]);
      expect(keys[0].prefix).toBe(prefixOf(bound['x-api-key']));
    });

    test.each(['page=0', 'page_size=101', 'page=101&page_size=100', 'page=1&page=2', 'nam=x&page=x'])(
      '%s is refused',
      async (query) => {
        await expectProblem(await call(`${KEYS}?${query}`, admin), 422, 'invalid_request');
      },
    );
  });

  describe('a revoked key', () => {
    test('opens nothing from the next request on, and says when it was revoked', async () => {
      const { body } = await create({});
      expect(await opens(body.api_key)).toBe(200);
      const answer = await revoke(body.prefix);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ prefix: body.prefix, revoked_at: expect.any(String) });
      expect(await opens(body.api_key)).toBe(401);
      expect((await audit()).at(-1)).toMatchObject({ action: 'api_keys.revoke', target: body.prefix });
    });

    test('stays as it is when it is revoked again, also at once', async () => {
      const { body } = await create({});
      const answers = await Promise.all([revoke(body.prefix), revoke(body.prefix), revoke(body.prefix)]);
      const said = await Promise.all(answers.map((answer) => answer.json()));
      expect(new Set(said.map(({ revoked_at }) => revoked_at)).size).toBe(1);
      const events = (await audit()).filter(
        ({ action, target }) => `${action} ${target}` === `api_keys.revoke ${body.prefix}`,
      );
      expect(events.length).toBe(1);
    });

    test.each(['csk_AAAAAAAA', 'csk_short', 'x', '..%2f', '%F0%9F%98%80'])('%s is none', async (prefix) => {
      await expectProblem(await revoke(prefix), 404, 'api_key_not_found');
    });

    test('is not there for a key of another customer', async () => {
      const { body } = await create({ customer_id: CUSTOMER });
      const { body: everybodys } = await create({});
      const bound = await service.admin(['access:admin'], OTHER);
      for (const { prefix } of [body, everybodys])
        await expectProblem(await revoke(prefix, bound), 404, 'api_key_not_found');
      expect(await opens(body.api_key)).toBe(200);
    });
  });

  test('an expired key opens nothing from the very instant on', async () => {
    const { body } = await create({
      expires_at: new Date(service.ports.clock.now() + 3_600_000).toISOString(),
    });
    expect(await opens(body.api_key)).toBe(200);
    service.advance(3600);
    expect(await opens(body.api_key)).toBe(401);
  });

  test('the last use is written at most each five minutes', async () => {
    const { body } = await create({});
    const first = service.ports.clock.now();
    await opens(body.api_key);
    const { last_used_at: used } = await stored(body.api_key);
    expect(used).toBeGreaterThanOrEqual(first);
    service.advance(200);
    await opens(body.api_key);
    expect((await stored(body.api_key)).last_used_at).toBe(used);
    service.advance(200);
    await opens(body.api_key);
    expect((await stored(body.api_key)).last_used_at).toBeGreaterThan((used ?? 0) + 399_000);
  });

  test('malformed, unknown, expired and revoked keys get the same answer', async () => {
    const { body: revoked } = await create({});
    await revoke(revoked.prefix);
    const { body: expired } = await create({
      expires_at: new Date(service.ports.clock.now() + 1000).toISOString(),
    });
    service.advance(2);
    const wrong = ['', 'x', 'csk_', generateApiKey(service.ports.random), revoked.api_key, expired.api_key];
    const answers = await Promise.all(wrong.map((apiKey) => call(KEYS, { 'x-api-key': apiKey })));
    const said = await Promise.all(
      answers.map(async (answer) => {
        const { request_id: _, ...problem } = (await answer.json()) as { request_id: string };
        return { status: answer.status, challenge: answer.headers.get('www-authenticate'), problem };
      }),
    );
    for (const answer of said) expect(answer).toEqual(said[0]);
    expect(said[0]).toMatchObject({ status: 401, problem: { code: 'unauthenticated' } });
    expect(said[0]?.challenge).toMatch(/^Bearer realm=/);
  });
});
