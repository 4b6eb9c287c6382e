/**
 * What each operation costs on Firestore: round trips and calls as its far side counts them, and latency as a ratio to
 * one round trip, measured in the same run. Firestore is played by the test server in a process of its own, which
 * answers every call after `LATENCY_MS`.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { createHasher } from '../../infra/hasher.ts';
import { openFirestoreStore } from '../../infra/stores/firestore.ts';
import indexes from '../../infra/stores/indexes.json' with { type: 'json' };
import { type Client, createClient } from '../../shared/client/client.ts';
import { generateLicenseKey } from '../../shared/license-key.ts';
import type { DocumentStore } from '../../shared/ports/document-store.ts';
import { createLicense } from '../../shared/usecases/create-license.ts';
import { type SpawnedFirestoreServer, spawnFirestoreServer } from '../../test/support/firestore/process.ts';
import { occupySeats } from '../../test/support/occupy.ts';
import { type FunctionProcess, startFunction } from './function-process.ts';
import { type Installation, PEPPER } from './installation.ts';
import { median } from './statistics.ts';

const LATENCY_MS = 10;
const PROJECT = 'countersign-bench';

/** One operation, measured several times. */
export interface OperationCost {
  readonly name: string;
  readonly rounds: readonly number[];
  readonly calls: readonly number[];
  /** Documents read, and written or deleted, a run. */
  readonly reads: number;
  readonly writes: number;
  readonly latenciesMs: readonly number[];
  /** One read of one document, right before each run. */
  readonly roundTripsMs: readonly number[];
}

/** Many machines at once against one alone. */
export interface Crowd {
  readonly machines: number;
  readonly seats: number;
  readonly latencyMs: number;
  readonly oneMs: number;
  readonly medianMs: number;
  readonly allMs: number;
  readonly callsEach: number;
}

export interface FirestoreCosts {
  readonly latencyMs: number;
  readonly operations: readonly OperationCost[];
  readonly crowds: readonly Crowd[];
}

/** Two instances of the function on one store. */
interface Setting {
  readonly server: SpawnedFirestoreServer;
  readonly store: DocumentStore;
  readonly here: Client;
  readonly elsewhere: Client;
}

export async function measureFirestore(
  installation: Installation,
  plan: { readonly runs: number; readonly machines: number },
): Promise<FirestoreCosts> {
  const server = await spawnFirestoreServer({ indexes, latencyMs: LATENCY_MS });
  const store = openFirestoreStore({ project: PROJECT, database: '(default)', endpoint: server.host });
  const instances = await Promise.all([1, 2].map(() => startInstance(installation, server)));
  try {
    const [here, elsewhere] = instances.map(({ url }) => createClient({ baseUrl: url }));
    const setting = { server, store, here, elsewhere } as Setting;
    await warmUp(setting);
    return {
      latencyMs: LATENCY_MS,
      operations: await measureOperations(setting, plan.runs),
      crowds: [
        await measureCrowd(setting, plan.machines, LATENCY_MS),
        await measureCrowd(setting, plan.machines, 10 * LATENCY_MS),
      ],
    };
  } finally {
    await Promise.all(instances.map((instance) => instance.stop()));
    await store.close();
    await server.stop();
  }
}

function startInstance(
  { environment }: Installation,
  server: SpawnedFirestoreServer,
): Promise<FunctionProcess> {
  const { SQLITE_PATH: _, ...others } = environment;
  return startFunction({
    target: 'licenses',
    source: 'functions/licenses/main.ts',
    environment: {
      ...others,
      STORE: 'firestore',
      FIRESTORE_PROJECT: PROJECT,
      FIRESTORE_EMULATOR_HOST: server.host,
    },
  });
}

/** Connections are open and code is compiled before anything is measured. */
async function warmUp({ store, here, elsewhere }: Setting): Promise<void> {
  const license = await addLicense(store, 1000);
  for (let i = 0; i < 30; i++) {
    for (const client of [here, elsewhere]) {
      const { session_id } = await client.acquire({ license_key: license.key, hardware_id: `warm-${i}` });
      await client.heartbeat({ session_id });
    }
  }
}

async function addLicense(store: DocumentStore, seats: number | null) {
  const hasher = createHasher(PEPPER);
  const key = generateLicenseKey('BENCH', { bytes: (length) => randomBytes(length) });
  await createLicense(
    { store, hasher, clock: { now: Date.now } },
    {
      licenseKey: key,
      licenseId: randomUUID(),
      customer: { id: 'customer-1', name: 'Société Générale 東京' },
      product: 'demo-app',
      tier: 'pro',
      features: ['export', 'reports'],
      seats,
      signingAlgorithm: 'EC_SIGN_ED25519',
    },
  );
  return { key, hash: hasher.hash('license', key) };
}

