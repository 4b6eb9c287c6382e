import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seatsPath, sessionsPath } from '../../shared/records/paths.ts';
import { parseSessionId } from '../../shared/session-id.ts';
import { startTestService, TEST_CUSTOMER, type TestService } from '../support/service.ts';

const ACQUIRE = '/api/v1/licenses/acquire';
const SKEW_SECONDS = 10;
const LEASE_SECONDS = 360;

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ clockSkewSeconds: SKEW_SECONDS });
});

afterAll(() => service.stop());

const acquire = (licenseKey: string, hardwareId: string, more: object = {}, headers = {}) =>
  service.post(ACQUIRE, { license_key: licenseKey, hardware_id: hardwareId, ...more }, headers);

describe('a document', () => {
  test.each(['RSA_SIGN_PKCS1_4096_SHA256', 'EC_SIGN_ED25519'] as const)(
    'signed with %s verifies offline and says what was asked',
    async (signingAlgorithm) => {
      const key = await service.addLicense({ signingAlgorithm, tier: 'pro' });
      const { status, body } = await acquire(key, 'machine-1', { nonce: 'n-42' });
      expect(status).toBe(200);
      expect(body.license_data).toMatchObject({
        license_key: key,
        hardware_id: 'machine-1',
        nonce: 'n-42',
        session_id: body.session_id,
        customer: TEST_CUSTOMER,
        signature_algorithm: signingAlgorithm,
        tier: 'pro',
        heartbeat_seconds: 300,
        borrowed: false,
        issuer: 'https://countersign.test',
      });
      const { signed_at, lease_expires_at, expires_at } = body.license_data;
      expect(signed_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/);
      expect(Date.parse(lease_expires_at) - Date.parse(signed_at)).toBe(LEASE_SECONDS * 1000);
      expect(Date.parse(expires_at) - Date.parse(lease_expires_at)).toBe(7 * 86_400_000);
      expect(await service.verify(JSON.stringify(body.license_data))).toMatchObject({ valid: true });
    },
  );

  test('an RSA signature is 684 characters of base64', async () => {
    const key = await service.addLicense({ signingAlgorithm: 'RSA_SIGN_PKCS1_4096_SHA256' });
    const { body } = await acquire(key, 'machine-1');
    expect(body.license_data.signature).toMatch(/^[A-Za-z0-9+/]{683}=$/);
  });

  test('in the native format is a JWS without the licence key', async () => {
    const key = await service.addLicense();
    const { body } = await acquire(key, 'machine-1', { format: 'jws', nonce: 'n' });
    const [header, payload] = body.token
      .split('.')
      .map((part: string) => Buffer.from(part, 'base64url').toString());
    expect(JSON.parse(header)).toEqual({ alg: 'EdDSA', kid: expect.any(String), typ: 'license+jwt' });
    expect(payload).not.toContain(key);
    expect(JSON.parse(payload)).toMatchObject({
      iss: 'https://countersign.test',
      nonce: 'n',
      exp: expect.any(Number),
    });
    expect((await service.verify(body.token)).valid).toBe(true);
  });

  test.each([
    ['free', {}, 0],
    ['team', {}, 3 * 86_400],
    ['enterprise', { offline_grace_seconds: 3600 }, 3600],
    ['enterprise', { offline_grace_seconds: 3600, strict_online: true }, 0],
  ] as const)('of tier %s with %o outlives its lease by %d seconds', async (tier, policy, graceSeconds) => {
    const key = await service.addLicense({ tier, policy });
    const { body } = await acquire(key, 'machine-1');
    const { lease_expires_at, expires_at } = body.license_data;
    expect(Date.parse(expires_at) - Date.parse(lease_expires_at)).toBe(graceSeconds * 1000);
  });

  test('never outlives the licence', async () => {
    const expiresAt = service.ports.clock.now() + 60_000;
    const key = await service.addLicense({ expiresAt });
    const { body } = await acquire(key, 'machine-1');
    expect(Date.parse(body.license_data.expires_at)).toBe(expiresAt);
    expect(Date.parse(body.lease_expires_at)).toBe(expiresAt);
  });
});

