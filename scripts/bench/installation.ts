/** What the functions need before they are started: a folder, a KMS, a store with two licences, an environment. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHasher } from '../../infra/hasher.ts';
import { startLocalKms } from '../../infra/local/kms/process.ts';
import { type KeyToProvision, provisionKeys } from '../../infra/local/kms/provision.ts';
import { openSqliteStore } from '../../infra/stores/sqlite.ts';
import type { AlgorithmName } from '../../shared/algorithms.ts';
import { generateLicenseKey } from '../../shared/license-key.ts';
import { createLicense } from '../../shared/usecases/create-license.ts';

export interface Installation {
  /** Where the store is. */
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** The key of an unlimited licence of each algorithm. */
  readonly licenseKeys: Readonly<Record<AlgorithmName, string>>;
  stop(): Promise<void>;
}

const KEY_RING = 'projects/bench/locations/global/keyRings/countersign';
const KEYS: readonly KeyToProvision[] = [
  { id: 'license-rsa', algorithm: 'RSA_SIGN_PKCS1_4096_SHA256' },
  { id: 'license-ed25519', algorithm: 'EC_SIGN_ED25519' },
];
export const PEPPER = 'a pepper for benchmarks, long enough to pass';

export async function install(): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  const kms = await startLocalKms({ home: join(folder, 'kms') });
  const endpoint = `127.0.0.1:${kms.port}`;
  const names = await provisionKeys(endpoint, KEY_RING, KEYS);
  const storePath = join(folder, 'store.sqlite');
  return {
    folder,
    environment: {
      PATH: process.env.PATH,
      // The functions refuse a local KMS in production.
      NODE_ENV: 'development',
      LOG_LEVEL: 'WARNING',
      KMS_ENDPOINT: endpoint,
      SIGNING_KEYS_JSON: JSON.stringify(names.map((name, i) => ({ name, algorithm: KEYS[i]?.algorithm }))),
      STORE: 'sqlite',
      SQLITE_PATH: storePath,
      LICENSE_KEY_PEPPER: PEPPER,
    },
    licenseKeys: await addLicenses(storePath),
    stop: async () => {
      await kms.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function addLicenses(storePath: string): Promise<Installation['licenseKeys']> {
  const store = openSqliteStore({ path: storePath });
  const ports = { store, hasher: createHasher(PEPPER), clock: { now: Date.now } };
  const random = { bytes: (length: number) => randomBytes(length) };
  const add = async (signingAlgorithm: AlgorithmName): Promise<string> => {
    const licenseKey = generateLicenseKey('BENCH', random);
    await createLicense(ports, {
      licenseKey,
      licenseId: randomUUID(),
      customer: { id: 'customer-1', name: 'Société Générale 東京' },
      product: 'demo-app',
      tier: 'pro',
      features: ['export', 'reports'],
      seats: null,
      signingAlgorithm,
    });
    return licenseKey;
  };
  const licenseKeys = {
    RSA_SIGN_PKCS1_4096_SHA256: await add('RSA_SIGN_PKCS1_4096_SHA256'),
    EC_SIGN_ED25519: await add('EC_SIGN_ED25519'),
  };
  await store.close();
  return licenseKeys;
}
