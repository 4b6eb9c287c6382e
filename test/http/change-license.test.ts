/** What operators do to a licence, on both stores. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DocumentStore } from '../../shared/ports/document-store.ts';
import { licensePath, seatPath, sessionPath } from '../../shared/records/paths.ts';
import { parseSessionId } from '../../shared/session-id.ts';
import {
  changeSeats,
  reinstateLicense,
  revokeLicense,
  suspendLicense,
} from '../../shared/usecases/change-license.ts';
import { callsOn } from '../support/license-calls.ts';
import { occupySeats } from '../support/occupy.ts';
import { startTestService, type TestService } from '../support/service.ts';

const LEASE_SECONDS = 360;
const SKEW_SECONDS = 10;

describe.each(['sqlite', 'firestore'] as const)('on %s', (kind) => {
  let service: TestService;
  let store: DocumentStore;

  beforeAll(async () => {
    service = await startTestService({ store: kind, clockSkewSeconds: SKEW_SECONDS });
    store = service.ports.store;
  });
  afterAll(() => service.stop());

  const calls = callsOn(() => service);
  const { acquire, heartbeat, sweep: sweepNow, hashOf, countSeats, countSessions, usageOf } = calls;

  describe('suspend and reinstate', () => {
    test('nothing is granted or extended while suspended, and a lease in force keeps its seat', async () => {
      const key = await service.addLicense({ seats: 1 });
      const { body } = await acquire(key, 'machine');
      await suspendLicense(service.ports, hashOf(key));
      expect((await heartbeat(body.session_id)).body.code).toBe('license_suspended');
      expect((await acquire(key, 'another')).body.code).toBe('license_suspended');
      await suspendLicense(service.ports, hashOf(key));

      await reinstateLicense(service.ports, hashOf(key));
      expect((await acquire(key, 'another')).body.code).toBe('seats_exhausted');
      expect((await heartbeat(body.session_id)).status).toBe(200);
    });

    test('a suspension that lasts longer than the leases ends the sessions', async () => {
      const key = await service.addLicense({ seats: 1 });
      const { body } = await acquire(key, 'machine');
      await suspendLicense(service.ports, hashOf(key));
      service.advance(LEASE_SECONDS + SKEW_SECONDS + 1);
      await sweepNow();
      await reinstateLicense(service.ports, hashOf(key));
      expect((await heartbeat(body.session_id)).body.code).toBe('session_not_found');
      expect((await acquire(key, 'another')).status).toBe(200);
      expect(await usageOf(key)).toMatchObject([{ reason: 'suspended' }]);
    });

    test('of an unknown licence: license_not_found', async () => {
      const unknown = suspendLicense(service.ports, 'f'.repeat(32));
      await expect(unknown).rejects.toMatchObject({ code: 'license_not_found' });
    });
  });

  describe('revoke', () => {
    test('ends all sessions at once, borrowed ones too, and for good', async () => {
      const key = await service.addLicense({ seats: 200, policy: { borrow_max_seconds: 86_400 } });
      const seats = Array.from({ length: 150 }, (_, seat) => seat + 40);
      await occupySeats(store, hashOf(key), seats, service.ports.clock.now() + 60_000);
      const { body } = await acquire(key, 'machine');
      await service.post('/api/v1/licenses/borrow', {
        license_key: key,
        hardware_id: 'traveller',
        borrow_seconds: 3600,
      });
      service.advance(5);
      await revokeLicense(service.ports, hashOf(key));
      expect([await countSessions(key), await countSeats(key)]).toEqual([0, 0]);
      const usage = await usageOf(key);
      expect(usage).toHaveLength(152);
      expect(new Set(usage.map(({ reason }) => reason))).toEqual(new Set(['revoked']));
      expect((await heartbeat(body.session_id)).body.code).toBe('license_revoked');
      expect((await acquire(key, 'machine')).body.code).toBe('license_revoked');
      await revokeLicense(service.ports, hashOf(key));
      const reinstated = reinstateLicense(service.ports, hashOf(key));
      await expect(reinstated).rejects.toMatchObject({ code: 'license_revoked' });
    });

    test('ends all other sessions when one record is damaged, and says so', async () => {
      const key = await service.addLicense({ seats: 300 });
      const seats = Array.from({ length: 230 }, (_, seat) => seat);
      await occupySeats(store, hashOf(key), seats, service.ports.clock.now() + 60_000);
      const damaged = sessionPath(hashOf(key), '0'.repeat(32));
      await store.commit([{ op: 'set', path: damaged, fields: { seat: 'no number' } }]);
      const revoked = revokeLicense(service.ports, hashOf(key));
      await expect(revoked).rejects.toMatchObject({ code: 'store_unavailable' });
      expect([await countSessions(key), await countSeats(key)]).toEqual([1, 0]);
    });

    test('ends sessions whose machines heartbeat all the time', async () => {
      const key = await service.addLicense({ seats: 10 });
      const sessions = await Promise.all(
        Array.from({ length: 10 }, async (_, i) => (await acquire(key, `machine-${i}`)).body.session_id),
      );
      let isOver = false;
      const beats = sessions.map(async (id) => {
        while (!isOver) await heartbeat(id);
      });
      await revokeLicense(service.ports, hashOf(key));
      isOver = true;
      await Promise.all(beats);
      expect(await countSessions(key)).toBe(0);
      expect(await usageOf(key)).toHaveLength(10);
    });

    test('on an instance that remembers the licence as active: refused, and nothing is left', async () => {
      const key = await service.addLicense({ seats: 10 });
      await acquire(key, 'first');
      const known = service.ports.memory.licenses.get(hashOf(key));
      await revokeLicense(service.ports, hashOf(key));
      if (known !== undefined) service.ports.memory.licenses.set(hashOf(key), known);
      const { body } = await acquire(key, 'second');
      expect(body.code).toBe('license_revoked');
      expect([await countSessions(key), await countSeats(key)]).toEqual([0, 0]);
      expect((await usageOf(key)).map(({ reason }) => reason).sort()).toEqual(['revoked', 'withdrawn']);
    });
  });

  describe('the number of seats', () => {
    const seatOf = async (sessionId: string) => {
      const { license, hardware } = parseSessionId(sessionId) ?? { license: '', hardware: '' };
      return (await store.get([sessionPath(license, hardware)]))[0]?.fields.seat;
    };
    const set = (key: string, seats: number | null) =>
      changeSeats(service.ports, service.settings, hashOf(key), seats);

    test('raised: more machines at once', async () => {
      const key = await service.addLicense({ seats: 1 });
      await acquire(key, 'one');
      expect((await acquire(key, 'two')).body.code).toBe('seats_exhausted');
      await set(key, 2);
      expect((await acquire(key, 'two')).status).toBe(200);
      await set(key, null);
      for (const machine of ['three', 'four']) expect((await acquire(key, machine)).status).toBe(200);
    });

    test('lowered with room: sessions beyond move at once, and go on', async () => {
      const key = await service.addLicense({ seats: 100 });
      const ids: string[] = [];
      for (let i = 0; i < 5; i++) ids.push((await acquire(key, `machine-${i}`)).body.session_id);
      await set(key, 5);
      const seats = await Promise.all(ids.map(seatOf));
      expect(seats.sort()).toEqual([0, 1, 2, 3, 4]);
      for (const id of ids) expect((await heartbeat(id)).status).toBe(200);
      expect(await countSeats(key)).toBe(5);
      expect((await acquire(key, 'one too many')).body.code).toBe('seats_exhausted');
    });

    test('lowered below what is live: leases in force are honoured, none is extended beyond, no grant', async () => {
      const key = await service.addLicense({ seats: 6 });
      const ids: string[] = [];
      for (let i = 0; i < 6; i++) ids.push((await acquire(key, `machine-${i}`)).body.session_id);
      await set(key, 2);
      expect(await countSessions(key)).toBe(6);
      const beats = await Promise.all(ids.map(heartbeat));
      expect(beats.filter(({ status }) => status === 200)).toHaveLength(2);
      const refused = ids.filter((_, i) => beats[i]?.body.code === 'seats_exhausted');
      expect(refused).toHaveLength(4);

      // A seat within the number is freed: it is not granted while others hold seats beyond it …
      const kept = ids.find((id) => !refused.includes(id)) ?? '';
      await service.post('/api/v1/licenses/release', { session_id: kept });
      expect((await acquire(key, 'newcomer')).body).toMatchObject({ code: 'seats_exhausted', seats: 2 });
      // … one of those moves to it with its next heartbeat …
      expect((await heartbeat(refused[0] ?? '')).status).toBe(200);
      expect((await heartbeat(refused[1] ?? '')).body.code).toBe('seats_exhausted');
      // … and when the other leases have run out, everything is as ever.
      service.advance(LEASE_SECONDS + SKEW_SECONDS + 1);
      await sweepNow();
      expect(await countSeats(key)).toBe(0);
      const [license] = await store.get([licensePath(hashOf(key))]);
      expect(license?.fields.seats_lowered_at).toBeNull();
      expect((await acquire(key, 'newcomer')).status).toBe(200);
    });

    test('lowered: a machine that acquires again moves, or is refused', async () => {
      const key = await service.addLicense({ seats: 2 });
      const first = await acquire(key, 'one');
      const second = await acquire(key, 'two');
      // Sessions of the last moments before a lowering are as good as new: their instance may not have heard of it.
      service.advance(SKEW_SECONDS + 1);
      await set(key, 1);
      const [inside, beyond] = (await seatOf(first.body.session_id)) === 0 ? ['one', 'two'] : ['two', 'one'];
      expect((await acquire(key, inside)).status).toBe(200);
      expect((await acquire(key, beyond)).body.code).toBe('seats_exhausted');
      const inner = inside === 'one' ? first : second;
      await service.post('/api/v1/licenses/release', { session_id: inner.body.session_id });
      const moved = await acquire(key, beyond);
      expect(moved.status).toBe(200);
      expect(await seatOf(moved.body.session_id)).toBe(0);
    });

    test('from unlimited to a number: sessions without a seat get one, while there are any', async () => {
      const key = await service.addLicense({ seats: null });
      const ids: string[] = [];
      for (let i = 0; i < 4; i++) ids.push((await acquire(key, `machine-${i}`)).body.session_id);
      await set(key, 3);
      const seats = await Promise.all(ids.map(seatOf));
      expect(seats.filter((seat) => seat !== null).sort()).toEqual([0, 1, 2]);
      expect(seats.filter((seat) => seat === null)).toHaveLength(1);
      const beats = await Promise.all(ids.map(heartbeat));
      expect(beats.map(({ status }) => status).sort()).toEqual([200, 200, 200, 409]);
      expect((await acquire(key, 'newcomer')).body.code).toBe('seats_exhausted');
    });

    test('on an instance that remembers the higher number: no grant beyond the new one', async () => {
      const key = await service.addLicense({ seats: 50 });
      await acquire(key, 'one');
      const known = service.ports.memory.licenses.get(hashOf(key));
      await set(key, 1);
      if (known !== undefined) service.ports.memory.licenses.set(hashOf(key), known);
      expect((await acquire(key, 'two')).body.code).toBe('seats_exhausted');
      expect(await countSessions(key)).toBe(1);
      expect((await store.get([seatPath(hashOf(key), 0)]))[0]).toBeDefined();
    });
  });
});