describe('seats', () => {
  test('a second acquire from one machine gives the same session, signed afresh', async () => {
    const key = await service.addLicense();
    const first = await acquire(key, 'machine-1', { nonce: 'a' });
    const second = await acquire(key, 'machine-1', { nonce: 'b' });
    expect(second.status).toBe(200);
    expect(second.body.session_id).toBe(first.body.session_id);
    expect(second.body.license_data.nonce).toBe('b');
    expect(second.body.license_data.signature).not.toBe(first.body.license_data.signature);
  });

  test('a machine too many is told the number of seats and when the next lease ends', async () => {
    const key = await service.addLicense({ seats: 2 });
    const first = await acquire(key, 'machine-1');
    await acquire(key, 'machine-2');
    const { status, body } = await acquire(key, 'machine-3');
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'seats_exhausted', seats: 2 });
    expect(body.next_lease_ends_at).toBe(first.body.lease_expires_at);
  });

  test('an unlimited licence takes every machine', async () => {
    const key = await service.addLicense({ seats: null });
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => acquire(key, `machine-${i}`)));
    expect(new Set(answers.map(({ body }) => body.session_id)).size).toBe(40);
  });

  test('200 machines at once on 50 seats: 50 leases, 150 refusals, and the KMS signs 50 times', async () => {
    const key = await service.addLicense({ seats: 50 });
    const before = (await service.kms.stats()).signs.requested;
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => acquire(key, `machine-${i}`)));
    const granted = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ body }) => body.code === 'seats_exhausted');
    expect([granted.length, refused.length]).toEqual([50, 150]);
    expect((await service.kms.stats()).signs.requested - before).toBe(50);

    const { license } = parseSessionId(granted[0]?.body.session_id) ?? { license: '' };
    const { store } = service.ports;
    expect(await store.aggregate({ collection: seatsPath(license) })).toMatchObject({ count: 50 });
    const sessions = await store.query({ collection: sessionsPath(license) });
    expect(new Set(sessions.map(({ fields }) => fields.seat)).size).toBe(50);
  });

  test('the seat of a lease that ended goes to the next machine, but not before the skew margin', async () => {
    const key = await service.addLicense();
    await acquire(key, 'machine-1');
    service.advance(LEASE_SECONDS + SKEW_SECONDS - 2);
    expect((await acquire(key, 'machine-2')).body.code).toBe('seats_exhausted');
    service.advance(3);
    expect((await acquire(key, 'machine-2')).status).toBe(200);
  });

  test('a reaped session leaves its usage, from its start to the end of its lease', async () => {
    const key = await service.addLicense();
    const { body } = await acquire(key, 'machine-1');
    service.advance(LEASE_SECONDS + SKEW_SECONDS + 100);
    await acquire(key, 'machine-2');
    const usage = await service.ports.store.query({
      collection: 'usage',
      where: [['reason', '==', 'expired']],
    });
    const mine = usage.filter(({ path }) =>
      path.endsWith(parseSessionId(body.session_id)?.generation ?? 'none'),
    );
    expect(mine).toHaveLength(1);
    expect(mine[0]?.fields.ended_at).toBe(Date.parse(body.lease_expires_at));
    expect(mine[0]?.fields.started_at).toBe(Date.parse(body.license_data.signed_at));
  });

  test('a machine that comes back after its lease gets a new session, and the old process is told', async () => {
    const key = await service.addLicense();
    const old = await acquire(key, 'machine-1');
    service.advance(LEASE_SECONDS + SKEW_SECONDS + 1);
    const fresh = await acquire(key, 'machine-1');
    expect(fresh.status).toBe(200);
    expect(fresh.body.session_id).not.toBe(old.body.session_id);
    const beat = await service.post('/api/v1/licenses/heartbeat', { session_id: old.body.session_id });
    expect([beat.status, beat.body.code]).toEqual([409, 'session_superseded']);
    const live = await service.post('/api/v1/licenses/heartbeat', { session_id: fresh.body.session_id });
    expect(live.status).toBe(200);
  });

  test('a machine that comes back to a licence with fewer seats leaves its old one and gets one that exists', async () => {
    const key = await service.addLicense({ seats: 3 });
    const answers = [];
    for (const machine of ['a', 'b', 'c']) answers.push((await acquire(key, machine)).body);
    const { store, hasher } = service.ports;
    const license = hasher.hash('license', key);
    await service.updateLicense(key, { seats: 1 });
    service.advance(LEASE_SECONDS + SKEW_SECONDS + 1);

    const [lost] = await store.query({ collection: sessionsPath(license), where: [['seat', '==', 2]] });
    const machine = ['a', 'b', 'c'].find((name) => lost?.path.endsWith(hasher.hash('hardware', name))) ?? '';
    const old = answers[['a', 'b', 'c'].indexOf(machine)];
    const fresh = await acquire(key, machine);
    expect(fresh.status).toBe(200);
    expect(fresh.body.session_id).not.toBe(old?.session_id);

    const seats = await store.query({ collection: seatsPath(license) });
    expect(seats.map(({ path }) => Number(path.slice(path.lastIndexOf('/') + 1)))).toEqual([0, 1]);
    const usage = await store.query({ collection: 'usage', where: [['reason', '==', 'expired']] });
    const ended = usage.filter(({ path }) => path.startsWith(`usage/${license}`));
    expect(ended.map(({ fields }) => fields.seat).sort()).toEqual([0, 2]);
  });

  test('one machine at once, many times: one session', async () => {
    const key = await service.addLicense({ seats: 3 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => acquire(key, 'machine-1')));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(new Set(answers.map(({ body }) => body.session_id)).size).toBe(1);
  });
});

