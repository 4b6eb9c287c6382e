/**
 * What an operator's commands work with: the deployment that the environment describes, or the local stack when it
 * describes none.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { ConfigError, loadOperatorConfig, type OperatorConfig } from '../../infra/config.ts';
import { openClients } from '../../infra/keys.ts';
import { openKeysFile } from '../../infra/keys-file.ts';
import { type CloudKeyDirectory, createKeyDirectory } from '../../infra/kms/directory.ts';
import type { KmsAccess } from '../../infra/kms/registered-keys.ts';
import { createLog } from '../../infra/log.ts';
import { openStore } from '../../infra/ports.ts';
import { openRootKey } from '../../infra/root-key.ts';
import { DEFAULT_MANIFEST_DAYS } from '../../shared/constants.ts';
import type { RegisteredKey } from '../../shared/keys/registry.ts';
import { OperatorError } from '../../shared/operator-error.ts';
import type { KeyRecord } from '../../shared/ports/key-directory.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import type { Publisher } from '../../shared/usecases/publish-keys.ts';

export interface Operator {
  readonly publisher: Publisher;
  readonly config: OperatorConfig;
  /** To the clouds. */
  readonly access: KmsAccess;
  /** The keys of a list that sign licences, and those that verify them. */
  directory(keys: readonly RegisteredKey[]): ReturnType<typeof createKeyDirectory>;
  readonly ports: Pick<Ports, 'store' | 'clock' | 'random'>;
  close(): Promise<void>;
}

const localSettings = z.record(z.string(), z.string());

/**
 * A program that has just started loads the client of a cloud first, and an operator may be far from it; nobody waits for a
 * seat meanwhile, as they do when the service asks.
 */
const KMS_DEADLINE_MS = 15_000;

/** Where the local stack says how it runs. */
export const SETTINGS_FILE = 'settings.json';

/** @throws OperatorError */
export function openOperator({
  actor = defaultActor(),
  manifestDays = DEFAULT_MANIFEST_DAYS,
} = {}): Operator {
  const config = readConfig();
  const path = config.SIGNING_KEYS_FILE;
  if (path === undefined)
    throw new OperatorError('SIGNING_KEYS_FILE is not set: commands change the list of keys in a file.');
  const store = openStore(config);
  const clients = openClients(config);
  const clock = { now: Date.now, pause: (milliseconds: number) => pause(milliseconds) };
  const ports = { store, clock, random: { bytes: (length: number) => randomBytes(length) } };
  const log = createLog('ERROR', (line) => process.stderr.write(line));
  const access: KmsAccess = { ...clients.access, deadlineMs: KMS_DEADLINE_MS, log };
  const directory = (keys: readonly RegisteredKey[]) => createKeyDirectory({ ...access, keys });
  return {
    config,
    access,
    ports,
    directory,
    publisher: {
      ports,
      list: openKeysFile(path),
      root: (keys) => openRootKey(keys, access),
      records: (keys) => recordsOf(keys, directory(keys)),
      issuer: config.ISSUER,
      lifetimeSeconds: manifestDays * 86_400,
      actor,
    },
    close: async () => {
      await Promise.all([store.close(), clients.close()]);
    },
  };
}

/** @throws OperatorError when one cannot be read: clients would lose what a manifest lacks */
async function recordsOf(
  keys: readonly RegisteredKey[],
  directory: CloudKeyDirectory,
): Promise<readonly KeyRecord[]> {
  const records = await directory.list();
  const wanted = keys.filter(({ use }) => use === 'license' || use === 'verify').length;
  if (records.length === wanted) return records;
  throw new OperatorError(
    'Nothing was published: a key of the list cannot be read from its KMS, and clients would refuse all of its documents. The lines above say which.',
  );
}

/** A wrong setting is the operator's to put right. */
function readConfig(): OperatorConfig {
  try {
    return loadOperatorConfig(operatorEnvironment());
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    throw new OperatorError(cause.message, { cause });
  }
}

function operatorEnvironment(): NodeJS.ProcessEnv {
  if (process.env.SIGNING_KEYS_FILE || process.env.SIGNING_KEYS_JSON) return process.env;
  const home = resolve(process.env.COUNTERSIGN_HOME || '.countersign');
  const path = join(home, SETTINGS_FILE);
  if (!existsSync(path))
    throw new OperatorError(
      `No deployment is described: SIGNING_KEYS_FILE is not set, and there is no local stack in ${home}. Start one with npm start.`,
    );
  return { ...process.env, ...readSettings(path) };
}

function readSettings(path: string): Readonly<Record<string, string>> {
  try {
    return localSettings.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new OperatorError(
      `${path} is damaged. Start the local stack again with npm start: it writes a new one.`,
      { cause },
    );
  }
}

/** Whom the audit trail names. */
function defaultActor(): string {
  return process.env.COUNTERSIGN_ACTOR || `${userInfo().username}@${hostname()}`;
}
