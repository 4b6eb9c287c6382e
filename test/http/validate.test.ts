import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestService, TEST_CUSTOMER, type TestService } from '../support/service.ts';

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ deadlineMs: 10_000 });
});

afterAll(() => service.stop());

const acquire = async (licenseKey: string, more: object = {}) =>
  (
    await service.post('/api/v1/licenses/acquire', {
      license_key: licenseKey,
      hardware_id: 'machine-1',
      ...more,
    })
  ).body;
const validate = (token: unknown, scope: object = {}) =>
  service.post('/api/v1/licenses/validate', { token, ...scope } as object);

describe.each(['RSA_SIGN_PKCS1_4096_SHA256', 'EC_SIGN_ED25519'] as const)(
  'a document signed with %s',
  (algorithm) => {
    test.each(['object', 'text', 'jws'] as const)('is valid as %s', async (form) => {
      const key = await service.addLicense({ signingAlgorithm: algorithm });
      const { license_data: data, token } = await acquire(key, {
        format: form === 'jws' ? 'jws' : 'inline',
        nonce: 'n',
      });
      const document = { object: data, text: JSON.stringify(data), jws: token }[form];
      const scope = {
        product: 'demo-app',
        version: '3.1',
        hardware_id: 'machine-1',
        features: ['export'],
        nonce: 'n',
      };
      const { status, body } = await validate(document, scope);
      expect(status).toBe(200);
      expect(body).toMatchObject({
        valid: true,
        code: null,
        error: null,
        customer_name: TEST_CUSTOMER.name,
        tier: 'pro',
        product: 'demo-app',
        features: ['export', 'reports'],
      });
    });
  },
);

describe('scope', () => {
  test.each([
    [{ product: 'other-app' }, 'product_mismatch'],
    [{ version: '4.0' }, 'version_mismatch'],
    [{ version: 'latest' }, 'version_mismatch'],
    [{ hardware_id: 'machine-2' }, 'hardware_mismatch'],
    [{ features: ['export', 'admin'] }, 'feature_missing'],
    [{ nonce: 'other' }, 'nonce_mismatch'],
  ])('%o gives %s', async (scope, code) => {
    const key = await service.addLicense({ allowedMajorVersions: [2, 3] });
    const { token } = await acquire(key, { format: 'jws', nonce: 'n' });
    const { status, body } = await validate(token, scope);
    expect([status, body.valid, body.code]).toEqual([200, false, code]);
    expect(body.document).toBeNull();
  });
});

describe('a genuine document that no longer holds', () => {
  test('because its session was released', async () => {
    const { license_data: data, session_id } = await acquire(await service.addLicense());
    await service.post('/api/v1/licenses/release', { session_id });
    expect((await validate(data)).body).toMatchObject({ valid: false, code: 'session_not_found' });
  });

  test('because its machine acquired anew', async () => {
    const key = await service.addLicense();
    const { license_data: data } = await acquire(key);
    service.advance(372);
    await acquire(key);
    expect((await validate(data)).body).toMatchObject({ valid: false, code: 'session_superseded' });
  });

  test.each([
    ['revoked', 'license_revoked'],
    ['suspended', 'license_suspended'],
  ])('because its licence was %s', async (status, code) => {
    const key = await service.addLicense();
    const { license_data: data } = await acquire(key);
    await service.updateLicense(key, { status });
    expect((await validate(data)).body).toMatchObject({ valid: false, code });
  });

  test('because it expired', async () => {
    const key = await service.addLicense({ policy: { offline_grace_seconds: 0 } });
    const { license_data: data } = await acquire(key);
    service.advance(361);
    expect((await validate(data)).body).toMatchObject({ valid: false, code: 'document_expired' });
  });
});

describe('what is no document of ours', () => {
  test.each([
    ['text', 'hello', 'malformed_document'],
    ['an empty object', {}, 'malformed_document'],
    ['three empty parts', '..', 'malformed_document'],
    [
      'a JWS that brings its own key',
      `${part({ alg: 'EdDSA', kid: 'k', typ: 'license+jwt', jwk: {} })}.e30.AA`,
      'unsupported_header',
    ],
    ['a JWS without algorithm', `${part({ alg: 'none', kid: 'k', typ: 'license+jwt' })}.e30.`, 'unknown_key'],
    ['a kid that is a path', { kid: '../../x', signature: 'AAAA', signature_algorithm: 'x' }, 'unknown_key'],
    [
      'a kid named __proto__',
      { kid: '__proto__', signature: 'AAAA', signature_algorithm: 'x' },
      'unknown_key',
    ],
  ])('%s', async (_, token, code) => {
    const { status, body } = await validate(token);
    expect([status, body.valid, body.code]).toEqual([200, false, code]);
  });

  test('a changed field', async () => {
    const { license_data: data } = await acquire(await service.addLicense());
    expect((await validate({ ...data, tier: 'enterprise' })).body.code).toBe('signature_invalid');
  });

  test('the algorithm of another key', async () => {
    const { license_data: data } = await acquire(await service.addLicense());
    const { body } = await validate({ ...data, signature_algorithm: 'RSA_SIGN_PKCS1_4096_SHA256' });
    expect(body.code).toBe('algorithm_mismatch');
  });
});

function part(header: object): string {
  return Buffer.from(JSON.stringify(header)).toString('base64url');
}
