/**
 * A deployment to rotate keys in: two instances of the function `countersign`, each a process of its own, on one SQLite
 * file, one list of keys and one KMS, and an operator with the command line.
 *
 *   const deployment = await startDeployment({ pace: 15 });
 *   await deployment.change('stage', '--name', deployment.next.name);
 *   deployment.lists.at(-1)?.noticedAt;
 *   await deployment.stop();
 *
 * `old` is active, `next` is in the KMS alone unless told. The first manifest is from a week ago and lacks `next`.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createHasher } from '../../infra/hasher.ts';
import { openKeysFile } from '../../infra/keys-file.ts';
import { createKeyDirectory } from '../../infra/kms/directory.ts';
import { createKmsClient, googlePublicKey } from '../../infra/kms/google.ts';
import { jwkFromPem, thumbprint } from '../../infra/kms/public-key.ts';
import { openRootKey } from '../../infra/root-key.ts';
import { type Client, createClient } from '../../shared/client/client.ts';
import { importVerificationKey, type VerificationKey } from '../../shared/client/verify.ts';
import type { RegisteredKey } from '../../shared/keys/registry.ts';
import { generateLicenseKey } from '../../shared/license-key.ts';
import type { DocumentStore } from '../../shared/ports/document-store.ts';
import { createLicense } from '../../shared/usecases/create-license.ts';
import { publishKeys } from '../../shared/usecases/publish-keys.ts';
import { startTestKms, TEST_KEYS, type TestKms } from './kms.ts';
import { openMemoryStore } from './memory-store.ts';
import { ACTOR, startTestOperator, type TestOperator } from './operator.ts';
import { freePort, type Program, REPOSITORY, spawnProgram, waitUntil } from './spawn-stack.ts';

/** How often an instance looks at its list of keys, in milliseconds (docs/keys.md). */
export const RELOAD_MS = 15_000;
export const WEEK_SECONDS = 7 * 86_400;

const LIFETIME_SECONDS = 30 * 86_400;
const LONGEST_WAIT_MS = 60_000;
const BETWEEN_LOOKS_MS = 20;
const SEATS = 40;
const PEPPER = 'a pepper for a rotation, long enough to pass';
const FRAMEWORK = join(
  dirname(createRequire(import.meta.url).resolve('@google-cloud/functions-framework')),
  'main.js',
);

export interface Instance {
  readonly baseUrl: string;
  readonly client: Client;
}

/** A list of keys and when it held. Times are milliseconds of `performance.now()`. */
export interface ListedKeys {
  /** The kid that signs by this list. */
  readonly active: string;
  readonly writtenAt: number;
  /** When each instance was first seen to have it. */
  readonly noticedAt: readonly number[];
}

export interface NamedKey {
  readonly name: string;
  readonly kid: string;
}

export interface Deployment {
  readonly operator: TestOperator;
  readonly instances: readonly [Instance, Instance];
  readonly licenseKey: string;
  readonly root: VerificationKey;
  readonly old: NamedKey;
  readonly next: NamedKey;
  /** In their order. */
  readonly lists: readonly ListedKeys[];
  /** `countersign keys …args --yes`, to its end. @throws Error with what it printed when it fails */
  command(...args: string[]): Promise<void>;
  /** Resolves when both instances say of their keys what the list says. @throws Error when that takes too long */
  inForce(): Promise<void>;
  /** Both. */
  change(...args: string[]): Promise<void>;
  /** The manifest that clients had a week ago, had the list been the present one. The service keeps its own. */
  manifestOfLastWeek(): Promise<string>;
  stop(): Promise<void>;
}

export interface DeploymentOptions {
  /** The instances do so many times as often what they do at intervals, as looking at the list. Default 1. */
  readonly pace?: number;
  /** `next` is staged, and was before the instances started. */
  readonly isNextStaged?: boolean;
}

export async function startDeployment(options: DeploymentOptions = {}): Promise<Deployment> {
  const { pace = 1, isNextStaged = false } = options;
  const kms = await startTestKms();
  const operator = await startTestOperator(kms);
  const [old, next] = [TEST_KEYS.ed25519, await operator.newKey('next')];
  const keys = { old: await named(operator, old), next: await named(operator, next) };
  const licenseKey = await addLicense(operator);
  await publishAWeekAgo(operator, kms, operator.store);
  const root = await readRoot(kms);

  async function command(...args: string[]): Promise<void> {
    const { code, stdout, stderr } = await operator.run(['keys', ...args, '--yes']);
    if (code !== 0) throw new Error(`keys ${args.join(' ')} ended with ${code}. ${stdout}${stderr}`);
  }

  if (isNextStaged) await command('stage', '--name', next);
  const programs: Program[] = [];
  const start = () => startInstance(operator, pace, programs);
  const instances = [await start(), await start()] as const;
  const lists: ListedKeys[] = [{ active: keys.old.kid, writtenAt: 0, noticedAt: [0, 0] }];
  const kids = new Map(Object.values(keys).map(({ name, kid }) => [name, kid]));

  async function inForce(): Promise<void> {
    const listed = Object.entries(operator.states()).filter(([name]) => kids.has(name));
    const wanted = listed.map(([name, state]) => `${kids.get(name)} ${state}`).sort();
    const [active = ''] = listed.flatMap(([name, state]) =>
      state === 'active' ? (kids.get(name) ?? []) : [],
    );
    const writtenAt = statSync(operator.keysFile).mtimeMs - performance.timeOrigin;
    const noticedAt = await Promise.all(instances.map((instance) => noticed(instance, wanted)));
    lists.push({ active, writtenAt, noticedAt });
  }

  return {
    ...keys,
    operator,
    instances,
    licenseKey,
    root,
    lists,
    command,
    inForce,
    change: async (...args) => {
      await command(...args);
      await inForce();
    },
    manifestOfLastWeek: () => publishAWeekAgo(operator, kms, openMemoryStore()),
    stop: async () => {
      for (const program of programs) program.kill('SIGKILL');
      await Promise.all(programs.map(({ ended }) => ended));
      await operator.stop();
      await kms.stop();
    },
  };
}

