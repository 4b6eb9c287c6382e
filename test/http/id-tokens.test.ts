/** ID tokens over HTTP: a real issuer on the far side of the wire, whose keys, discovery and tokens a test chooses. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createIdentify } from '../../infra/oidc.ts';
import type { Identify } from '../../shared/ports/authenticate.ts';
import { expectProblem } from '../support/problems.ts';
import { startTestService, type TestService } from '../support/service.ts';

const KEYS = '/api/v1/admin/api-keys';
const AUDIENCE = 'countersign-operators';
const SCOPES = {
  claim: 'groups',
  map: { 'licensing-ops': ['access:admin', 'usage:read'], audit: ['audit:read'] },
} as const;

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

let rsa: Pair;
let ec: Pair;
let rsa512: Pair;
let stranger: Pair;
let issuer: string;
let server: Server;
/** By path, what the issuer answers; nothing else is there. */
let answers: Record<string, { status?: number; body: unknown }>;
let asked: string[];
let published: JWK[];
let identify: Identify;
let service: TestService;

beforeAll(async () => {
  [rsa, ec, rsa512, stranger] = (await Promise.all(
    ['RS256', 'ES256', 'RS512', 'RS256'].map((alg) => generateKeyPair(alg, { extractable: true })),
  )) as [Pair, Pair, Pair, Pair];
  published = [
    { ...(await exportJWK(rsa.publicKey)), kid: 'rsa', alg: 'RS256', use: 'sig' },
    { ...(await exportJWK(ec.publicKey)), kid: 'ec', alg: 'ES256', use: 'sig' },
    { ...(await exportJWK(rsa512.publicKey)), kid: 'any' },
  ];
  server = createServer(({ url = '' }, response) => {
    asked.push(url);
    const { status = 200, body } = answers[url] ?? { status: 404, body: {} };
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  service = await startTestService({ identify: (token, now) => identify(token, now) });
});

afterAll(async () => {
  await service.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

beforeEach(() => {
  asked = [];
  answers = {
    '/.well-known/openid-configuration': { body: { issuer, jwks_uri: `${issuer}/jwks` } },
    '/jwks': { body: { keys: published } },
  };
  renew();
  // Failures of one test do not slow the next.
  service.advance(120);
});

/** An instance that has read nothing. */
function renew(more: { jwksUrl?: string } = {}): void {
  identify = createIdentify({ issuer, audience: AUDIENCE, scopes: SCOPES, ...more });
}

interface Wanted {
  readonly claims?: JWTPayload;
  readonly header?: { alg?: string; kid?: string; typ?: string };
  readonly key?: Pair['privateKey'] | Uint8Array;
  /** Seconds from the service's now. */
  readonly expiresIn?: number | null;
  readonly notBeforeIn?: number;
}

const seconds = () => Math.floor(service.ports.clock.now() / 1000);

function token({
  claims,
  header,
  key = rsa.privateKey,
  expiresIn = 600,
  notBeforeIn,
}: Wanted = {}): Promise<string> {
  const payload: JWTPayload = {
    iss: issuer,
    aud: AUDIENCE,
    sub: 'user-1',
    iat: seconds(),
    groups: ['licensing-ops'],
    ...(expiresIn !== null && { exp: seconds() + expiresIn }),
    ...(notBeforeIn !== undefined && { nbf: seconds() + notBeforeIn }),
    ...claims,
  };
  return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid: 'rsa', ...header }).sign(key);
}

const ask = (text: string) =>
  fetch(new URL(KEYS, service.baseUrl), { headers: { authorization: `Bearer ${text}` } });
const actor = async (wanted?: Wanted) =>
  (await identify(await token(wanted), service.ports.clock.now()))?.actor;
const scopes = async (groups: unknown) => {
  const identity = await identify(await token({ claims: { groups } }), service.ports.clock.now());
  return [...(identity?.scopes ?? ['none at all'])].sort();
};

describe('a token is accepted', () => {
  test('signed with RS256, and with ES256', async () => {
    expect((await ask(await token())).status).toBe(200);
    expect((await ask(await token({ header: { alg: 'ES256', kid: 'ec' }, key: ec.privateKey }))).status).toBe(
      200,
    );
  });

  test('for several audiences, ours among them, when it was given to ours', async () => {
    const claims = { aud: ['other', AUDIENCE], azp: AUDIENCE };
    expect((await ask(await token({ claims }))).status).toBe(200);
  });

  test.each([[AUDIENCE], [[AUDIENCE]], [[AUDIENCE, AUDIENCE]]])(
    'for the audience %j, also when a service account asked for it',
    async (aud) => {
      expect((await ask(await token({ claims: { aud } }))).status).toBe(200);
      expect((await ask(await token({ claims: { aud, azp: '104029292853099978293' } }))).status).toBe(200);
    },
  );

  test.each(['JWT', 'jwt', 'application/jwt'])('of the type %s', async (typ) => {
    expect((await ask(await token({ header: { typ } }))).status).toBe(200);
  });

  test('of a subject with 255 characters, issued just now by a clock that is ahead', async () => {
    expect((await ask(await token({ claims: { sub: 's'.repeat(255), iat: seconds() + 20 } }))).status).toBe(
      200,
    );
  });

  test('within the slack of clocks: just over, or not quite begun', async () => {
    expect((await ask(await token({ expiresIn: -20 }))).status).toBe(200);
    expect((await ask(await token({ notBeforeIn: 20 }))).status).toBe(200);
  });

  test('with keys that are read once, by discovery or where they are said to be', async () => {
    for (let i = 0; i < 3; i++) expect((await ask(await token())).status).toBe(200);
    expect(asked).toEqual(['/.well-known/openid-configuration', '/jwks']);
    renew({ jwksUrl: `${issuer}/jwks` });
    asked = [];
    expect((await ask(await token())).status).toBe(200);
    expect(asked).toEqual(['/jwks']);
  });
});

describe('a token is refused', () => {
  test.each<[what: string, make: () => Promise<string> | string]>([
    ['of another issuer', () => token({ claims: { iss: 'https://evil.example.com' } })],
    ['of the issuer with a slash', () => token({ claims: { iss: `${issuer}/` } })],
    ['for another audience', () => token({ claims: { aud: 'somebody-else' } })],
    ['without an audience', () => token({ claims: { aud: undefined } as unknown as JWTPayload })],
    ['that is over', () => token({ expiresIn: -40 })],
    ['without an end', () => token({ expiresIn: null })],
    ['that has not begun', () => token({ notBeforeIn: 40 })],
    ['without a subject', () => token({ claims: { sub: undefined } as unknown as JWTPayload })],
    ['of an empty subject', () => token({ claims: { sub: '' } })],
    ['of a subject that is a number', () => token({ claims: { sub: 5 as unknown as string } })],
    ['of a subject with 256 characters', () => token({ claims: { sub: 's'.repeat(256) } })],
    ['of a subject beyond ASCII', () => token({ claims: { sub: 'Zoë' } })],
    ['of a subject with a line end', () => token({ claims: { sub: 'ops\nroot' } })],
    ['that will be issued tomorrow', () => token({ claims: { iat: seconds() + 86_400 }, expiresIn: 90_000 })],
    ['that will be issued in 40 seconds', () => token({ claims: { iat: seconds() + 40 } })],
    ['issued at a time in words', () => token({ claims: { iat: 'now' as unknown as number } })],
    ['without the time of its issue', () => token({ claims: { iat: undefined } as unknown as JWTPayload })],
    [
      'for several audiences, not saying to whom it was given',
      () => token({ claims: { aud: ['x', AUDIENCE] } }),
    ],
    [
      'for several audiences, given to another one',
      () => token({ claims: { aud: ['x', AUDIENCE], azp: 'x' } }),
    ],
    ['that is an access token', () => token({ header: { typ: 'at+jwt' } })],
    ['that is an access token, in full', () => token({ header: { typ: 'application/at+jwt' } })],
    ['that is a logout token', () => token({ header: { typ: 'logout+jwt' } })],
    ['of a stranger under our kid', () => token({ key: stranger.privateKey })],
    ['of a kid that is not published', () => token({ header: { kid: 'nobody' }, key: stranger.privateKey })],
    [
      'signed with RS512 by a key that is published for any algorithm',
      () => token({ header: { alg: 'RS512', kid: 'any' }, key: rsa512.privateKey }),
    ],
    [
      'signed with HMAC under the public key',
      () => token({ header: { alg: 'HS256' }, key: new TextEncoder().encode(JSON.stringify(published[0])) }),
    ],
    [
      'that is not signed',
      () =>
        new UnsecuredJWT({ groups: ['licensing-ops'] })
          .setIssuer(issuer)
          .setAudience(AUDIENCE)
          .setSubject('user-1')
          .setIssuedAt()
          .setExpirationTime('1h')
          .encode(),
    ],
    [
      'that was changed',
      async () => {
        const [head, , signature] = (await token()).split('.');
        const [, other] = (await token({ claims: { sub: 'another' } })).split('.');
        return [head, other, signature].join('.');
      },
    ],
    ['that is none', () => 'not-a-token'],
  ])('%s', async (_, make) => {
    await expectProblem(await ask(await make()), 401, 'unauthenticated');
  });
});

describe('what a token opens', () => {
  test.each<[groups: unknown, scopes: string[]]>([
    [['licensing-ops'], ['access:admin', 'usage:read']],
    ['audit', ['audit:read']],
    [
      ['audit', 'licensing-ops', 'unlisted'],
      ['access:admin', 'audit:read', 'usage:read'],
    ],
    [['Licensing-Ops'], []],
    [['constructor', '__proto__'], []],
    [[7, null, { audit: true }], []],
    [{ 'licensing-ops': true }, []],
    [undefined, []],
  ])('%j gives %j', async (groups, expected) => {
    expect(await scopes(groups)).toEqual(expected);
  });

  test('nothing without a listed group: the caller is known, and may not', async () => {
    await expectProblem(await ask(await token({ claims: { groups: [] } })), 403, 'forbidden');
  });
});

describe('with a claim for the customer', () => {
  const bound = async (customer?: unknown) => {
    const scopes = { ...SCOPES, map: { ops: ['customers:read'] }, customer_claim: 'tenant' } as const;
    identify = createIdentify({ issuer, audience: AUDIENCE, scopes });
    const claims = { groups: ['ops'], ...(customer !== undefined && { tenant: customer }) };
    const headers = { authorization: `Bearer ${await token({ claims })}` };
    return fetch(new URL('/api/v1/customers', service.baseUrl), { headers });
  };

  test('a caller sees the customer that it names, and with * all of them', async () => {
    const operator = await service.admin();
    for (const id of ['one', 'two']) {
      const created = await service.post('/api/v1/customers', { id, name: id }, operator);
      expect(created.status).toBe(201);
    }
    const seen = async (customer: string) => {
      const { customers } = (await (await bound(customer)).json()) as { customers: { id: string }[] };
      return customers.map(({ id }) => id);
    };
    expect(await seen('one')).toEqual(['one']);
    expect(await seen('nobody')).toEqual([]);
    expect(await seen('*')).toEqual(['one', 'two']);
  });

  test('a caller may be bound to an id that looks like a name of the store', async () => {
    const answer = await bound('__x__');
    expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ total: 0 })]);
  });

  const NONE = [undefined, '', null, 7, ['one'], ['*'], { '*': true }, true];
  const NO_IDS = ['a/b', '.', '..', 'one ', 'one\n', '**', 'ä', 'a'.repeat(51), 'a'.repeat(2000)];
  test.each([...NONE, ...NO_IDS].map((named) => [named]))('%j opens nothing', async (customer) => {
    await expectProblem(await bound(customer), 403, 'forbidden');
  });
});

