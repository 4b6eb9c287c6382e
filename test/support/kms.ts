/**
 * A local KMS for a test file, with two keys ready.
 *
 *   const kms = await startTestKms();
 *   const client = createKmsClient({ endpoint: kms.endpoint });
 *   const directory = createKeyDirectory({ client, keys: kms.signingKeys });
 *   await kms.setFault({ kind: 'unavailable' }, { times: 1 });
 *   await kms.stop();
 *
 * Generating RSA-4096 takes up to seconds, so a run generates once and every KMS starts on a copy. The keys
 * of one run are the same in every test file and new in every run.
 */

import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { inject } from 'vitest';
import { provisionAwsKeys } from '../../infra/local/kms/aws/provision.ts';
import { type LocalKms, startLocalKms } from '../../infra/local/kms/process.ts';
import { provisionKeys } from '../../infra/local/kms/provision.ts';
import type { SigningKey } from '../../shared/keys/registry.ts';
import { stablePort } from './crash/ports.ts';
import type {} from './kms-global-setup.ts';

export const TEST_KEY_RING = 'projects/test/locations/global/keyRings/countersign';
export const TEST_KEYS = {
  rsa: `${TEST_KEY_RING}/cryptoKeys/license-rsa/cryptoKeyVersions/1`,
  ed25519: `${TEST_KEY_RING}/cryptoKeys/license-ed25519/cryptoKeyVersions/1`,
} as const;

/** The same on AWS's side; other keys than Google's. */
export const TEST_AWS_KEYS = { rsa: 'alias/license-rsa', ed25519: 'alias/license-ed25519' } as const;

const GENERATION_LIMIT_MS = 60_000;

export interface TestKms extends LocalKms {
  /** `host:port` for `createKmsClient`. */
  readonly endpoint: string;
  /** `http://host:port` for `createAwsKmsClient`. */
  readonly awsEndpoint: string;
  /** Where its keys are. */
  readonly home: string;
  readonly keys: typeof TEST_KEYS;
  /** For `createKeyDirectory`. */
  readonly signingKeys: readonly SigningKey[];
}

/** Starts a KMS on a copy of the run's keys; `stop()` ends it and removes the copy. */
export async function startTestKms(): Promise<TestKms> {
  const home = await copyOfTestKeys();
  const kms = await startLocalKms({ home });
  return {
    ...kms,
    endpoint: `127.0.0.1:${kms.port}`,
    awsEndpoint: `http://127.0.0.1:${kms.awsPort}`,
    home,
    keys: TEST_KEYS,
    signingKeys: [
      { name: TEST_KEYS.ed25519, algorithm: 'EC_SIGN_ED25519', use: 'license', state: 'active' },
      { name: TEST_KEYS.rsa, algorithm: 'RSA_SIGN_PKCS1_4096_SHA256', use: 'license', state: 'active' },
    ],
    async stop() {
      await kms.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export interface MortalKms extends Pick<LocalKms, 'setFault' | 'stats'> {
  /** `host:port` for `createKmsClient`, the same in every life. */
  readonly endpoint: string;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** A new life on the same port, with the same keys and no faults; resolves when it serves. */
  revive(): Promise<void>;
  /** Ends it, dead or alive, and removes its keys. */
  stop(): Promise<void>;
}

/** Starts a KMS on a copy of the run's keys that can be killed and started again in its place. */
export async function startMortalKms(): Promise<MortalKms> {
  const home = await copyOfTestKeys();
  const port = await stablePort();
  let life = await startLocalKms({ home, port });
  return {
    endpoint: `127.0.0.1:${port}`,
    setFault: (fault, options) => life.setFault(fault, options),
    stats: () => life.stats(),
    async kill() {
      life.kill('SIGKILL');
      await life.exited;
    },
    async revive() {
      life = await startLocalKms({ home, port });
    },
    async stop() {
      await life.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** A new folder with the run's keys, for a test that starts the KMS itself. The run's end removes it. */
export async function copyOfTestKeys(): Promise<string> {
  const folder = inject('testKmsFolder');
  if (!folder) throw new Error('Add test/support/kms-global-setup.ts to globalSetup in the vitest config.');
  const generated = join(folder, 'generated');
  if (!existsSync(generated)) await generateOnce(folder, generated);
  const home = mkdtempSync(join(folder, 'home-'));
  cpSync(generated, home, { recursive: true });
  return home;
}

/** The test worker that creates the lock folder generates; the others wait for the result. */
async function generateOnce(folder: string, generated: string): Promise<void> {
  try {
    mkdirSync(join(folder, 'lock'));
  } catch {
    return waitFor(generated);
  }
  const home = mkdtempSync(join(folder, 'generating-'));
  const kms = await startLocalKms({ home });
  await Promise.all([
    provisionKeys(`127.0.0.1:${kms.port}`, TEST_KEY_RING, [
      { id: 'license-rsa', algorithm: 'RSA_SIGN_PKCS1_4096_SHA256' },
      { id: 'license-ed25519', algorithm: 'EC_SIGN_ED25519' },
    ]),
    provisionAwsKeys(`http://127.0.0.1:${kms.awsPort}`, [
      { alias: TEST_AWS_KEYS.rsa, keySpec: 'RSA_4096' },
      { alias: TEST_AWS_KEYS.ed25519, keySpec: 'ECC_NIST_EDWARDS25519' },
    ]),
  ]);
  await kms.stop();
  renameSync(home, generated);
}

async function waitFor(file: string): Promise<void> {
  const deadlineAt = Date.now() + GENERATION_LIMIT_MS;
  while (!existsSync(file)) {
    if (Date.now() > deadlineAt)
      throw new Error('Another test worker did not finish generating the test keys.');
    await pause(50);
  }
}
