import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sessionPath } from '../../shared/records/paths.ts';
import { parseSessionId } from '../../shared/session-id.ts';
import { startTestService, type TestService } from '../support/service.ts';

const LEASE_SECONDS = 360;

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});

afterAll(() => service.stop());

const acquire = async (licenseKey: string, hardwareId = 'machine-1') =>
  (await service.post('/api/v1/licenses/acquire', { license_key: licenseKey, hardware_id: hardwareId })).body;
const heartbeat = (body: object) => service.post('/api/v1/licenses/heartbeat', body);
const release = (body: object, headers = {}) => service.post('/api/v1/licenses/release', body, headers);

async function usageOf(sessionId: string) {
  const { generation } = parseSessionId(sessionId) ?? { generation: 'none' };
  const usage = await service.ports.store.query({ collection: 'usage' });
  return usage.filter(({ path }) => path.endsWith(generation)).map(({ fields }) => fields);
}

async function sessionOf(sessionId: string) {
  const { license, hardware } = parseSessionId(sessionId) ?? { license: 'none', hardware: 'none' };
  return (await service.ports.store.get([sessionPath(license, hardware)]))[0]?.fields;
}

describe('heartbeat', () => {
  test('extends the lease from now, with nothing but the session id', async () => {
    const session = await acquire(await service.addLicense());
    service.advance(300);
    const { status, body } = await heartbeat({ session_id: session.session_id });
    expect(status).toBe(200);
    expect(Date.parse(body.lease_expires_at) - Date.parse(session.lease_expires_at)).toBeGreaterThanOrEqual(
      300_000,
    );
    expect(body).not.toHaveProperty('license_data');
  });

  test('keeps a session alive far beyond its first lease', async () => {
    const session = await acquire(await service.addLicense());
    for (let i = 0; i < 5; i++) {
      service.advance(300);
      expect((await heartbeat({ session_id: session.session_id })).status).toBe(200);
    }
    expect((await service.ports.store.query({ collection: 'usage' })).length).toBe(0);
  });

  test('that comes late still counts while nobody took the seat', async () => {
    const session = await acquire(await service.addLicense());
    service.advance(LEASE_SECONDS + 60);
    expect((await heartbeat({ session_id: session.session_id })).status).toBe(200);
  });

  test('of a reaped session: session_not_found', async () => {
    const key = await service.addLicense();
    const session = await acquire(key);
    service.advance(LEASE_SECONDS + 60);
    await acquire(key, 'machine-2');
    const { status, body } = await heartbeat({ session_id: session.session_id });
    expect([status, body.code]).toEqual([404, 'session_not_found']);
  });

  test.each(['inline', 'jws'] as const)('brings a fresh %s document when asked', async (format) => {
    const key = await service.addLicense();
    const session = await acquire(key);
    const wanted = { session_id: session.session_id, license_key: key, hardware_id: 'machine-1' };
    const { body } = await heartbeat({ ...wanted, format, document: true, nonce: 'fresh' });
    const scope = { nonce: 'fresh', hardwareId: 'machine-1' };
    expect((await service.verify(body.token ?? body.license_data, scope)).valid).toBe(true);
  });

  test('brings one unasked once the last document is past half its life, and not again right after', async () => {
    const key = await service.addLicense({ policy: { offline_grace_seconds: 0 } });
    const session = await acquire(key);
    const wanted = { session_id: session.session_id, license_key: key, hardware_id: 'machine-1' };
    service.advance(LEASE_SECONDS / 2 - 5);
    expect((await heartbeat(wanted)).body).not.toHaveProperty('license_data');
    service.advance(10);
    expect((await heartbeat(wanted)).body).toHaveProperty('license_data');
    expect((await heartbeat(wanted)).body).not.toHaveProperty('license_data');
  });

  test('asks the KMS for nothing when no document is due', async () => {
    const session = await acquire(await service.addLicense());
    const before = (await service.kms.stats()).signs.requested;
    await heartbeat({ session_id: session.session_id });
    expect((await service.kms.stats()).signs.requested).toBe(before);
  });

  test.each([
    [{ document: true }, '/hardware_id'],
    [{ document: true, hardware_id: 'machine-1' }, '/license_key'],
  ])('that asks for a document with %o is told what is missing', async (more, pointer) => {
    const session = await acquire(await service.addLicense());
    const { status, body } = await heartbeat({ session_id: session.session_id, ...more });
    expect([status, body.code]).toEqual([422, 'invalid_request']);
    expect(body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
  });

  test.each([
    [{ status: 'suspended' }, 'license_suspended'],
    [{ expires_at: 1 }, 'license_expired'],
    [{ allowed_hardware: ['another'] }, 'hardware_not_allowed'],
  ])('of a licence with %o is refused, extends nothing, and keeps the seat', async (change, code) => {
    const key = await service.addLicense();
    const session = await acquire(key);
    await service.updateLicense(key, change);
    // The first one may find an instance that has not heard of the change: it is refused all the same.
    expect((await heartbeat({ session_id: session.session_id })).body.code).toBe(code);
    const stored = await sessionOf(session.session_id);
    service.advance(60);
    const refusal = await heartbeat({ session_id: session.session_id });
    expect([refusal.status, refusal.body.code]).toEqual([403, code]);
    expect(await sessionOf(session.session_id)).toEqual(stored);
    // The refusal may have been lost: the machine may rely on its lease to the end.
    await service.updateLicense(key, { status: 'active', expires_at: null, allowed_hardware: null });
    expect((await acquire(key, 'machine-2')).code).toBe('seats_exhausted');
    expect((await heartbeat({ session_id: session.session_id })).status).toBe(200);
  });

  test('with the hardware id of another machine', async () => {
    const session = await acquire(await service.addLicense());
    const { status, body } = await heartbeat({ session_id: session.session_id, hardware_id: 'machine-2' });
    expect([status, body.code]).toEqual([403, 'hardware_mismatch']);
  });

  test('with the key of another licence', async () => {
    const session = await acquire(await service.addLicense());
    const { status, body } = await heartbeat({
      session_id: session.session_id,
      license_key: await service.addLicense(),
    });
    expect([status, body.code]).toEqual([404, 'session_not_found']);
  });

  test.each(['ses_', 'ses_1', 'nonsense', `ses_${'0'.repeat(96)}`, `ses_${'G'.repeat(96)}`])(
    'of the session id %j: session_not_found',
    async (sessionId) => {
      const { status, body } = await heartbeat({ session_id: sessionId });
      expect([status, body.code]).toEqual([404, 'session_not_found']);
    },
  );

  test('many of one session at once: all succeed and the lease never moves back', async () => {
    const session = await acquire(await service.addLicense());
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => heartbeat({ session_id: session.session_id })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(200));
    const ends = answers.map(({ body }) => Date.parse(body.lease_expires_at));
    expect(Math.min(...ends)).toBeGreaterThanOrEqual(Date.parse(session.lease_expires_at));
  });
});