async function measureOperations(setting: Setting, runs: number): Promise<OperationCost[]> {
  const { store, here, elsewhere } = setting;
  const acquire = (client: Client, key: string, machine: string) =>
    client.acquire({ license_key: key, hardware_id: machine });
  const shared = await addLicense(store, 1000);
  for (let i = 0; i < 2; i++) await acquire(here, shared.key, `first-${i}`);
  const sessions: string[] = [];
  const measure = (name: string, prepare: (run: number) => Promise<() => Promise<unknown>>) =>
    measureOperation(setting, name, runs, prepare);

  const operations = [
    await measure('acquire, licence not known here', async (run) => {
      const { key } = await addLicense(store, 1000);
      return () => acquire(here, key, `cold-${run}`);
    }),
    await measure('acquire, licence known here', async (run) => async () => {
      sessions.push((await acquire(here, shared.key, `warm-${run}`)).session_id);
    }),
    await measure('acquire again, here', async (run) => () => acquire(here, shared.key, `warm-${run}`)),
    await measure(
      'heartbeat, session known here',
      async (run) => () => here.heartbeat({ session_id: sessions[run] ?? '' }),
    ),
    await measure(
      'heartbeat, not known here',
      async (run) => () => elsewhere.heartbeat({ session_id: sessions[run] ?? '' }),
    ),
    await measure(
      'release, session known here',
      async (run) => () => elsewhere.release({ session_id: sessions[run] ?? '' }),
    ),
    await measure('release, not known here', async (run) => {
      const { session_id } = await acquire(here, shared.key, `leaving-${run}`);
      return () => elsewhere.release({ session_id });
    }),
  ];
  for (const seats of [10, 1000, 10_000]) {
    operations.push(await measureNearlyFull(setting, seats, runs));
  }
  return operations;
}

/** Free seats stay 1 % or one: each newcomer leaves before the next one comes. */
async function measureNearlyFull(setting: Setting, seats: number, runs: number): Promise<OperationCost> {
  const { store, server, here } = setting;
  const { key, hash } = await addLicense(store, seats);
  const every = Math.min(seats, 100);
  const taken = Array.from({ length: seats }, (_, seat) => seat).filter((seat) => seat % every !== every - 1);
  await server.setLatency(0);
  await occupySeats(store, hash, taken, Date.now() + 3_600_000);
  await server.setLatency(LATENCY_MS);
  let last: string | undefined;
  return measureOperation(setting, `acquire, ${seats} seats 99 % full`, runs, async (run) => {
    if (last !== undefined) await here.release({ session_id: last });
    return async () => {
      last = (await here.acquire({ license_key: key, hardware_id: `newcomer-${run}` })).session_id;
    };
  });
}

async function measureOperation(
  { server, store }: Setting,
  name: string,
  runs: number,
  prepare: (run: number) => Promise<() => Promise<unknown>>,
): Promise<OperationCost> {
  const measured: {
    rounds: number;
    calls: number;
    reads: number;
    writes: number;
    ms: number;
    tripMs: number;
  }[] = [];
  for (let run = 0; run < runs; run++) {
    const call = await prepare(run);
    const tripMs = await timed(() => store.get(['bench/none']));
    await server.resetStats();
    const ms = await timed(call);
    const { rounds, rpcs, documentsRead, documentsWritten, documentsDeleted } = await server.stats();
    const calls = Object.values(rpcs).reduce((sum, count) => sum + count, 0);
    measured.push({
      rounds,
      calls,
      reads: documentsRead,
      writes: documentsWritten + documentsDeleted,
      ms,
      tripMs,
    });
  }
  return {
    name,
    rounds: measured.map(({ rounds }) => rounds),
    calls: measured.map(({ calls }) => calls),
    reads: median(measured.map(({ reads }) => reads)),
    writes: median(measured.map(({ writes }) => writes)),
    latenciesMs: measured.map(({ ms }) => ms),
    roundTripsMs: measured.map(({ tripMs }) => tripMs),
  };
}

async function measureCrowd(
  { server, store, here }: Setting,
  machines: number,
  latencyMs: number,
): Promise<Crowd> {
  const seats = 1000;
  const { key } = await addLicense(store, seats);
  const acquire = (machine: string) => timed(() => here.acquire({ license_key: key, hardware_id: machine }));
  for (let i = 0; i < 2; i++) await acquire(`first-${i}`);
  await server.setLatency(latencyMs);
  const alone: number[] = [];
  for (let i = 0; i < 5; i++) alone.push(await acquire(`alone-${i}`));
  await server.resetStats();
  let latencies: number[] = [];
  const allMs = await timed(async () => {
    latencies = await Promise.all(Array.from({ length: machines }, (_, i) => acquire(`together-${i}`)));
  });
  const { rpcs } = await server.stats();
  await server.setLatency(LATENCY_MS);
  const calls = Object.values(rpcs).reduce((sum, count) => sum + count, 0);
  return {
    machines,
    seats,
    latencyMs,
    oneMs: median(alone),
    medianMs: median(latencies),
    allMs,
    callsEach: calls / machines,
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
