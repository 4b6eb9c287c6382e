/** Policies and machines of a licence, set at issue and changed under live sessions; and what a licence can be locked to. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyLicense } from '../../shared/client/verify-license.ts';
import { callsOn } from '../support/license-calls.ts';
import { deskOn, HOLDER, of, refusal } from '../support/license-desk.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';

const POLICY = { heartbeat_seconds: 900, lease_seconds: 3600 };
const ONE_SEAT = { seats: 1, formats: [] };

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  const desk = deskOn(() => service);
  const { events, issue, issued, operator } = desk;
  const { acquire, heartbeat } = callsOn(() => service);

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    await desk.openDesk();
  });
  afterAll(() => service.stop());

  const change = (id: string, body: object) => operator('PATCH', of(id), body);
  /** The lease of an answer lasts so many seconds, less those since it was told: they are below a minute. */
  const expectLease = ({ body }: Answer, seconds: number) => {
    const left = (Date.parse(body.lease_expires_at) - service.ports.clock.now()) / 1000;
    expect(left).toBeLessThanOrEqual(seconds);
    expect(left).toBeGreaterThan(seconds - 60);
  };
  const validate = async (token: string, scope: object = {}) =>
    (await service.post('/api/v1/licenses/validate', { token, ...scope })).body;

  describe('a policy', () => {
    test('that is set at issue is what sessions get', async () => {
      const policy = { ...POLICY, offline_grace_seconds: 50, borrow_max_seconds: 7200 };
      const license = await issued({ ...ONE_SEAT, policy });
      expect(license.policy).toEqual({ ...policy, strict_online: false });
      const { license_key } = license;
      const acquired = await acquire(license_key, 'one');
      expect(acquired.body.heartbeat_seconds).toBe(900);
      expectLease(acquired, 3600);
      const { lease_expires_at, expires_at } = acquired.body.license_data;
      expect(Date.parse(expires_at) - Date.parse(lease_expires_at)).toBe(50_000);
      const borrowed = await service.post('/api/v1/licenses/borrow', {
        license_key,
        hardware_id: 'one',
        borrow_seconds: 7200,
      });
      expectLease(borrowed, 7200);
    });

    test('that is shortened takes back no lease that was told, and is kept from then on', async () => {
      const { id, license_key } = await issued({ ...ONE_SEAT, policy: POLICY });
      const { body } = await acquire(license_key, 'one');
      expect((await change(id, { policy: { heartbeat_seconds: 20, lease_seconds: 60 } })).status).toBe(200);
      const told = await heartbeat(body.session_id);
      expect(told.body).toMatchObject({ lease_expires_at: body.lease_expires_at, heartbeat_seconds: 20 });
      expect(refusal(await acquire(license_key, 'two'))).toEqual([409, 'seats_exhausted']);
      service.advance(3590);
      expectLease(await heartbeat(body.session_id), 60);
      service.advance(60 + service.settings.clockSkewSeconds + 1);
      expectLease(await acquire(license_key, 'two'), 60);
      expect(refusal(await heartbeat(body.session_id))).toEqual([404, 'session_not_found']);
    });

    test('that is lengthened holds with the next heartbeat', async () => {
      const { id, license_key } = await issued(ONE_SEAT);
      const { body } = await acquire(license_key, 'one');
      await change(id, { policy: POLICY });
      const beat = await heartbeat(body.session_id);
      expectLease(beat, 3600);
      expect(beat.body.heartbeat_seconds).toBe(900);
    });

    test('that becomes strict takes the grace from the next document', async () => {
      const { id, license_key } = await issued({ ...ONE_SEAT, tier: 'pro' });
      const { body } = await acquire(license_key, 'one');
      expect(body.license_data.expires_at > body.lease_expires_at).toBe(true);
      await change(id, { policy: { strict_online: true } });
      const strict = await acquire(license_key, 'one');
      expect(strict.body.session_id).toBe(body.session_id);
      expect(strict.body.license_data.expires_at).toBe(strict.body.lease_expires_at);
    });

    test('is changed member by member, and the trail tells from what to what', async () => {
      const { id, policy } = await issued({ ...ONE_SEAT, policy: POLICY });
      const changed = await change(id, { policy: { borrow_max_seconds: 60 } });
      expect(changed.body.policy).toEqual({ ...policy, borrow_max_seconds: 60 });
      const [, told] = await events(id);
      expect(told).toMatchObject({
        action: 'licenses.change',
        before: { policy: { ...POLICY, borrow_max_seconds: 0 } },
        after: { policy: { ...POLICY, borrow_max_seconds: 60 } },
      });
      await change(id, { policy: { borrow_max_seconds: 60 } });
      expect(await events(id)).toHaveLength(2);
    });

    test.each([
      ['a lease as short as the heartbeat', { lease_seconds: 900 }],
      ['a heartbeat as rare as the lease', { heartbeat_seconds: 3600 }],
      ['a lease of less than nothing', { lease_seconds: -1 }],
      ['half a second', { lease_seconds: 1000.5 }],
      ['a grace beyond ten years', { offline_grace_seconds: 315_360_001 }],
    ])('with %s is refused, and stays', async (_, policy) => {
      const { id, policy: before } = await issued({ ...ONE_SEAT, policy: POLICY });
      expect(refusal(await change(id, { policy }))).toEqual([422, 'invalid_request']);
      expect((await operator('GET', of(id))).body.policy).toEqual(before);
    });
  });

  describe('a licence that is locked to machines', () => {
    test('lets these acquire and no other, and the store and the trail have hashes of them', async () => {
      const license = await issued({
        ...ONE_SEAT,
        seats: 5,
        allowed_hardware: ['mine', 'machine-of-zoe', 'mine'],
      });
      expect(license.allowed_hardware).toHaveLength(2);
      for (const machine of ['mine', 'machine-of-zoe'])
        expect((await acquire(license.license_key, machine)).status).toBe(200);
      expect(refusal(await acquire(license.license_key, 'theirs'))).toEqual([403, 'hardware_not_allowed']);
      expect(JSON.stringify(license) + service.dumpStore()).not.toContain('machine-of-zoe');
    });

    test('is moved to another machine under a live session, which runs out', async () => {
      const { id, license_key } = await issued({ ...ONE_SEAT, allowed_hardware: ['old'] });
      const { body } = await acquire(license_key, 'old');
      const changed = await change(id, { allowed_hardware: ['new'] });
      expect(changed.body.allowed_hardware).toEqual([service.ports.hasher.hash('hardware', 'new')]);
      expect(refusal(await heartbeat(body.session_id))).toEqual([403, 'hardware_not_allowed']);
      expect(refusal(await acquire(license_key, 'new'))).toEqual([409, 'seats_exhausted']);
      service.advance(360 + service.settings.clockSkewSeconds + 1);
      expect((await acquire(license_key, 'new')).status).toBe(200);
    });

    test('is opened for all, and closed for all', async () => {
      const { id, license_key } = await issued({ ...ONE_SEAT, seats: 2, allowed_hardware: [] });
      expect(refusal(await acquire(license_key, 'any'))).toEqual([403, 'hardware_not_allowed']);
      expect((await change(id, { allowed_hardware: null })).body.allowed_hardware).toBeNull();
      expect((await acquire(license_key, 'any')).status).toBe(200);
      await change(id, { allowed_hardware: [] });
      expect(refusal(await acquire(license_key, 'other'))).toEqual([403, 'hardware_not_allowed']);
    });

    test.each([
      ['one text', 'mine', '/allowed_hardware'],
      ['an empty id', [''], '/allowed_hardware/0'],
      ['too long an id', ['x'.repeat(257)], '/allowed_hardware/0'],
      ['too many', Array.from({ length: 257 }, String), '/allowed_hardware'],
    ])('is not made of %s', async (_, allowed_hardware, pointer) => {
      const answer = await issue({ ...ONE_SEAT, allowed_hardware });
      expect(refusal(answer)).toEqual([422, 'invalid_request']);
      expect(answer.body.errors[0].pointer).toBe(pointer);
    });
  });

  test('a licence that is locked to an installation is valid there, and nowhere else', async () => {
    const of = async (domain: string) =>
      (await service.post('/api/v1/licenses/fingerprint', { db_uuid: 'db-1', domain })).body.fingerprint;
    const { token } = await issued({ instance_fingerprint: await of('erp.example') });
    const aegis = { module_name: 'sale_forecast', odoo_version: '17.0', instance_db_uuid: 'db-1' };
    const told = async (instance_domain: string) => validate(token, { ...aegis, instance_domain });
    expect(await told('erp.example')).toMatchObject({ valid: true });
    expect(await told('other.example')).toMatchObject({ valid: false, code: 'hardware_mismatch' });
    const keys = await service.verificationKeys();
    const offline = async (domain: string) => {
      const scope = { instanceFingerprint: await of(domain) };
      return verifyLicense(token, { keys, now: service.ports.clock.now(), scope });
    };
    expect(await offline('erp.example')).toMatchObject({ valid: true });
    expect(await offline('other.example')).toMatchObject({ valid: false, code: 'hardware_mismatch' });
  });

  test('a licence that is locked to a name and an address holds for these, however they are typed, and for no other', async () => {
    const { id } = await issued({ formats: ['dtlic2'], holder: HOLDER });
    const { body } = await operator('GET', of(id, '/documents'));
    const [{ document }] = body.documents;
    expect(await validate(document)).toMatchObject({ valid: true, customer_name: HOLDER.name });
    const keys = await service.verificationKeys();
    const verdict = async (scope: object) => {
      const result = await verifyLicense(document, { keys, now: service.ports.clock.now(), scope });
      return result.valid ? 'valid' : result.code;
    };
    expect(await verdict(HOLDER)).toBe('valid');
    expect(await verdict({ name: HOLDER.name.normalize('NFD'), email: ' ada@example.COM ' })).toBe('valid');
    expect(await verdict({ ...HOLDER, name: 'Ada' })).toBe('holder_mismatch');
    expect(await verdict({ ...HOLDER, email: 'ada@example.org' })).toBe('holder_mismatch');
  });
});
