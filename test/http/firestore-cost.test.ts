/**
 * What each operation costs on Firestore, counted on its far side: `docs/storage-schema.md` gives these numbers. And that
 * an acquire costs the same however many seats a licence has.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createInstanceMemory } from '../../infra/memory.ts';
import type { FirestoreStats } from '../support/firestore/stats.ts';
import { occupySeats } from '../support/occupy.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';

/** Enough for calls that are sent together to overlap. */
const LATENCY_MS = 10;

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ store: 'firestore' });
  // The first call opens the connection.
  await service.ports.store.get(['licenses/none']);
});
afterAll(() => service.stop());

const acquire = (licenseKey: string, hardwareId: string, headers = {}) =>
  service.post('/api/v1/licenses/acquire', { license_key: licenseKey, hardware_id: hardwareId }, headers);
const post = (operation: string, sessionId: string) =>
  service.post(`/api/v1/licenses/${operation}`, { session_id: sessionId });

interface Cost {
  readonly rounds: number;
  readonly rpcs: Readonly<Record<string, number>>;
  /** Documents read, written and deleted. */
  readonly documents: readonly [number, number, number];
}

async function costOf(call: () => Promise<Answer>, status = 200): Promise<Cost> {
  const { firestore } = service;
  firestore?.setLatency(LATENCY_MS);
  firestore?.resetStats();
  const answer = await call();
  const stats = firestore?.stats() as FirestoreStats;
  firestore?.setLatency(0);
  expect(answer.status).toBe(status);
  const { documentsRead, documentsWritten, documentsDeleted } = stats;
  return {
    rounds: stats.rounds,
    rpcs: stats.rpcs,
    documents: [documentsRead, documentsWritten, documentsDeleted],
  };
}

/** What an instance does that has just started. */
function forget(): void {
  const { licenses, sessions, freeSeats } = createInstanceMemory();
  Object.assign(service.ports.memory, { licenses, sessions, freeSeats });
}

const READ = { BatchGetDocuments: 1 };
const COMMIT = { Commit: 1 };
const COUNT = { RunAggregationQuery: 1 };

describe('an operation costs', () => {
  test('acquire: 2 round trips on an instance that does not know the licence, 1 on one that does', async () => {
    const key = await service.addLicense({ seats: 1000 });
    forget();
    expect(await costOf(() => acquire(key, 'cold'))).toEqual({
      rounds: 2,
      rpcs: { ...READ, ...COMMIT },
      documents: [2, 2, 0],
    });
    expect(await costOf(() => acquire(key, 'first'))).toEqual({
      rounds: 1,
      rpcs: { ...READ, ...COMMIT, ...COUNT },
      documents: [3, 2, 0],
    });
    for (let i = 0; i < 3; i++) {
      expect(await costOf(() => acquire(key, `warm-${i}`))).toEqual({
        rounds: 1,
        rpcs: { ...READ, ...COMMIT },
        documents: [2, 2, 0],
      });
    }
  });

  test('acquire of an unlimited licence: 1', async () => {
    const key = await service.addLicense({ seats: null });
    await acquire(key, 'one');
    const warm = { rounds: 1, rpcs: { ...READ, ...COMMIT }, documents: [2, 1, 0] };
    expect(await costOf(() => acquire(key, 'two'))).toEqual(warm);
  });

  test('acquire again: 1 where the session is remembered, 2 elsewhere', async () => {
    const key = await service.addLicense({ seats: 10 });
    await acquire(key, 'machine');
    const again = { rpcs: { ...READ, ...COMMIT }, documents: [2, 1, 0] };
    expect(await costOf(() => acquire(key, 'machine'))).toEqual({ rounds: 1, ...again });
    forget();
    expect(await costOf(() => acquire(key, 'machine'))).toEqual({ rounds: 2, ...again });
  });

  test('an Idempotency-Key: one write; repeated, a commit that is lost and a read', async () => {
    const key = await service.addLicense({ seats: 1000 });
    for (const machine of ['one', 'two']) await acquire(key, machine);
    const cost = await costOf(() => acquire(key, 'three', { 'idempotency-key': 'once' }));
    expect(cost).toEqual({ rounds: 1, rpcs: { ...READ, ...COMMIT }, documents: [2, 3, 0] });
    const replay = await costOf(() => acquire(key, 'three', { 'idempotency-key': 'once' }));
    expect(replay).toEqual({ rounds: 2, rpcs: { BatchGetDocuments: 2, Commit: 1 }, documents: [5, 0, 0] });
  });

  test('heartbeat: 1 where the session is remembered, 2 elsewhere', async () => {
    const key = await service.addLicense({ seats: 10 });
    const { body } = await acquire(key, 'machine');
    const rpcs = { ...READ, ...COMMIT };
    const beat = () => post('heartbeat', body.session_id);
    for (let i = 0; i < 3; i++) {
      expect(await costOf(beat)).toEqual({ rounds: 1, rpcs, documents: [1, 1, 0] });
    }
    forget();
    expect(await costOf(beat)).toEqual({ rounds: 2, rpcs, documents: [2, 1, 0] });
  });

  test('release: 1 where the session is remembered, 2 elsewhere', async () => {
    const key = await service.addLicense({ seats: 10 });
    const first = await acquire(key, 'machine');
    const release = (answer: Answer) => () => post('release', answer.body.session_id);
    expect(await costOf(release(first))).toEqual({ rounds: 1, rpcs: COMMIT, documents: [0, 1, 2] });
    const second = await acquire(key, 'machine');
    forget();
    const elsewhere = { rounds: 2, rpcs: { ...READ, ...COMMIT }, documents: [3, 1, 2] };
    expect(await costOf(release(second))).toEqual(elsewhere);
  });

  test('validate: 1 read', async () => {
    const key = await service.addLicense({ seats: 10 });
    const { body } = await acquire(key, 'machine');
    const validate = () => service.post('/api/v1/licenses/validate', { token: body.license_data });
    expect(await costOf(validate)).toEqual({ rounds: 1, rpcs: READ, documents: [2, 0, 0] });
  });
});