async function named(operator: TestOperator, name: string): Promise<NamedKey> {
  return { name, kid: await operator.kidOf(name) };
}

async function addLicense({ store }: TestOperator): Promise<string> {
  const licenseKey = generateLicenseKey('TEST', { bytes: (length) => randomBytes(length) });
  await createLicense(
    { store, hasher: createHasher(PEPPER), clock: { now: Date.now } },
    {
      licenseKey,
      licenseId: randomUUID(),
      customer: { id: 'customer-1', name: 'Société Générale 東京' },
      product: 'demo-app',
      tier: 'pro',
      features: [],
      seats: SEATS,
      signingAlgorithm: 'EC_SIGN_ED25519',
    },
  );
  return licenseKey;
}

async function publishAWeekAgo(
  { keysFile }: TestOperator,
  kms: TestKms,
  store: DocumentStore,
): Promise<string> {
  const client = createKmsClient({ endpoint: kms.endpoint });
  const now = () => Date.now() - WEEK_SECONDS * 1000;
  const clock = { now, pause: (milliseconds: number) => pause(milliseconds) };
  const { token } = await publishKeys({
    ports: { store, clock, random: { bytes: (length) => randomBytes(length) } },
    list: openKeysFile(keysFile),
    root: (keys: readonly RegisteredKey[]) => openRootKey(keys, { client }),
    records: (keys: readonly RegisteredKey[]) => createKeyDirectory({ client, keys }).list(),
    issuer: 'countersign',
    lifetimeSeconds: LIFETIME_SECONDS,
    actor: ACTOR,
  });
  await client.close();
  return token;
}

async function readRoot(kms: TestKms): Promise<VerificationKey> {
  const client = createKmsClient({ endpoint: kms.endpoint });
  const jwk = jwkFromPem((await googlePublicKey(client, TEST_KEYS.rsa)).pem);
  await client.close();
  return importVerificationKey({ ...jwk, kid: thumbprint(jwk), alg: 'RS256' });
}

async function startInstance(operator: TestOperator, pace: number, programs: Program[]): Promise<Instance> {
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const source = join(REPOSITORY, 'functions', 'all', 'main.ts');
  const program = spawnProgram(FRAMEWORK, ['--target=countersign', `--source=${source}`, `--port=${port}`], {
    env: { ...operator.environment, LICENSE_KEY_PEPPER: PEPPER },
    nodeArgs: pace === 1 ? [] : ['--import', hurry(pace)],
  });
  programs.push(program);
  await waitUntil(program, () =>
    fetch(`${baseUrl}/health`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return { baseUrl, client: createClient({ baseUrl }) };
}

/** A module for `--import`. The function itself is the one that is deployed, and has no setting for this. */
function hurry(pace: number): string {
  const module = `const own = setInterval; globalThis.setInterval = (work, ms, ...rest) => own(work, ms / ${pace}, ...rest);`;
  return `data:text/javascript,${encodeURIComponent(module)}`;
}

/** Polls until the instance says `wanted`; when it did. */
async function noticed({ baseUrl }: Instance, wanted: readonly string[]): Promise<number> {
  const givenUpAt = performance.now() + LONGEST_WAIT_MS;
  for (;;) {
    const said = await publishedStates(baseUrl);
    if (said.join() === wanted.join()) return performance.now();
    if (performance.now() > givenUpAt)
      throw new Error(`An instance still says ${said.join(', ')} instead of ${wanted.join(', ')}.`);
    await pause(BETWEEN_LOOKS_MS);
  }
}

async function publishedStates(baseUrl: string): Promise<string[]> {
  const response = await fetch(new URL('/api/v1/keys', baseUrl));
  if (!response.ok) throw new Error(`/api/v1/keys answered with status ${response.status}.`);
  const { keys } = (await response.json()) as { keys: { kid: string; state: string }[] };
  return keys.map(({ kid, state }) => `${kid} ${state}`).sort();
}
