/** Who calls: what counts as wrong, who waits for it, and what a failure on our side is. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createHasher } from '../../../infra/hasher.ts';
import { generateApiKey } from '../../../shared/access/api-key.ts';
import type { Caller } from '../../../shared/access/caller.ts';
import {
  ATTEMPT_WINDOW_SECONDS,
  FAILED_ATTEMPTS_PER_KEY,
  FAILED_ATTEMPTS_PER_NETWORK,
} from '../../../shared/constants.ts';
import { CountersignError } from '../../../shared/errors.ts';
import type { Authenticate, Credentials, Identify } from '../../../shared/ports/authenticate.ts';
import type { DocumentStore } from '../../../shared/ports/document-store.ts';
import type { LogEntry } from '../../../shared/ports/log.ts';
import { createAuthenticate } from '../../../shared/usecases/authenticate.ts';
import { apiKeyWrite, createApiKey } from '../../../shared/usecases/create-api-key.ts';
import { openFailingStore } from '../../support/failing-store.ts';
import { openMemoryStore } from '../../support/memory-store.ts';
import { NOW } from '../../support/records.ts';

const HERE = '192.0.2.7';
const ELSEWHERE = '198.51.100.7';

let now: number;
let counter = 0;
let store: DocumentStore;
let lines: LogEntry[];
let authenticate: Authenticate;

const random = { bytes: (length: number) => new Uint8Array(length).fill(++counter % 256) };
const hasher = { hash: (domain: string, text: string) => `${domain}:${Buffer.from(text).toString('hex')}` };
const clock = { now: () => now, pause: async () => undefined };
const log = { write: (entry: LogEntry) => void lines.push(entry) };
const GRANTED = { name: 'test', scopes: ['usage:read' as const], customer_id: null, expires_at: null };

beforeEach(() => {
  now = NOW;
  lines = [];
  store = openMemoryStore();
  use({});
});

function use({ on = store, identify }: { on?: DocumentStore; identify?: Identify }): void {
  authenticate = createAuthenticate({ store: on, hasher, clock }, { log, identify });
}

async function addKey(): Promise<string> {
  const apiKey = generateApiKey(random);
  await store.commit([apiKeyWrite(hasher, apiKey, GRANTED, now)]);
  return apiKey;
}

/** Begins as another key does. */
const like = (apiKey: string, n: number) => apiKey.slice(0, 12) + String(n).padStart(35, 'x');

const ask = (credentials: Partial<Credentials>, source: string | null = HERE) =>
  authenticate(
    { apiKey: undefined, authorization: undefined, ...credentials },
    { source, requestId: 'request-1' },
  );

/** The actor, or the code of the refusal. */
const told = (credentials: Partial<Credentials>, source?: string | null): Promise<string | undefined> =>
  ask(credentials, source).then(
    (caller) => caller?.actor,
    (error: CountersignError) => error.code,
  );

async function failTimes(times: number, apiKeyOf: (n: number) => string, source = HERE): Promise<void> {
  for (let n = 0; n < times; n++) expect(await told({ apiKey: apiKeyOf(n) }, source)).toBe('unauthenticated');
}

describe('a caller', () => {
  test('with a key is named by its prefix, and has its scopes', async () => {
    const apiKey = await addKey();
    expect(await ask({ apiKey })).toEqual({
      actor: `key:${apiKey.slice(0, 12)}`,
      scopes: new Set(['usage:read']),
      customerId: null,
      source: HERE,
      requestId: 'request-1',
    });
  });

  test('with a key that ends has its end; other keys and tokens have none', async () => {
    const apiKey = generateApiKey(random);
    await store.commit([apiKeyWrite(hasher, apiKey, { ...GRANTED, expires_at: now + 1 }, now)]);
    expect((await ask({ apiKey }))?.keyExpiresAt).toBe(now + 1);
    expect(await ask({ apiKey: await addKey() })).not.toHaveProperty('keyExpiresAt');
  });

  test('without credentials is nobody, and is not counted', async () => {
    for (let n = 0; n <= FAILED_ATTEMPTS_PER_NETWORK; n++) expect(await told({})).toBeUndefined();
    expect(await told({ apiKey: 'wrong' })).toBe('unauthenticated');
  });

  test('with both a key and a token is whom the key names', async () => {
    const identify: Identify = async () => ({ actor: 'oidc:x', scopes: new Set(), customerId: null });
    use({ identify });
    const apiKey = await addKey();
    expect(await told({ apiKey, authorization: 'Bearer t' })).toBe(`key:${apiKey.slice(0, 12)}`);
    expect(await told({ apiKey: 'wrong', authorization: 'Bearer t' })).toBe('unauthenticated');
    expect(await told({ authorization: 'bearer t' })).toBe('oidc:x');
  });

  test.each(['', 'Bearer', 'Bearer ', 'Basic dXNlcjpwYXNz', 'Bearer a b', 'Bearer ä', 'token'])(
    'whose Authorization is "%s" is not known',
    async (authorization) => {
      use({ identify: async () => ({ actor: 'oidc:x', scopes: new Set(), customerId: null }) });
      expect(await told({ authorization })).toBe('unauthenticated');
    },
  );

  test('with a token where none is accepted is not known', async () => {
    expect(await told({ authorization: 'Bearer token' })).toBe('unauthenticated');
  });
});