describe('an acquire costs the same for 10, 1,000 and 10,000 seats', () => {
  /** The calls of acquires by machines that come one after the other to an instance that has just started. */
  async function callsOf(seats: number, taken: readonly number[], machines: number): Promise<number[]> {
    const key = await service.addLicense({ seats });
    const licenseHash = service.ports.hasher.hash('license', key);
    await occupySeats(service.ports.store, licenseHash, taken, service.ports.clock.now() + 3_600_000);
    const calls: number[] = [];
    for (let i = 0; i < machines; i++) {
      forget();
      const { rpcs } = await costOf(() => acquire(key, `newcomer-${i}`));
      calls.push(Object.values(rpcs).reduce((sum, count) => sum + count, 0));
    }
    return calls;
  }

  test('empty: a read and a commit', async () => {
    for (const seats of [10, 1000, 10_000]) expect(await callsOf(seats, [], 1)).toEqual([2]);
  });

  test('99% full: at most a read and a commit that is lost, a read, a count, a window of seats and a commit', async () => {
    for (const seats of [10, 1000, 10_000]) {
      const free = Math.max(1, seats / 100);
      // Free seats far apart, so that most windows hold few of them. Hashes and so windows are the same in every run.
      const taken = Array.from({ length: seats }, (_, seat) => seat).filter(
        (seat) => seat % (seats / free) !== 0,
      );
      const calls = await callsOf(seats, taken, Math.min(free, 3));
      expect(Math.max(...calls)).toBeLessThanOrEqual(6);
    }
  });

  test('full: refused after a count and a look at the oldest leases', async () => {
    for (const seats of [10, 1000, 10_000]) {
      const key = await service.addLicense({ seats });
      const licenseHash = service.ports.hasher.hash('license', key);
      const taken = Array.from({ length: seats }, (_, seat) => seat);
      await occupySeats(service.ports.store, licenseHash, taken, service.ports.clock.now() + 3_600_000);
      forget();
      const { rpcs } = await costOf(() => acquire(key, 'newcomer'), 409);
      expect(rpcs).toEqual({ BatchGetDocuments: 2, Commit: 1, RunAggregationQuery: 1, RunQuery: 1 });
    }
  });
});
