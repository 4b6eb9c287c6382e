/** The sweep, on both stores. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DocumentStore } from '../../shared/ports/document-store.ts';
import { idempotencyPath, sessionPath } from '../../shared/records/paths.ts';
import { parseSessionId } from '../../shared/session-id.ts';
import { sweep } from '../../shared/usecases/sweep.ts';
import { openFailingStore } from '../support/failing-store.ts';
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

  describe('the sweep', () => {
    test('ends what is over, and not before the skew margin, with usage to the end of the lease', async () => {
      const key = await service.addLicense({ seats: 5 });
      const { body } = await acquire(key, 'machine');
      service.advance(LEASE_SECONDS + SKEW_SECONDS - 2);
      await acquire(key, 'another');
      await sweepNow();
      expect(await countSessions(key)).toBe(2);
      service.advance(3);
      expect((await sweepNow()).body).toMatchObject({ complete: true, damaged: 0, left: 0 });
      expect([await countSessions(key), await countSeats(key)]).toEqual([1, 1]);
      expect(await usageOf(key)).toMatchObject([
        { reason: 'expired', ended_at: Date.parse(body.lease_expires_at), customer_id: 'customer-1' },
      ]);
      expect((await heartbeat(body.session_id)).body.code).toBe('session_not_found');
    });

    test('goes through many pages, and two at once end each session once', async () => {
      const key = await service.addLicense({ seats: 500 });
      const seats = Array.from({ length: 450 }, (_, seat) => seat);
      await occupySeats(store, hashOf(key), seats, service.ports.clock.now() + 60_000);
      service.advance(60 + SKEW_SECONDS + 1);
      await acquire(key, 'a live one');
      const reports = (await Promise.all([sweepNow(), sweepNow(), sweepNow()])).map(({ body }) => body);
      expect(reports.reduce((sum, { sessions_ended }) => sum + sessions_ended, 0)).toBe(450);
      expect([await countSessions(key), await countSeats(key)]).toEqual([1, 1]);
      const usage = await usageOf(key);
      expect(usage).toHaveLength(450);
      expect(new Set(usage.map(({ seat }) => seat)).size).toBe(450);
    });

    test('leaves a session that a late heartbeat saved', async () => {
      const key = await service.addLicense();
      const { body } = await acquire(key, 'machine');
      service.advance(LEASE_SECONDS + SKEW_SECONDS + 1);
      expect((await heartbeat(body.session_id)).status).toBe(200);
      await sweepNow();
      expect(await countSessions(key)).toBe(1);
    });

    test.each([
      [{ status: 'suspended' }, 'suspended'],
      [{ status: 'revoked' }, 'revoked'],
      [{ expires_at: 1 }, 'license_expired'],
    ])('says what kept a lease from being extended: %o', async (change, reason) => {
      const key = await service.addLicense();
      await acquire(key, 'machine');
      await service.updateLicense(key, change);
      service.advance(LEASE_SECONDS + SKEW_SECONDS + 1);
      await sweepNow();
      expect(await usageOf(key)).toMatchObject([{ reason }]);
    });

    test('forgets idempotency keys that have expired, and no other', async () => {
      const hash = service.ports.hasher.hash('idempotency', 'old');
      const kept = service.ports.hasher.hash('idempotency', 'kept');
      const now = service.ports.clock.now();
      const record = (expiresAt: number) => ({ request_hash: 'x', answer: {}, expires_at: expiresAt });
      await store.commit([
        { op: 'set', path: idempotencyPath(hash), fields: record(now - SKEW_SECONDS * 1000 - 1) },
        { op: 'set', path: idempotencyPath(kept), fields: record(now + 1000) },
      ]);
      expect((await sweepNow()).body.idempotency_keys_forgotten).toBeGreaterThanOrEqual(1);
      const [old, young] = await store.get([idempotencyPath(hash), idempotencyPath(kept)]);
      expect([old, young?.fields.expires_at]).toEqual([undefined, now + 1000]);
    });

    test('passes over damaged records, counts them, and ends the others', async () => {
      const key = await service.addLicense({ seats: 3 });
      const lost = `licenses/${'e'.repeat(32)}/sessions/${'f'.repeat(32)}`;
      const { body } = await acquire(key, 'machine');
      const { license, hardware } = parseSessionId(body.session_id) ?? { license: '', hardware: '' };
      const [session] = await store.get([sessionPath(license, hardware)]);
      const over = { lease_expires_at: 1, shard: 0 };
      await store.commit([
        { op: 'set', path: lost, fields: { ...session?.fields, ...over } },
        { op: 'set', path: sessionPath(license, 'd'.repeat(32)), fields: { ...over, seat: 'no number' } },
      ]);
      const broken = `licenses/${'b'.repeat(32)}`;
      await store.commit([{ op: 'set', path: broken, fields: { seats_lowered_at: 1, seats: 'no number' } }]);
      service.advance(LEASE_SECONDS + SKEW_SECONDS + 1);
      expect((await sweepNow()).body).toMatchObject({ damaged: 3, complete: true });
      expect(await usageOf(key)).toHaveLength(1);
      await store.commit([
        { op: 'delete', path: lost },
        { op: 'delete', path: broken },
        { op: 'delete', path: sessionPath(license, 'd'.repeat(32)) },
      ]);
    });

    test('whose commits are interrupted leaves sessions to the next one, which ends them once', async () => {
      const key = await service.addLicense({ seats: 20 });
      for (let i = 0; i < 6; i++) await acquire(key, `machine-${i}`);
      service.advance(LEASE_SECONDS + SKEW_SECONDS + 1);
      const failing = openFailingStore(store, { interruptEvery: 2 });
      const first = await sweep({ ...service.ports, store: failing }, service.settings);
      expect(first.left).toBeGreaterThan(0);
      await sweepNow();
      expect([await countSessions(key), await countSeats(key)]).toEqual([0, 0]);
      expect(await usageOf(key)).toHaveLength(6);
    });

    test('stops when its time is up, says so, and the next one goes on', async () => {
      const key = await service.addLicense({ seats: 300 });
      const seats = Array.from({ length: 250 }, (_, seat) => seat);
      await occupySeats(store, hashOf(key), seats, service.ports.clock.now() + 1000);
      service.advance(SKEW_SECONDS + 2);
      // Each question of the time takes ten seconds.
      let elapsed = 0;
      const clock = { ...service.ports.clock, now: () => service.ports.clock.now() + 10_000 * elapsed++ };
      const report = await sweep({ ...service.ports, clock }, service.settings);
      expect(report.complete).toBe(false);
      expect(report.sessions_ended).toBeLessThan(250);
      await sweepNow();
      expect(await countSessions(key)).toBe(0);
    });
  });
});