describe('wrong keys that begin alike', () => {
  const NETWORKS = Array.from({ length: FAILED_ATTEMPTS_PER_KEY }, (_, n) => `203.0.${n}.7`);

  test('are slowed after some, wherever they come from', async () => {
    const apiKey = await addKey();
    for (const [n, source] of NETWORKS.entries()) await failTimes(1, () => like(apiKey, n), source);
    expect(await told({ apiKey: like(apiKey, 99) }, ELSEWHERE)).toBe('rate_limited');
  });

  test('never slow the right one: its prefix is no secret', async () => {
    const apiKey = await addKey();
    for (const [n, source] of NETWORKS.entries()) await failTimes(1, () => like(apiKey, n), source);
    expect(await told({ apiKey: like(apiKey, 99) })).toBe('rate_limited');
    for (const source of [ELSEWHERE, HERE, ...NETWORKS])
      expect(await told({ apiKey }, source)).toBe(`key:${apiKey.slice(0, 12)}`);
  });

  test('count for their network also when they are slowed', async () => {
    const apiKey = await addKey();
    let reads = 0;
    const get: DocumentStore['get'] = (paths) => {
      reads += 1;
      return store.get(paths);
    };
    use({ on: { ...store, get } });
    for (let n = 0; n < FAILED_ATTEMPTS_PER_NETWORK + 20; n++) await told({ apiKey: like(apiKey, n) });
    expect(reads).toBe(FAILED_ATTEMPTS_PER_NETWORK);
    expect(await told({ apiKey })).toBe('rate_limited');
    expect(await told({ apiKey }, ELSEWHERE)).toMatch(/^key:/);
  });

  test('refuse a key that is over or revoked like any wrong one', async () => {
    const over = generateApiKey(random);
    await store.commit([apiKeyWrite(hasher, over, { ...GRANTED, expires_at: now }, now)]);
    await failTimes(FAILED_ATTEMPTS_PER_KEY, () => over);
    expect(await told({ apiKey: over })).toBe('rate_limited');
  });

  test('do not slow a key that begins otherwise', async () => {
    const attacked = await addKey();
    const apiKey = await addKey();
    await failTimes(FAILED_ATTEMPTS_PER_KEY, (n) => like(attacked, n));
    expect(await told({ apiKey })).toMatch(/^key:/);
  });

  test('are looked at again after the window, whose rest is in Retry-After', async () => {
    const apiKey = await addKey();
    await failTimes(FAILED_ATTEMPTS_PER_KEY, (n) => like(apiKey, n));
    now += 20_000;
    const refusal = await ask({ apiKey: like(apiKey, 99) }).catch((error: CountersignError) => error);
    expect(refusal).toMatchObject({ code: 'rate_limited', retryAfterSeconds: ATTEMPT_WINDOW_SECONDS - 20 });
    now += (ATTEMPT_WINDOW_SECONDS - 20) * 1000;
    expect(await told({ apiKey: like(apiKey, 99) })).toBe('unauthenticated');
  });
});

