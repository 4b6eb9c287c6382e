import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startTestService, type TestService } from '../support/service.ts';

const ALGORITHMS = ['RSA_SIGN_PKCS1_4096_SHA256', 'EC_SIGN_ED25519'] as const;

const LASTING = [
  { kind: 'latency', ms: 5000 },
  { kind: 'unavailable' },
  { kind: 'resource_exhausted' },
  { kind: 'permission_denied' },
  { kind: 'wrong_signature' },
  { kind: 'wrong_checksum' },
  { kind: 'wrong_name' },
  { kind: 'short_signature' },
  { kind: 'unverified' },
] as const;

/** Faults that pass when the KMS is asked once more. */
const PASSING = [
  { kind: 'unavailable' },
  { kind: 'wrong_signature' },
  { kind: 'wrong_checksum' },
  { kind: 'wrong_name' },
  { kind: 'latency', ms: 100 },
] as const;

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ deadlineMs: 1_500 });
});

afterEach(() => service.kms.setFault(null));
afterAll(() => service.stop());

const acquire = (licenseKey: string) =>
  service.post('/api/v1/licenses/acquire', { license_key: licenseKey, hardware_id: 'machine-1', nonce: 'n' });

const isGenuine = async (document: object) => (await service.verify(JSON.stringify(document))).valid;