describe('refusals', () => {
  test.each([
    ['revoked', 'license_revoked'],
    ['suspended', 'license_suspended'],
  ])('a %s licence: %s, nothing signed, nothing written', async (status, code) => {
    const key = await service.addLicense();
    await service.updateLicense(key, { status });
    const before = [service.dumpStore(), (await service.kms.stats()).signs.requested];
    const answer = await acquire(key, 'machine-1');
    expect([answer.status, answer.body.code]).toEqual([403, code]);
    expect([service.dumpStore(), (await service.kms.stats()).signs.requested]).toEqual(before);
  });

  test('a licence is good until the instant it expires', async () => {
    const key = await service.addLicense({ expiresAt: service.ports.clock.now() + 60_000 });
    expect((await acquire(key, 'machine-1')).status).toBe(200);
    service.advance(61);
    const { status, body } = await acquire(key, 'machine-1');
    expect([status, body.code]).toEqual([403, 'license_expired']);
  });

  test('a machine that is not on the allow-list', async () => {
    const key = await service.addLicense({ allowedHardware: ['machine-1'] });
    expect((await acquire(key, 'machine-1')).status).toBe(200);
    const { status, body } = await acquire(key, 'machine-2');
    expect([status, body.code]).toEqual([403, 'hardware_not_allowed']);
  });

  test('a mistyped and an unknown key get the same answer', async () => {
    const key = await service.addLicense();
    const wrong = key.slice(0, -1) + (key.endsWith('A') ? 'B' : 'A');
    const answers = await Promise.all([acquire(wrong, 'm'), acquire('no such key', 'm')]);
    const [mistyped, unknown] = answers.map(({ body: { request_id: _, ...problem } }) => problem);
    expect(mistyped).toEqual(unknown);
    expect(mistyped).toMatchObject({ status: 404, code: 'license_not_found' });
  });

  test('a key may be typed in lower case, without hyphens, with O for 0', async () => {
    const key = await service.addLicense();
    const typed = key.toLowerCase().replace('test-', 'test_').replaceAll('-', '').replace('test_', 'test-');
    expect((await acquire(typed.replaceAll('0', 'o'), 'machine-1')).status).toBe(200);
  });
});