describe('wrong keys from one network', () => {
  const unknown = (n: number) => `csk_${String(n).padEnd(43, 'y')}`;

  test('are slowed after some, and so are good ones from there', async () => {
    const apiKey = await addKey();
    await failTimes(FAILED_ATTEMPTS_PER_NETWORK, (n) => unknown(100 + n));
    expect(await told({ apiKey: unknown(999) })).toBe('rate_limited');
    expect(await told({ apiKey }, '192.0.2.200')).toBe('rate_limited');
    expect(await told({ authorization: 'Bearer t' })).toBe('rate_limited');
  });

  test('never slow a good key from another network', async () => {
    const apiKey = await addKey();
    await failTimes(FAILED_ATTEMPTS_PER_NETWORK, (n) => unknown(100 + n));
    expect(await told({ apiKey }, ELSEWHERE)).toMatch(/^key:/);
    expect(await told({ apiKey }, null)).toMatch(/^key:/);
  });

  test('that have no shape count for the network alone', async () => {
    await failTimes(FAILED_ATTEMPTS_PER_KEY + 1, (n) => `malformed ${n}`);
    expect(await told({ apiKey: 'malformed' })).toBe('unauthenticated');
  });

  test('and tokens count together', async () => {
    for (let n = 0; n < FAILED_ATTEMPTS_PER_NETWORK; n++)
      expect(await told({ authorization: 'Bearer wrong' })).toBe('unauthenticated');
    expect(await told({ authorization: 'Bearer wrong' })).toBe('rate_limited');
  });
});

describe('a failure on our side', () => {
  test('of the store is no wrong key, and is not counted', async () => {
    const apiKey = await addKey();
    const away = async () => {
      throw new CountersignError('store_unavailable', 'away');
    };
    let isAway = true;
    use({ on: { ...store, get: (paths) => (isAway ? away() : store.get(paths)) } });
    for (let n = 0; n <= FAILED_ATTEMPTS_PER_NETWORK; n++)
      expect(await told({ apiKey })).toBe('store_unavailable');
    isAway = false;
    expect(await told({ apiKey })).toMatch(/^key:/);
  });

  test('to write the last use refuses nothing, and the log says so without the key', async () => {
    const apiKey = await addKey();
    use({ on: openFailingStore(store, { interruptEvery: 1 }) });
    expect(await told({ apiKey })).toMatch(/^key:/);
    expect(lines).toMatchObject([{ severity: 'WARNING', request_id: 'request-1' }]);
    expect(lines[0]?.error_chain).toEqual(['CommitInterruptedError']);
    expect(JSON.stringify(lines)).not.toContain(apiKey.slice(4));
  });

  test('of the issuer is no wrong token, and is not counted', async () => {
    const identify = async () => {
      throw new CountersignError('identity_unavailable', 'away');
    };
    use({ identify });
    for (let n = 0; n <= FAILED_ATTEMPTS_PER_NETWORK; n++)
      expect(await told({ authorization: 'Bearer t' })).toBe('identity_unavailable');
  });
});

const MAKER: Caller = {
  actor: 'key:test',
  scopes: new Set(['access:admin']),
  customerId: null,
  source: HERE,
  requestId: 'request-1',
};

test.each([undefined, 'create-once'])(
  'a key whose creation was not confirmed is created once, and its maker gets it: Idempotency-Key %s',
  async (idempotencyKey) => {
    const failing = openFailingStore(store, { interruptEvery: 1 });
    const body = { name: 'shop', scopes: ['access:admin' as const], customer_id: null, expires_at: null };
    const ports = { store: failing, clock, random, hasher };
    const create = () => createApiKey(ports, { caller: MAKER, idempotencyKey, raw: body, body });
    const created = await create();
    expect(created.replayed).toBe(false);
    expect(await store.query({ collection: 'api_keys' })).toHaveLength(1);
    expect(await told({ apiKey: created.apiKey })).toBe(`key:${created.answer.prefix}`);
    const again = await create();
    const isKept = idempotencyKey !== undefined;
    expect([again.replayed, again.apiKey === created.apiKey]).toEqual([isKept, isKept]);
  },
);

test('a key is another one for another Idempotency-Key, another pepper, and other random bytes', async () => {
  const raw = { name: 'shop', scopes: ['access:admin' as const] };
  const body = { ...raw, customer_id: null };
  const made = async (idempotencyKey: string | undefined, pepper: string, byte: number) => {
    const ports = { clock, random: { bytes: (length: number) => new Uint8Array(length).fill(byte) } };
    const creating = { ...ports, store: openMemoryStore(), hasher: createHasher(pepper) };
    return (await createApiKey(creating, { caller: MAKER, idempotencyKey, raw, body })).apiKey;
  };
  const keys = [
    await made('a', 'pepper', 1),
    await made('b', 'pepper', 1),
    await made(undefined, 'pepper', 1),
    await made('a', 'another pepper', 1),
    await made('a', 'pepper', 2),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  expect(await made('a', 'pepper', 1)).toBe(keys[0]);
  for (const key of keys) expect(key).toMatch(/^csk_[A-Za-z0-9_-]{43}$/);
});