describe.each(ALGORITHMS)('%s', (signingAlgorithm) => {
  test.each(LASTING)(
    'a lasting fault, $kind: 503, and the retry gets the same session, signed',
    async (fault) => {
      const key = await service.addLicense({ signingAlgorithm });
      // The public keys are cached before the fault, as on any instance that has signed once.
      await service.verificationKeys();
      await service.kms.setFault(fault);
      const { status, body, headers } = await acquire(key);
      expect([status, body.code]).toEqual([503, 'signing_unavailable']);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(JSON.stringify(body)).not.toMatch(/cryptoKey|projects\/|signature"/);
      const sessions = service.dumpStore().match(/"generation\\":\\"[0-9a-f]{32}/g);

      await service.kms.setFault(null);
      const retry = await acquire(key);
      expect(retry.status).toBe(200);
      expect(await isGenuine(retry.body.license_data)).toBe(true);
      expect(service.dumpStore().match(/"generation\\":\\"[0-9a-f]{32}/g)).toEqual(sessions);
    },
  );

  test.each(PASSING)('a passing fault, $kind: a correct signature', async (fault) => {
    const key = await service.addLicense({ signingAlgorithm });
    await service.kms.setFault(fault, { times: 1 });
    const { status, body } = await acquire(key);
    expect(status).toBe(200);
    expect(await isGenuine(body.license_data)).toBe(true);
  });
});

test('without its signature a seat is not lent: another machine has it at once', async () => {
  const key = await service.addLicense({ seats: 1, policy: { borrow_max_seconds: 30 * 86_400 } });
  const borrow = (machine: string, headers = {}) =>
    service.post(
      '/api/v1/licenses/borrow',
      { license_key: key, hardware_id: machine, borrow_seconds: 30 * 86_400 },
      headers,
    );
  const before = service.dumpStore();
  await service.kms.setFault({ kind: 'unavailable' });
  for (const headers of [{}, { 'idempotency-key': 'loan' }]) {
    const { status, body } = await borrow('machine-1', headers);
    expect([status, body.code]).toEqual([503, 'signing_unavailable']);
  }
  expect(service.dumpStore()).toBe(before);
  await service.kms.setFault(null);
  const { status, body } = await borrow('machine-2');
  expect([status, body.license_data?.borrowed ?? body.borrowed]).toEqual([200, true]);
  expect((await borrow('machine-1', { 'idempotency-key': 'loan' })).body.code).toBe('seats_exhausted');
});

test('a machine whose session becomes a loan keeps its lease when that cannot be signed', async () => {
  const key = await service.addLicense({ seats: 1, policy: { borrow_max_seconds: 30 * 86_400 } });
  const { body } = await acquire(key);
  const before = service.dumpStore();
  await service.kms.setFault({ kind: 'unavailable' });
  const wanted = { license_key: key, hardware_id: 'machine-1', borrow_seconds: 30 * 86_400 };
  expect((await service.post('/api/v1/licenses/borrow', wanted)).status).toBe(503);
  expect(service.dumpStore()).toBe(before);
  await service.kms.setFault(null);
  const loan = await service.post('/api/v1/licenses/borrow', wanted);
  expect([loan.status, loan.body.session_id]).toEqual([200, body.session_id]);
});

test('heartbeat and release work while the KMS does not', async () => {
  const { body } = await acquire(await service.addLicense());
  await service.kms.setFault({ kind: 'unavailable' });
  expect((await service.post('/api/v1/licenses/heartbeat', { session_id: body.session_id })).status).toBe(
    200,
  );
  expect((await service.post('/api/v1/licenses/release', { session_id: body.session_id })).status).toBe(200);
});

test('a heartbeat that wants a document extends the lease even when the KMS fails', async () => {
  const key = await service.addLicense();
  const { body } = await acquire(key);
  await service.kms.setFault({ kind: 'unavailable' });
  const wanted = { session_id: body.session_id, license_key: key, hardware_id: 'machine-1', document: true };
  service.advance(100);
  const refusal = await service.post('/api/v1/licenses/heartbeat', wanted);
  expect([refusal.status, refusal.body.code]).toEqual([503, 'signing_unavailable']);
  await service.kms.setFault(null);
  const { status, body: answer } = await service.post('/api/v1/licenses/heartbeat', wanted);
  expect(status).toBe(200);
  expect(await isGenuine(answer.license_data)).toBe(true);
});

test('a heartbeat whose document is due stays good without it, says why, and brings it once the KMS is back', async () => {
  const key = await service.addLicense({ policy: { offline_grace_seconds: 0 } });
  const { body } = await acquire(key);
  const beat = { session_id: body.session_id, license_key: key, hardware_id: 'machine-1' };
  service.advance(300);
  await service.kms.setFault({ kind: 'unavailable' });
  const without = await service.post('/api/v1/licenses/heartbeat', beat);
  expect([without.status, without.body.document_error]).toEqual([200, 'signing_unavailable']);
  expect(Date.parse(without.body.lease_expires_at)).toBeGreaterThan(Date.parse(body.lease_expires_at));
  await service.kms.setFault(null);
  const { body: renewed } = await service.post('/api/v1/licenses/heartbeat', beat);
  expect(renewed).not.toHaveProperty('document_error');
  expect(await isGenuine(renewed.license_data)).toBe(true);
});

test('an idempotent retry after a failed signature gets the answer that was lost', async () => {
  const key = await service.addLicense();
  const headers = { 'idempotency-key': 'retry' };
  const request = { license_key: key, hardware_id: 'machine-1' };
  await service.kms.setFault({ kind: 'unavailable' });
  expect((await service.post('/api/v1/licenses/acquire', request, headers)).status).toBe(503);
  await service.kms.setFault(null);
  const first = await service.post('/api/v1/licenses/acquire', request, headers);
  const second = await service.post('/api/v1/licenses/acquire', request, headers);
  expect(first.status).toBe(200);
  expect(second.body).toEqual(first.body);
});

test('public keys that cannot be read: 503 for keys and documents, and recovery without a restart', async () => {
  const fresh = await startTestService({ deadlineMs: 2_000 });
  try {
    await fresh.kms.setFault({ kind: 'unavailable' }, { method: 'GetPublicKey' });
    const key = await fresh.addLicense();
    const request = { license_key: key, hardware_id: 'machine-1' };
    expect((await fresh.post('/api/v1/licenses/acquire', request)).body.code).toBe('signing_unavailable');
    expect((await fetch(`${fresh.baseUrl}/.well-known/jwks.json`)).status).toBe(503);
    expect((await fetch(`${fresh.baseUrl}/health`)).status).toBe(200);
    await fresh.kms.setFault(null);
    expect((await fresh.post('/api/v1/licenses/acquire', request)).status).toBe(200);
  } finally {
    await fresh.stop();
  }
});
