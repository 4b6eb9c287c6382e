/** What machines get before and after the end of their licence, by its strategy, on both stores. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ExpiryStrategy } from '../../shared/expiry-strategies.ts';
import { revokeLicense, suspendLicense } from '../../shared/usecases/change-license.ts';
import type { NewLicense } from '../../shared/usecases/create-license.ts';
import { openFailingStore } from '../support/failing-store.ts';
import { callsOn } from '../support/license-calls.ts';
import { freshKey, refusal } from '../support/license-desk.ts';
import { type Instance, serveBeside } from '../support/serve-beside.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';

const LEASE_SECONDS = 360;
const SKEW_SECONDS = 10;
/** The licences of these tests end so long after they were made. */
const TERM_SECONDS = 120;
const EXPIRED = [403, 'license_expired'];

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let cold: Instance;
  let failing: Instance;
  const { acquire, heartbeat, sweep, hashOf, countSeats, countSessions, usageOf } = callsOn(() => service);

  beforeAll(async () => {
    service = await startTestService({ store, clockSkewSeconds: SKEW_SECONDS, deadlineMs: 10_000 });
    cold = await serveBeside(service);
    const interrupted = openFailingStore(service.ports.store, { interruptEvery: 2 });
    failing = await serveBeside(service, { ports: { store: interrupted } });
  });
  afterEach(() => service.kms.setFault(null));
  afterAll(async () => {
    await Promise.all([cold.stop(), failing.stop()]);
    await service.stop();
  });

  const post = async ({ baseUrl }: { baseUrl: string }, path: string, body: object, headers = {}) => {
    const response = await fetch(new URL(path, baseUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return { status: response.status, headers: response.headers, body: await response.json() } as Answer;
  };

  /** A licence that ends in two minutes. */
  const ending = (expiryStrategy: ExpiryStrategy, more: Partial<NewLicense> = {}) =>
    service.addLicense({
      seats: 5,
      expiresAt: service.ports.clock.now() + TERM_SECONDS * 1000,
      expiryStrategy,
      ...more,
      policy: { borrow_max_seconds: 86_400, ...more.policy },
    });
  const passTheEnd = () => service.advance(TERM_SECONDS + 1);
  const lapse = () => service.advance(LEASE_SECONDS + 1);
  const endOf = ({ body }: Answer) => Date.parse(body.lease_expires_at);
  const borrow = (license_key: string, hardware_id: string, borrow_seconds = 3600) =>
    service.post('/api/v1/licenses/borrow', { license_key, hardware_id, borrow_seconds });
  const validate = async (document: unknown) =>
    (await service.post('/api/v1/licenses/validate', { token: document })).body;
  const inline = ({ body }: Answer) => body.license_data;

  describe('restrict', () => {
    test('is what a licence does about which nothing was said', async () => {
      const key = await service.addLicense({ expiresAt: service.ports.clock.now() + 60_000 });
      const [record] = await service.ports.store.get([`licenses/${hashOf(key)}`]);
      expect(record?.fields.expiry_strategy).toBe('restrict');
    });

    test('a record of before there was a choice ends everything at the end, sessions and documents too', async () => {
      const key = await ending('allow');
      const [snapshot] = await service.ports.store.get([`licenses/${hashOf(key)}`]);
      const { expiry_strategy: _, ...old } = snapshot?.fields ?? {};
      await service.ports.store.commit([{ op: 'set', path: `licenses/${hashOf(key)}`, fields: old }]);
      const held = await acquire(key, 'machine');
      const end = Date.parse(inline(held).license_expires_at);
      expect([endOf(held), Date.parse(inline(held).expires_at)]).toEqual([end, end]);
      passTheEnd();
      expect(refusal(await heartbeat(held.body.session_id))).toEqual(EXPIRED);
      expect(refusal(await acquire(key, 'machine'))).toEqual(EXPIRED);
      expect(refusal(await acquire(key, 'another'))).toEqual(EXPIRED);
      expect(refusal(await borrow(key, 'machine'))).toEqual(EXPIRED);
      expect(await validate(inline(held))).toMatchObject({ valid: false, code: 'document_expired' });
      service.advance(SKEW_SECONDS);
      await sweep();
      expect(await usageOf(key)).toMatchObject([{ reason: 'license_expired', ended_at: end }]);
    });
  });

  describe('maintain', () => {
    test('who holds a session goes on: heartbeats, documents, the same session for the same machine', async () => {
      const key = await ending('maintain');
      const held = await acquire(key, 'machine');
      const { session_id } = held.body;
      expect(endOf(held)).toBeGreaterThan(service.ports.clock.now() + (LEASE_SECONDS - 10) * 1000);
      passTheEnd();
      const beat = await heartbeat(session_id);
      expect([beat.status, endOf(beat) > endOf(held)]).toEqual([200, true]);

      const wanted = { session_id, license_key: key, hardware_id: 'machine', document: true };
      const fresh = await post(cold, '/api/v1/licenses/heartbeat', wanted);
      const again = await acquire(key, 'machine');
      expect(again.body.session_id).toBe(session_id);
      for (const answer of [fresh, again]) {
        const document = inline(answer);
        expect(Date.parse(document.license_expires_at)).toBeLessThan(service.ports.clock.now());
        // Its lease and no grace: the session is all that the machine has left.
        expect(document.expires_at).toBe(document.lease_expires_at);
        expect((await service.verify(JSON.stringify(document))).valid).toBe(true);
        expect(await validate(document)).toMatchObject({ valid: true, session_id });
      }
      expect(await countSessions(key)).toBe(1);
    });

    test('nothing new is granted: no other machine, no loan, nothing after a release', async () => {
      const key = await ending('maintain');
      const { session_id } = (await acquire(key, 'machine')).body;
      passTheEnd();
      for (const instance of [service, cold]) {
        const acquiring = { license_key: key, hardware_id: 'another' };
        expect(refusal(await post(instance, '/api/v1/licenses/acquire', acquiring))).toEqual(EXPIRED);
      }
      expect(refusal(await borrow(key, 'another'))).toEqual(EXPIRED);
      expect(refusal(await borrow(key, 'machine'))).toEqual(EXPIRED);
      expect((await service.post('/api/v1/licenses/release', { session_id })).status).toBe(200);
      expect(refusal(await acquire(key, 'machine'))).toEqual(EXPIRED);
      expect([await countSessions(key), await countSeats(key)]).toEqual([0, 0]);
    });

    test('a lease that has ended is over, also for its own machine, and the sweep takes it away', async () => {
      const key = await ending('maintain');
      const held = await acquire(key, 'machine');
      passTheEnd();
      const told = endOf(await heartbeat(held.body.session_id));
      lapse();
      expect(refusal(await heartbeat(held.body.session_id))).toEqual(EXPIRED);
      expect(refusal(await post(cold, '/api/v1/licenses/heartbeat', held.body))).toEqual(EXPIRED);
      expect(refusal(await acquire(key, 'machine'))).toEqual(EXPIRED);
      service.advance(SKEW_SECONDS);
      await sweep();
      expect(await usageOf(key)).toMatchObject([{ reason: 'expired', ended_at: told }]);
    });

    test('a loan ends with the licence, and its machine goes on only by heartbeats that come in time', async () => {
      const key = await ending('maintain');
      const [sleeper, awake] = [await borrow(key, 'sleeper'), await borrow(key, 'awake')];
      const end = Date.parse(inline(awake).license_expires_at);
      expect([endOf(sleeper), endOf(awake)]).toEqual([end, end]);
      service.advance(TERM_SECONDS - 20);
      expect(endOf(await heartbeat(awake.body.session_id))).toBeGreaterThan(end);
      service.advance(40);
      expect((await heartbeat(awake.body.session_id)).status).toBe(200);
      expect(refusal(await heartbeat(sleeper.body.session_id))).toEqual(EXPIRED);
    });

    test('a request that is repeated under its Idempotency-Key gets its answer while the session lives', async () => {
      const key = await ending('maintain');
      const body = { license_key: key, hardware_id: 'machine' };
      const once = freshKey();
      const first = await service.post('/api/v1/licenses/acquire', body, once);
      passTheEnd();
      const repeated = await post(cold, '/api/v1/licenses/acquire', body, once);
      expect(repeated.headers.get('idempotent-replayed')).toBe('true');
      expect(repeated.body.session_id).toBe(first.body.session_id);
      lapse();
      expect(refusal(await post(cold, '/api/v1/licenses/acquire', body, once))).toEqual(EXPIRED);
    });

    test('many machines that ask at once after the end: the holders go on, and nobody else', async () => {
      const key = await ending('maintain', { seats: 10 });
      const held = await Promise.all([1, 2, 3].map((i) => acquire(key, `holder-${i}`)));
      passTheEnd();
      const names = Array.from({ length: 12 }, (_, i) => (i < 3 ? `holder-${i + 1}` : `stranger-${i}`));
      const answers = await Promise.all(
        names.map((hardware_id, i) =>
          post(i % 2 === 0 ? service : cold, '/api/v1/licenses/acquire', { license_key: key, hardware_id }),
        ),
      );
      const granted = answers.filter(({ status }) => status === 200).map(({ body }) => body.session_id);
      expect(granted).toEqual(held.map(({ body }) => body.session_id));
      expect(answers.slice(3).map(refusal)).toEqual(answers.slice(3).map(() => EXPIRED));
      expect(await countSessions(key)).toBe(3);
    });

    test('a store that does not confirm its commits ends no session and grants none', async () => {
      const key = await ending('maintain');
      const { session_id } = (await acquire(key, 'machine')).body;
      passTheEnd();
      for (let i = 0; i < 4; i++) {
        expect((await post(failing, '/api/v1/licenses/heartbeat', { session_id })).status).toBe(200);
        const own = { license_key: key, hardware_id: 'machine' };
        expect((await post(failing, '/api/v1/licenses/acquire', own)).body.session_id).toBe(session_id);
        const other = { license_key: key, hardware_id: `other-${i}` };
        expect(refusal(await post(failing, '/api/v1/licenses/acquire', other))).toEqual(EXPIRED);
      }
      expect([await countSessions(key), await countSeats(key)]).toEqual([1, 1]);
    });

    test('a KMS that is down costs the document and not the session', async () => {
      const key = await ending('maintain');
      const held = await acquire(key, 'machine');
      const { session_id } = held.body;
      passTheEnd();
      await service.kms.setFault({ kind: 'unavailable' });
      const wanted = { session_id, license_key: key, hardware_id: 'machine', document: true };
      expect(refusal(await service.post('/api/v1/licenses/heartbeat', wanted))).toEqual([
        503,
        'signing_unavailable',
      ]);
      expect(refusal(await acquire(key, 'machine'))).toEqual([503, 'signing_unavailable']);
      await service.kms.setFault(null);
      const again = await acquire(key, 'machine');
      expect([again.body.session_id, endOf(again) > endOf(held)]).toEqual([session_id, true]);
    });
  });

  describe('allow', () => {
    test('the end is a date: sessions, loans and documents go on as if there were none', async () => {
      const key = await ending('allow', { policy: { offline_grace_seconds: 1000 } });
      passTheEnd();
      const now = service.ports.clock.now();
      const fresh = await acquire(key, 'machine');
      const loan = await borrow(key, 'traveller', 7200);
      expect(endOf(fresh)).toBeGreaterThanOrEqual(now + LEASE_SECONDS * 1000);
      expect(endOf(loan)).toBeGreaterThanOrEqual(now + 7_200_000);
      const grace = Date.parse(inline(fresh).expires_at) - endOf(fresh);
      expect(grace).toBe(1_000_000);
      for (const answer of [fresh, loan]) {
        const document = inline(answer);
        expect(Date.parse(document.license_expires_at)).toBeLessThan(now);
        expect((await service.verify(JSON.stringify(document))).valid).toBe(true);
        expect(await validate(document)).toMatchObject({ valid: true, session_id: answer.body.session_id });
      }
      expect((await heartbeat(fresh.body.session_id)).status).toBe(200);
      lapse();
      expect((await heartbeat(fresh.body.session_id)).status).toBe(200);
      const jws = { license_key: key, hardware_id: 'machine', format: 'jws' };
      const { body } = await service.post('/api/v1/licenses/acquire', jws);
      expect((await service.verify(body.token)).valid).toBe(true);
    });

    test('its seats are no more than before', async () => {
      const key = await ending('allow', { seats: 1 });
      passTheEnd();
      await acquire(key, 'machine');
      expect(refusal(await acquire(key, 'another'))).toEqual([409, 'seats_exhausted']);
    });
  });

  describe.each(['maintain', 'allow'] as const)('%s', (strategy) => {
    test('a suspension and a revocation go before', async () => {
      const key = await ending(strategy);
      const held = await acquire(key, 'machine');
      passTheEnd();
      await suspendLicense(service.ports, hashOf(key));
      expect((await heartbeat(held.body.session_id)).body.code).toBe('license_suspended');
      expect((await acquire(key, 'machine')).body.code).toBe('license_suspended');
      expect(await validate(inline(held))).toMatchObject({ valid: false, code: 'license_suspended' });
      await revokeLicense(service.ports, hashOf(key));
      expect((await heartbeat(held.body.session_id)).body.code).toBe('license_revoked');
      expect((await acquire(key, 'machine')).body.code).toBe('license_revoked');
      expect(await countSessions(key)).toBe(0);
    });
  });
});

describe('with SIGNING_FAILURE_POLICY=unsigned, while the KMS is down', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService({ signingFailurePolicy: 'unsigned', deadlineMs: 300 });
  });
  afterAll(() => service.stop());

  test.each([
    ['restrict', 403, 403],
    ['maintain', 200, 403],
    ['allow', 200, 200],
  ] as const)('%s after the end: %d for the holder, %d for a new machine', async (strategy, own, other) => {
    await service.kms.setFault(null);
    const expiresAt = service.ports.clock.now() + 60_000;
    const license_key = await service.addLicense({ seats: 5, expiresAt, expiryStrategy: strategy });
    const acquire = (hardware_id: string) =>
      service.post('/api/v1/licenses/acquire', { license_key, hardware_id });
    await acquire('holder');
    service.advance(61);
    await service.kms.setFault({ kind: 'unavailable' });
    for (const [machine, status] of [
      ['holder', own],
      ['newcomer', other],
    ] as const) {
      const answer = await acquire(machine);
      expect([machine, answer.status]).toEqual([machine, status]);
      if (status === 200) expect(answer.body.license_data.signature).toBeNull();
      else expect(answer.body.code).toBe('license_expired');
    }
  });
});
