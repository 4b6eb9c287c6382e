/** `SIGNING_FAILURE_POLICY=unsigned`: what the clients of the system before got while the KMS was away. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ signingFailurePolicy: 'unsigned', deadlineMs: 300 });
});
afterEach(() => service.kms.setFault(null));
afterAll(() => service.stop());

const acquire = (licenseKey: string, more = {}) =>
  service.post('/api/v1/licenses/acquire', { license_key: licenseKey, hardware_id: 'machine', ...more });

test('an inline document goes out with nulls for key and signature, and its session is a real one', async () => {
  const key = await service.addLicense();
  await service.kms.setFault({ kind: 'unavailable' });
  for (const attempt of ['on a cold instance', 'on one that remembers the session']) {
    const { status, body } = await acquire(key);
    expect([attempt, status]).toEqual([attempt, 200]);
    expect(body.license_data).toMatchObject({
      license_key: key,
      session_id: body.session_id,
      kid: null,
      signature: null,
      signature_algorithm: null,
    });
    const beat = await service.post('/api/v1/licenses/heartbeat', { session_id: body.session_id });
    expect(beat.status).toBe(200);
  }
});

test('no verifier takes it: not the client, and not the service', async () => {
  const key = await service.addLicense();
  await service.kms.setFault({ kind: 'unavailable' });
  const { license_data: document } = (await acquire(key)).body;
  await service.kms.setFault(null);
  expect(await service.verify(JSON.stringify(document))).toMatchObject({ code: 'document_unsigned' });
  const { body } = await service.post('/api/v1/licenses/validate', { token: document });
  expect(body).toMatchObject({ valid: false, code: 'document_unsigned' });
});

test('a JWS is never unsigned', async () => {
  const key = await service.addLicense();
  await service.kms.setFault({ kind: 'unavailable' });
  const { status, body } = await acquire(key, { format: 'jws' });
  expect([status, body.code]).toEqual([503, 'signing_unavailable']);
});

test('refusals stay refusals, and once the KMS is back documents are signed', async () => {
  const key = await service.addLicense({ seats: 1 });
  await service.kms.setFault({ kind: 'unavailable' });
  await acquire(key);
  const other = await acquire(key, { hardware_id: 'another' });
  expect([other.status, other.body.code]).toEqual([409, 'seats_exhausted']);
  await service.kms.setFault(null);
  const { body } = await acquire(key);
  expect(await service.verify(JSON.stringify(body.license_data))).toMatchObject({ valid: true });
});