describe('Idempotency-Key', () => {
  test('the same key and body give the same answer, to the byte', async () => {
    const key = await service.addLicense();
    const headers = { 'idempotency-key': 'retry-1' };
    const first = await acquire(key, 'machine-1', { nonce: 'x' }, headers);
    service.advance(5);
    const second = await acquire(key, 'machine-1', { nonce: 'x' }, headers);
    expect(second.body).toEqual(first.body);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(second.headers.get('idempotent-replayed')).toBe('true');
  });

  test('another body under the same key is a conflict and changes nothing', async () => {
    const key = await service.addLicense({ seats: 2 });
    const headers = { 'idempotency-key': 'retry-2' };
    await acquire(key, 'machine-1', {}, headers);
    const before = service.dumpStore();
    const { status, body } = await acquire(key, 'machine-2', {}, headers);
    expect([status, body.code]).toEqual([409, 'idempotency_conflict']);
    expect(service.dumpStore()).toBe(before);
  });

  test('twice at once: one effect, equal answers', async () => {
    const key = await service.addLicense();
    const headers = { 'idempotency-key': 'retry-3' };
    const [one, two] = await Promise.all(
      [1, 2].map(() => acquire(key, 'machine-1', { nonce: 'x' }, headers)),
    );
    expect(one?.status).toBe(200);
    expect(two?.body).toEqual(one?.body);
  });

  test('a refusal is not remembered', async () => {
    const key = await service.addLicense();
    const headers = { 'idempotency-key': 'retry-4' };
    const { body: held } = await acquire(key, 'machine-1');
    expect((await acquire(key, 'machine-2', {}, headers)).body.code).toBe('seats_exhausted');
    await service.post('/api/v1/licenses/release', { session_id: held.session_id });
    expect((await acquire(key, 'machine-2', {}, headers)).status).toBe(200);
  });

  test('the store holds no licence key', async () => {
    const key = await service.addLicense();
    await acquire(key, 'machine-1', {}, { 'idempotency-key': 'retry-5' });
    expect(service.dumpStore()).not.toContain(key);
    expect(service.logLines.join('')).not.toContain(key);
  });

  test.each(['', ' ', 'a b', 'x'.repeat(256)])(
    'the header %j is refused or taken for none',
    async (value) => {
      const key = await service.addLicense();
      const { status } = await acquire(key, 'machine-1', {}, { 'idempotency-key': value });
      expect(status).toBe(422);
    },
  );
});

describe('borrow', () => {
  const borrow = (key: string, hardwareId: string, seconds: number) =>
    service.post('/api/v1/licenses/borrow', {
      license_key: key,
      hardware_id: hardwareId,
      borrow_seconds: seconds,
    });

  test('holds the seat for the whole term, whatever the heartbeats', async () => {
    const key = await service.addLicense({ policy: { borrow_max_seconds: 86_400 } });
    const { status, body } = await borrow(key, 'machine-1', 86_400);
    expect(status).toBe(200);
    expect(body.license_data).toMatchObject({ borrowed: true, expires_at: body.lease_expires_at });
    expect(Date.parse(body.lease_expires_at) - Date.parse(body.license_data.signed_at)).toBe(86_400_000);
    const beat = await service.post('/api/v1/licenses/heartbeat', { session_id: body.session_id });
    expect(beat.body.lease_expires_at).toBe(body.lease_expires_at);
    service.advance(86_399);
    expect((await acquire(key, 'machine-2')).body.code).toBe('seats_exhausted');
    service.advance(SKEW_SECONDS + 2);
    expect((await acquire(key, 'machine-2')).status).toBe(200);
  });

  test('turns the seat that a machine has into a borrowed one', async () => {
    const key = await service.addLicense({ policy: { borrow_max_seconds: 86_400 } });
    const held = await acquire(key, 'machine-1');
    const { body } = await borrow(key, 'machine-1', 3600);
    expect(body.session_id).toBe(held.body.session_id);
    expect(body.license_data.borrowed).toBe(true);
  });

  test('may be returned early', async () => {
    const key = await service.addLicense({ policy: { borrow_max_seconds: 86_400 } });
    const { body } = await borrow(key, 'machine-1', 86_400);
    await service.post('/api/v1/licenses/release', { session_id: body.session_id });
    expect((await acquire(key, 'machine-2')).status).toBe(200);
  });

  test('is refused beyond the limit of the licence, and without one', async () => {
    const limited = await service.addLicense({ policy: { borrow_max_seconds: 3600 } });
    const tooLong = await borrow(limited, 'machine-1', 3601);
    expect([tooLong.status, tooLong.body.code, tooLong.body.borrow_max_seconds]).toEqual([
      422,
      'borrow_too_long',
      3600,
    ]);
    const never = await borrow(await service.addLicense(), 'machine-1', 1);
    expect([never.status, never.body.code]).toEqual([403, 'borrow_not_allowed']);
  });
});