describe('release', () => {
  test('frees the seat at once and accounts for it', async () => {
    const key = await service.addLicense();
    const session = await acquire(key);
    service.advance(60);
    const { status, body } = await release({ session_id: session.session_id });
    expect(status).toBe(200);
    const [usage] = await usageOf(session.session_id);
    expect(usage).toMatchObject({ reason: 'released', product: 'demo-app', borrowed: false, seat: 0 });
    expect(usage?.ended_at).toBe(Date.parse(body.released_at));
    expect(Number(usage?.ended_at) - Number(usage?.started_at)).toBeGreaterThanOrEqual(60_000);
    expect((await acquire(key, 'machine-2')).session_id).toBeDefined();
  });

  test('again gives the same answer and counts nothing twice', async () => {
    const session = await acquire(await service.addLicense());
    const first = await release({ session_id: session.session_id });
    service.advance(30);
    const second = await release({ session_id: session.session_id });
    expect(second.body).toEqual(first.body);
    expect(await usageOf(session.session_id)).toHaveLength(1);
  });

  test('twice at once: one end, equal answers', async () => {
    const session = await acquire(await service.addLicense());
    const answers = await Promise.all([1, 2, 3].map(() => release({ session_id: session.session_id })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.released_at)).size).toBe(1);
    expect(await usageOf(session.session_id)).toHaveLength(1);
  });

  test('a lost answer after which the machine acquired again: the old session stays released', async () => {
    const key = await service.addLicense();
    const old = await acquire(key);
    const first = await release({ session_id: old.session_id });
    const fresh = await acquire(key);
    expect((await release({ session_id: old.session_id })).body).toEqual(first.body);
    expect((await heartbeat({ session_id: fresh.session_id })).status).toBe(200);
    expect((await heartbeat({ session_id: old.session_id })).body.code).toBe('session_superseded');
  });

  test('of a reaped session: session_not_found; of a superseded one: session_superseded', async () => {
    const key = await service.addLicense();
    const reaped = await acquire(key);
    service.advance(LEASE_SECONDS + 60);
    const other = await acquire(key, 'machine-2');
    expect((await release({ session_id: reaped.session_id })).body.code).toBe('session_not_found');
    service.advance(LEASE_SECONDS + 60);
    await acquire(key, 'machine-2');
    expect((await release({ session_id: other.session_id })).body.code).toBe('session_superseded');
  });

  test('counts no second beyond the end of the lease', async () => {
    const session = await acquire(await service.addLicense());
    service.advance(LEASE_SECONDS + 3600);
    const { body } = await release({ session_id: session.session_id });
    expect(body.released_at).toBe(session.lease_expires_at);
  });

  test('works for a licence that was revoked meanwhile', async () => {
    const key = await service.addLicense();
    const session = await acquire(key);
    await service.updateLicense(key, { status: 'revoked' });
    expect((await release({ session_id: session.session_id })).status).toBe(200);
  });

  test('with an idempotency key: the same answer, and a conflict for another session', async () => {
    const key = await service.addLicense({ seats: 2 });
    const [one, two] = [await acquire(key, 'machine-1'), await acquire(key, 'machine-2')];
    const headers = { 'idempotency-key': 'release-1' };
    const first = await release({ session_id: one.session_id }, headers);
    expect((await release({ session_id: one.session_id }, headers)).body).toEqual(first.body);
    const conflict = await release({ session_id: two.session_id }, headers);
    expect([conflict.status, conflict.body.code]).toEqual([409, 'idempotency_conflict']);
    expect((await heartbeat({ session_id: two.session_id })).status).toBe(200);
  });

  test('of an unlimited licence leaves usage without a seat', async () => {
    const session = await acquire(await service.addLicense({ seats: null }));
    await release({ session_id: session.session_id });
    expect(await usageOf(session.session_id)).toMatchObject([{ seat: null }]);
  });
});
