/** The service on Firestore: what it costs in calls, and that it holds under many machines and under faults. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { seatsPath, sessionsPath } from '../../shared/records/paths.ts';
import { parseSessionId } from '../../shared/session-id.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ store: 'firestore' });
});
afterEach(() => {
  service.firestore?.setFault(null);
  service.firestore?.setLatency(0);
});
afterAll(() => service.stop());

const acquire = (licenseKey: string, hardwareId: string) =>
  service.post('/api/v1/licenses/acquire', { license_key: licenseKey, hardware_id: hardwareId });

test('500 machines at once on 100 seats, 10 ms away: exactly 100 leases', async () => {
  service.firestore?.setLatency(10);
  const key = await service.addLicense({ seats: 100 });
  const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => acquire(key, `machine-${i}`)));
  const codes = answers.map(({ status, body }) => (status === 200 ? 'granted' : body.code));
  expect(codes.filter((code) => code === 'granted')).toHaveLength(100);
  expect(codes.filter((code) => code === 'seats_exhausted')).toHaveLength(400);
  const granted = answers.filter(({ status }) => status === 200).map(({ body }) => body.session_id);
  const { license } = parseSessionId(granted[0]) ?? { license: '' };
  const { store } = service.ports;
  const sessions = await store.query({ collection: sessionsPath(license) });
  expect(new Set(sessions.map(({ fields }) => fields.seat)).size).toBe(100);
  expect(sessions.map(({ fields }) => fields.generation).sort()).toEqual(
    granted.map((id) => parseSessionId(id)?.generation).sort(),
  );
  expect((await store.aggregate({ collection: seatsPath(license) })).count).toBe(100);
});

describe('a commit that goes wrong once', () => {
  const faults = [
    { kind: 'aborted' },
    { kind: 'resource_exhausted' },
    { kind: 'unavailable_before' },
    { kind: 'unavailable_after' },
    { kind: 'deadline_exceeded_before', delayMs: 50 },
    { kind: 'deadline_exceeded_after', delayMs: 50 },
    { kind: 'duplicate' },
  ] as const;
  const strike = (fault: (typeof faults)[number]) =>
    service.firestore?.setFault(fault, { times: 1, method: 'Commit' });

  test.each(faults)('$kind: acquire, heartbeat and release succeed, once', async (fault) => {
    const key = await service.addLicense({ seats: 3 });
    const license = service.ports.hasher.hash('license', key);
    const { store } = service.ports;
    for (const machine of ['first', 'on a warm instance']) {
      strike(fault);
      const { status, body } = await acquire(key, machine);
      expect(status).toBe(200);
      const stored = await store.query({ collection: sessionsPath(license) });
      expect(stored.map(({ fields }) => fields.generation)).toEqual([
        parseSessionId(body.session_id)?.generation,
      ]);
      expect((await store.aggregate({ collection: seatsPath(license) })).count).toBe(1);

      service.advance(60);
      strike(fault);
      const beat = await service.post('/api/v1/licenses/heartbeat', { session_id: body.session_id });
      expect(beat.status).toBe(200);
      expect(Date.parse(beat.body.lease_expires_at)).toBeGreaterThan(Date.parse(body.lease_expires_at));

      strike(fault);
      const release = await service.post('/api/v1/licenses/release', { session_id: body.session_id });
      expect(release.status).toBe(200);
      expect(await store.query({ collection: sessionsPath(license) })).toEqual([]);
      expect((await store.aggregate({ collection: seatsPath(license) })).count).toBe(0);
      const { generation } = parseSessionId(body.session_id) ?? {};
      const usage = await store.query({ collection: 'usage' });
      expect(usage.filter(({ path }) => path.endsWith(`_${generation}`))).toMatchObject([
        { fields: { reason: 'released', ended_at: Date.parse(release.body.released_at) } },
      ]);
    }
  });

  test.each(faults)(
    '$kind, with an Idempotency-Key: one session, and the same answer again',
    async (fault) => {
      const key = await service.addLicense({ seats: 3 });
      const headers = { 'idempotency-key': fault.kind };
      const request = { license_key: key, hardware_id: 'machine' };
      strike(fault);
      const first = await service.post('/api/v1/licenses/acquire', request, headers);
      expect(first.status).toBe(200);
      expect((await service.post('/api/v1/licenses/acquire', request, headers)).body).toEqual(first.body);
    },
  );
});

describe('a store that stays away', () => {
  test.each(['unavailable_before', 'unavailable_after', 'permission_denied', 'aborted'] as const)(
    '%s: 503 with Retry-After and no word of the store, and the retry finds one session',
    async (kind) => {
      const key = await service.addLicense({ seats: 3 });
      const license = service.ports.hasher.hash('license', key);
      service.firestore?.setFault({ kind }, { method: 'Commit' });
      const { status, headers, body } = await acquire(key, 'machine');
      expect([status, body.code]).toEqual([503, 'store_unavailable']);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(JSON.stringify(body)).not.toMatch(/countersign-test|documents|projects|contention/i);
      service.firestore?.setFault(null);
      expect((await acquire(key, 'machine')).status).toBe(200);
      const { store } = service.ports;
      expect(await store.query({ collection: sessionsPath(license) })).toHaveLength(1);
      expect((await store.aggregate({ collection: seatsPath(license) })).count).toBe(1);
    },
  );

  test.each(['unavailable_before', 'deadline_exceeded_before'] as const)(
    'reads, %s: 503 for every operation, and nothing changes',
    async (kind) => {
      const key = await service.addLicense({ seats: 3 });
      const { body } = await acquire(key, 'machine');
      const before = service.dumpStore();
      service.firestore?.setFault({ kind, delayMs: 20 }, { method: 'BatchGetDocuments' });
      const validate = { token: body.license_data };
      const unknown = { session_id: body.session_id.replace(/.{32}$/, '0'.repeat(32)) };
      for (const [operation, request] of [
        ['validate', validate],
        ['release', unknown],
        ['heartbeat', unknown],
      ] as const) {
        const answer = await service.post(`/api/v1/licenses/${operation}`, request);
        expect([answer.status, answer.body.code]).toEqual([503, 'store_unavailable']);
      }
      expect(service.dumpStore()).toBe(before);
    },
  );
});