describe('the audit trail names', () => {
  test.each<[claims: JWTPayload, name: string]>([
    [{ email: 'ops@example.com', email_verified: true }, 'oidc:ops@example.com'],
    [{ email: 'ops@example.com', email_verified: false }, 'oidc:sub:user-1'],
    [{ email: 'ops@example.com' }, 'oidc:sub:user-1'],
    [{ email: 'ops@example.com', email_verified: 'true' }, 'oidc:sub:user-1'],
    [{ sub: 'ops@example.com' }, 'oidc:sub:ops@example.com'],
  ])('%j as %s', async (claims, name) => {
    expect(await actor({ claims })).toBe(name);
  });
});

describe('an issuer that does not answer is no wrong token', () => {
  test.each<[what: string, path: string, answer: { status?: number; body: unknown }]>([
    ['with its discovery', '/.well-known/openid-configuration', { status: 503, body: {} }],
    ['with a discovery that is JSON', '/.well-known/openid-configuration', { body: '<html>' }],
    ['with its keys', '/jwks', { status: 500, body: {} }],
    ['with keys that are JSON', '/jwks', { body: 'keys' }],
    ['with a key set', '/jwks', { body: { keys: 'all' } }],
  ])('%s', async (_, path, answer) => {
    const text = await token();
    const right = answers[path];
    answers[path] = answer;
    const refused = await ask(text);
    expect(refused.headers.get('retry-after')).toBe('5');
    await expectProblem(refused, 503, 'identity_unavailable');
    if (right !== undefined) answers[path] = right;
    renew();
    expect((await ask(text)).status).toBe(200);
  });

  test.each<[what: string, member: object]>([
    ['is of another issuer, with the right keys', { issuer: 'https://evil.example.com' }],
    ['names no place of its keys', { jwks_uri: undefined }],
    ['names a place that is none', { jwks_uri: 'keys' }],
  ])('a discovery %s', async (_, member) => {
    const body = { issuer, jwks_uri: `${issuer}/jwks`, ...member };
    answers['/.well-known/openid-configuration'] = { body };
    await expectProblem(await ask(await token()), 503, 'identity_unavailable');
  });

  test('nothing listens: 503, and the next token finds it again', async () => {
    const text = await token();
    renew({ jwksUrl: 'http://127.0.0.1:1/jwks' });
    await expectProblem(await ask(text), 503, 'identity_unavailable');
    renew();
    const right = answers['/.well-known/openid-configuration'] as { body: unknown };
    answers['/.well-known/openid-configuration'] = { status: 500, body: {} };
    await expectProblem(await ask(text), 503, 'identity_unavailable');
    answers['/.well-known/openid-configuration'] = right;
    expect((await ask(text)).status).toBe(200);
  });
});
