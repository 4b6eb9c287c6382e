/**
 * An installation to break: a folder with an SQLite file and four licences, a local KMS, the real server, each in a
 * process of its own that can be killed and started again in its place.
 *
 *   const site = await createSite({ signingDeadlineMs: 3000 });
 *   await site.startServer();
 *   await site.server.kill();
 *   await site.remove();
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHasher } from '../../../infra/hasher.ts';
import { createKeyDirectory } from '../../../infra/kms/directory.ts';
import { createKmsClient } from '../../../infra/kms/google.ts';
import { type LocalKms, startLocalKms } from '../../../infra/local/kms/process.ts';
import { openSqliteStore } from '../../../infra/stores/sqlite.ts';
import { ALGORITHMS } from '../../../shared/algorithms.ts';
import { importVerificationKey, type VerificationKey } from '../../../shared/client/verify.ts';
import { generateLicenseKey } from '../../../shared/license-key.ts';
import { createLicense } from '../../../shared/usecases/create-license.ts';
import { copyOfTestKeys, TEST_KEYS } from '../kms.ts';
import { stablePort } from './ports.ts';
import { type Server, startServer } from './server.ts';

const PEPPER = 'a pepper for crash tests, long enough to pass';
const ALGORITHM = 'EC_SIGN_ED25519';

export const HASHER = createHasher(PEPPER);

export interface CrashLicense {
  readonly key: string;
  /** Its id in the store. */
  readonly hash: string;
  /** Null is unlimited. */
  readonly seats: number | null;
  readonly leaseMs: number;
  /** How many machines want a seat. */
  readonly machines: number;
}

/** A lease this short runs out during a run, so that seats are reaped; the others must never be. */
export const SHORT_LEASE_MS = 3_000;
const LONG_LEASE_MS = 900_000;

const LICENSES = [
  { seats: 1, leaseMs: 2_000, machines: 4 },
  { seats: 5, leaseMs: SHORT_LEASE_MS, machines: 9 },
  { seats: 50, leaseMs: LONG_LEASE_MS, machines: 70 },
  { seats: null, leaseMs: SHORT_LEASE_MS, machines: 8 },
] as const;

export interface Site {
  readonly licenses: readonly CrashLicense[];
  readonly storePath: string;
  readonly verificationKeys: readonly VerificationKey[];
  readonly server: Server;
  startServer(): Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  killKms(): Promise<void>;
  /** On the same port, with the same keys; resolves when it serves. */
  startKms(): Promise<void>;
  /** Ends every process and removes the folder. Nothing can be started afterwards. */
  remove(): Promise<void>;
}

export async function createSite(options: { readonly signingDeadlineMs: number }): Promise<Site> {
  const kmsOptions = { home: await copyOfTestKeys(), port: await stablePort() };
  const serverPort = await stablePort();
  const folder = mkdtempSync(join(tmpdir(), 'countersign-crash-'));
  const storePath = join(folder, 'store.sqlite');
  let kms: LocalKms | undefined;
  let server: Server | undefined;
  let isRemoved = false;

  const environment = {
    NODE_ENV: 'development',
    NODE_COMPILE_CACHE: join(folder, 'compile-cache'),
    LOG_LEVEL: 'WARNING',
    STORE: 'sqlite',
    SQLITE_PATH: storePath,
    LICENSE_KEY_PEPPER: PEPPER,
    SIGNING_KEYS_JSON: JSON.stringify([{ name: TEST_KEYS.ed25519, algorithm: ALGORITHM }]),
    SIGNING_DEADLINE_MS: String(options.signingDeadlineMs),
    KMS_ENDPOINT: `127.0.0.1:${kmsOptions.port}`,
    // A seat may be taken at the very end of its lease: the strictest setting, and all here share one clock.
    CLOCK_SKEW_SECONDS: '0',
  };

  const startKms = async () => {
    const started = await startLocalKms(kmsOptions);
    if (isRemoved) return started.stop();
    kms = started;
  };
  const remove = async () => {
    isRemoved = true;
    await server?.kill();
    await kms?.stop();
    for (const path of [folder, kmsOptions.home]) rmSync(path, { recursive: true, force: true });
  };

  try {
    await startKms();
    return {
      licenses: await addLicenses(storePath),
      storePath,
      verificationKeys: await readKeys(environment.KMS_ENDPOINT),
      get server() {
        if (server === undefined) throw new Error('The server was not started.');
        return server;
      },
      startServer: async () => {
        if (isRemoved) throw new Error('The site was removed.');
        const started = await startServer(serverPort, environment);
        server = started;
        if (isRemoved) await started.kill();
      },
      killKms: async () => {
        kms?.kill('SIGKILL');
        await kms?.exited;
      },
      startKms,
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function addLicenses(storePath: string): Promise<CrashLicense[]> {
  const store = openSqliteStore({ path: storePath });
  const random = { bytes: (length: number) => randomBytes(length) };
  const licenses = LICENSES.map((row) => {
    const key = generateLicenseKey('CRASH', random);
    return { ...row, key, hash: HASHER.hash('license', key) };
  });
  for (const { key, seats, leaseMs } of licenses) {
    await createLicense(
      { store, hasher: HASHER, clock: { now: Date.now } },
      {
        licenseKey: key,
        licenseId: randomUUID(),
        customer: { id: 'customer-1', name: 'Ada' },
        product: 'demo-app',
        tier: 'pro',
        features: ['export'],
        seats,
        signingAlgorithm: ALGORITHM,
        policy: { lease_seconds: leaseMs / 1000, heartbeat_seconds: 1 },
      },
    );
  }
  await store.close();
  return licenses;
}

/** The public key as the KMS hands it out, for clients that verify offline. */
async function readKeys(endpoint: string): Promise<VerificationKey[]> {
  const client = createKmsClient({ endpoint });
  try {
    const keys = [
      { name: TEST_KEYS.ed25519, algorithm: ALGORITHM, use: 'license', state: 'active' },
    ] as const;
    const records = await createKeyDirectory({ client, keys }).list();
    return await Promise.all(
      records.map(({ jwk, kid, algorithm }) =>
        importVerificationKey({ ...jwk, kid, alg: ALGORITHMS[algorithm].jose }),
      ),
    );
  } finally {
    await client.close();
  }
}
