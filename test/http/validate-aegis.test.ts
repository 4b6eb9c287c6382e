/** What AEGIS clients send and are answered: `validate` under their names, and the fingerprint of an installation. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jwkFromPem, thumbprint } from '../../infra/kms/public-key.ts';
import type { ForeignKey, SigningKey } from '../../shared/keys/registry.ts';
import { aegisOf, aegisPayload, EXPIRES_AT } from '../support/issued-licenses.ts';
import { TEST_KEYS } from '../support/kms.ts';
import { NOW as SIGNED_AT } from '../support/records.ts';
import { type ServedKeys, serveKeys } from '../support/served-keys.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';
import { ED, inlineOf, keys as testKeys } from '../support/signed-documents.ts';

const NOW = Date.UTC(2026, 5, 1);
const OURS: SigningKey = { name: TEST_KEYS.ed25519, algorithm: ED, use: 'license', state: 'active' };
const AEGIS: ForeignKey = {
  use: 'verify',
  pem: testKeys[ED].pem,
  algorithm: ED,
  issuer: 'https://countersign.test',
  kid: testKeys[ED].kid,
  state: 'retiring',
  sunsetAt: Date.UTC(2030, 0, 1),
};

const INSTALLATION = {
  instance_db_uuid: '5f0c1d1e-3c55-4a0e-8a3e-6f2f0f8f5b11',
  instance_domain: 'bücher.example.com',
};
const { instance_db_uuid: db_uuid, instance_domain: domain } = INSTALLATION;
const FINGERPRINT = `sha256:${createHash('sha256').update(`${db_uuid}:${domain}`).digest('hex')}`;
const MODULE = { module_name: 'sale_forecast', odoo_version: '17.0' };

let service: TestService;
let served: ServedKeys;

beforeAll(async () => {
  service = await startTestService({ deadlineMs: 10_000 });
  served = await serveKeys(service);
  served.use({ keys: [OURS, AEGIS], now: NOW });
});

afterAll(async () => {
  await served.stop();
  await service.stop();
});

async function send(path: string, body: object | string): Promise<Answer> {
  const response = await fetch(new URL(path, served.baseUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const validate = (token: unknown, more: object) => send('/api/v1/licenses/validate', { token, ...more });

describe('validate, as AEGIS clients ask', () => {
  const bound = aegisOf(ED, aegisPayload({ instance_fingerprint: FINGERPRINT }));
  const { instance_fingerprint: _, ...anywhere } = aegisPayload();
  const free = aegisOf(ED, anywhere);

  test('answers the members that they read', async () => {
    const { status, body } = await validate(bound, { ...MODULE, ...INSTALLATION });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      valid: true,
      license_id: aegisPayload().jti,
      license_type: 'subscription',
      customer_name: 'Ada',
      expires_at: new Date(EXPIRES_AT).toISOString().replace('Z', '+00:00'),
      error: null,
    });
  });

  test.each([
    ['another module', { ...MODULE, module_name: 'other' }, 'product_mismatch'],
    ['another version', { ...MODULE, odoo_version: '15.0' }, 'version_mismatch'],
    ['another database', { ...MODULE, instance_db_uuid: 'other' }, 'hardware_mismatch'],
    ['another domain', { ...MODULE, instance_domain: 'other' }, 'hardware_mismatch'],
  ])('refuses %s', async (_name, more, code) => {
    const { body } = await validate(bound, { ...INSTALLATION, ...more });
    expect(body).toMatchObject({ valid: false, code, license_id: null, license_type: null });
    expect(body.error).toBeTypeOf('string');
  });

  test('refuses a bound licence without an installation, and asks none of a free one', async () => {
    for (const none of [{}, { instance_db_uuid: null, instance_domain: null }]) {
      expect((await validate(bound, { ...MODULE, ...none })).body).toMatchObject({
        valid: false,
        code: 'hardware_mismatch',
      });
      expect((await validate(free, { ...MODULE, ...none })).body).toMatchObject({ valid: true });
    }
    expect((await validate(bound, { product: 'sale_forecast' })).body).toMatchObject({ valid: true });
  });

  test.each([
    ['a domain alone', { instance_domain: domain }, '/instance_db_uuid'],
    ['a database alone', { instance_db_uuid: db_uuid }, '/instance_domain'],
    ['a database and null', { instance_db_uuid: db_uuid, instance_domain: null }, '/instance_domain'],
    ['two products', { product: 'a', module_name: 'a' }, '/module_name'],
    ['two versions', { version: '1', odoo_version: '1' }, '/odoo_version'],
    ['two machines', { hardware_id: 'a', ...INSTALLATION }, '/instance_db_uuid'],
    ['a module that is no text', { module_name: 17 }, '/module_name'],
  ])('%s is 422', async (_name, more, pointer) => {
    const { status, body } = await validate(free, more);
    expect([status, body.errors?.[0]?.pointer]).toEqual([422, pointer]);
  });
});

describe('fingerprint', () => {
  test('is the SHA-256 of database and domain, as they are', async () => {
    for (const path of ['/api/v1/licenses/fingerprint', '/api/v1/licenses/fingerprint/']) {
      const { status, body } = await send(path, { db_uuid, domain });
      expect([status, body]).toEqual([200, { fingerprint: FINGERPRINT, db_uuid, domain }]);
    }
  });

  test.each([{}, { db_uuid }, { domain }, { db_uuid: '', domain }, { db_uuid: 1, domain }])(
    '%j is 422',
    async (body) => {
      expect((await send('/api/v1/licenses/fingerprint', body)).status).toBe(422);
    },
  );
});

describe('an inline document that is sent as an object', () => {
  const pem = testKeys[ED].pem;
  const ofSessions: SigningKey = { ...OURS, name: `${TEST_KEYS.ed25519}9`, state: 'staged', pem };
  const kid = thumbprint(jwkFromPem(pem));

  beforeAll(() => served.use({ keys: [OURS, ofSessions], now: SIGNED_AT }));

  test('is refused when a number in it is not written as an integer', async () => {
    const text = JSON.stringify(inlineOf(ED, { kid }));
    const sent = (token: string) => send('/api/v1/licenses/validate', `{"token":${token}}`);
    expect(text).toContain('"heartbeat_seconds":300');
    // Its session does not exist here: the signature fits, and that is looked at before.
    expect((await sent(text)).body.code).toBe('license_not_found');
    for (const number of ['300.0', '3e2', '3E2', '300.00'])
      expect((await sent(text.replace(':300', `:${number}`))).body).toMatchObject({
        valid: false,
        code: 'malformed_document',
      });
  });

  test('and one that is sent as text is refused alike', async () => {
    const text = JSON.stringify(inlineOf(ED, { kid })).replace(':300', ':300.0');
    expect((await validate(text, {})).body.code).toBe('malformed_document');
  });
});
