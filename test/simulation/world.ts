/**
 * One world: a fresh store, a few instances, machines and operators, for a few thousand steps; then the faults stop,
 * everything runs out, and what is left is looked at.
 */
import type { DocumentStore } from '../../shared/ports/document-store.ts';
import { createLicense } from '../../shared/usecases/create-license.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { createChecks } from './checks/index.ts';
import { startClient } from './clients.ts';
import { drawConfiguration, type LicenseConfiguration } from './configuration.ts';
import { createKms } from './kms.ts';
import { startOperators } from './operators.ts';
import { prng } from './random.ts';
import { createService } from './service.ts';
import { createStage, type Stage } from './stage.ts';
import type { Invariant, Violation } from './violation.ts';
import { windDown } from './wind-down.ts';

export interface WorldResult {
  readonly steps: number;
  readonly virtualMs: number;
  readonly counters: ReadonlyMap<string, number>;
  readonly traceHash: string;
  readonly violation: Violation | undefined;
}

/** A turn of the event loop: every promise that can go on has gone on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

export async function runWorld(seed: string, only?: readonly Invariant[]): Promise<WorldResult> {
  const configuration = drawConfiguration(prng(`${seed}/configuration`));
  const stage = createStage(configuration, seed, only);
  const { scheduler, judge, trace, counters } = stage;
  const store = openMemoryStore();
  const kms = createKms(stage);
  const checks = createChecks(stage, kms);
  const service = createService(stage, store, kms, checks);
  let steps = 0;

  /** Steps until `isDone`; false when nothing is left to happen, or a promise was broken. */
  async function runUntil(isDone: () => boolean): Promise<boolean> {
    while (!isDone()) {
      if (!scheduler.runNext()) return false;
      steps += 1;
      await settled();
      checks.afterStep();
      if (judge.violation() !== undefined) return false;
    }
    return true;
  }

  const stray = (error: unknown) => judge.fail('crash', `a rejection that nobody handles: ${String(error)}`);
  process.on('unhandledRejection', stray);
  try {
    const licenses = await createLicenses(stage, store);
    const isActive = () => steps < configuration.activeSteps;
    for (const { licenseKey, license } of licenses) {
      for (const hardwareId of machineNames(configuration.machines)) {
        startClient({ stage, service, checks, licenseKey, license, hardwareId, isActive });
      }
    }
    startOperators({ stage, service, licenses: licenses.map(({ hash }) => hash), isActive });
    if (await runUntil(() => !isActive())) await windDown({ stage, service, checks, licenses, runUntil });
  } finally {
    process.off('unhandledRejection', stray);
  }
  return {
    steps,
    virtualMs: scheduler.now() - configuration.startAt,
    counters: counters.all,
    traceHash: trace.hash(),
    violation: judge.violation(),
  };
}

const machineNames = (machines: number) => Array.from({ length: machines }, (_, i) => `m${i}`);

export interface WorldLicense {
  readonly licenseKey: string;
  readonly hash: string;
  readonly license: LicenseConfiguration;
}

async function createLicenses(stage: Stage, store: DocumentStore): Promise<WorldLicense[]> {
  const { configuration, hash, names } = stage;
  for (const name of machineNames(configuration.machines)) names.set(hash('hardware', name), name);
  const created: WorldLicense[] = [];
  for (const [i, license] of configuration.licenses.entries()) {
    const licenseKey = `L${i}-SIMULATED`;
    names.set(hash('license', licenseKey), licenseKey);
    created.push({ licenseKey, license, hash: hash('license', licenseKey) });
    await create(stage, store, licenseKey, license);
  }
  return created;
}

async function create(
  stage: Stage,
  store: DocumentStore,
  licenseKey: string,
  license: LicenseConfiguration,
): Promise<void> {
  const { hash, scheduler, configuration, history } = stage;
  const written: Pick<DocumentStore, 'commit'> = {
    commit: async (writes) => {
      const versions = await store.commit(writes);
      history.applied(writes, NOBODY);
      return versions;
    },
  };
  const bound = machineNames(configuration.machines).filter((_, i) => i % 2 === 0);
  await createLicense(
    { store: { ...store, ...written }, hasher: { hash }, clock: scheduler },
    {
      licenseKey,
      licenseId: `license-${licenseKey}`,
      customer: { id: 'customer-1', name: 'Customer' },
      product: 'demo-app',
      tier: 'pro',
      features: ['export'],
      seats: license.seats,
      signingAlgorithm: 'EC_SIGN_ED25519',
      expiresAt: license.expiresAt,
      expiryStrategy: license.expiryStrategy,
      allowedHardware: license.bound ? bound : null,
      policy: {
        lease_seconds: license.leaseSeconds,
        heartbeat_seconds: license.heartbeatSeconds,
        borrow_max_seconds: license.borrowMaxSeconds,
        strict_online: license.strictOnline,
        offline_grace_seconds: license.graceSeconds,
      },
    },
  );
}

const NOBODY = { id: 0, operation: 'sweep', license: undefined, hardware: undefined, arrivedAt: 0 } as const;
