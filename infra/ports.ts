/** Makes the ports that a configuration asks for. */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { cloudOf } from '../shared/keys/registry.ts';
import type { KeyDirectory } from '../shared/ports/key-directory.ts';
import type { Log } from '../shared/ports/log.ts';
import type { Ports } from '../shared/ports/ports.ts';
import { type Config, ConfigError } from './config.ts';
import { createHasher } from './hasher.ts';
import { type AwsKmsClient, createAwsKmsClient } from './kms/aws.ts';
import { createKeyDirectory } from './kms/directory.ts';
import { createKmsClient } from './kms/google.ts';
import { createReloadingDirectory, type ReloadingDirectory } from './kms/reloading-directory.ts';
import { createLog } from './log.ts';
import { createInstanceMemory } from './memory.ts';
import type { SigningKeys } from './signing-keys.ts';
import { type FirestoreStore, openFirestoreStore } from './stores/firestore.ts';
import { openSqliteStore, type SqliteStore } from './stores/sqlite.ts';

export interface Infrastructure {
  readonly ports: Ports;
  readonly log: Log;
  /** Closes the store and the KMS connection. */
  close(): Promise<void>;
}

/** @throws ConfigError when the file of signing keys cannot be read or is wrong */
export function createInfrastructure(config: Config): Infrastructure {
  const log = createLog(config.LOG_LEVEL);
  const keys = openKeys(config, log);
  const store = openStore(config);
  return {
    ports: {
      store,
      keys: keys.directory,
      clock: { now: Date.now, pause: (milliseconds) => pause(milliseconds) },
      random: { bytes: (length) => randomBytes(length) },
      hasher: createHasher(config.LICENSE_KEY_PEPPER),
      memory: createInstanceMemory(),
    },
    log,
    close: async () => {
      await Promise.all([store.close(), keys.close()]);
    },
  };
}

/** The keys of the configuration, or of its file, and the connections to their clouds. */
function openKeys(config: Config, log: Log): { directory: KeyDirectory; close(): Promise<unknown> } {
  const { KMS_ENDPOINT: endpoint, SIGNING_DEADLINE_MS: deadlineMs } = config;
  const { SIGNING_KEYS_JSON: keys, SIGNING_KEYS_FILE: path = '' } = config;
  const client = createKmsClient(endpoint === undefined ? {} : { endpoint });
  let awsClient: AwsKmsClient | undefined;
  const build = (list: SigningKeys) => {
    // Nothing is loaded before an AWS key is needed; the ARN of the first one names the region.
    awsClient ??= createAwsKmsClient(awsOptions(list, config.AWS_KMS_ENDPOINT));
    return createKeyDirectory({ client, awsClient, keys: list, deadlineMs, log });
  };
  const closeClients = () => Promise.all([client.close(), awsClient?.close()]);
  if (keys !== undefined) return { directory: build(keys), close: closeClients };
  const directory = fromFile(path, build, log);
  return {
    directory,
    close: () => {
      directory.close();
      return closeClients();
    },
  };
}

function fromFile(path: string, build: (keys: SigningKeys) => KeyDirectory, log: Log): ReloadingDirectory {
  try {
    return createReloadingDirectory({ path, build, log });
  } catch (error) {
    throw new ConfigError(`SIGNING_KEYS_FILE is wrong: ${(error as Error).message}.`);
  }
}

function awsOptions(keys: SigningKeys, endpoint: string | undefined) {
  if (endpoint !== undefined) return { endpoint };
  const region = keys.find(({ name }) => cloudOf(name) === 'aws')?.name.split(':')[3];
  return region === undefined ? {} : { region };
}

function openStore(config: Config): SqliteStore | FirestoreStore {
  if (config.STORE === 'sqlite') return openSqliteStore({ path: config.SQLITE_PATH });
  const {
    FIRESTORE_PROJECT: project,
    FIRESTORE_DATABASE: database,
    FIRESTORE_EMULATOR_HOST: endpoint,
  } = config;
  return openFirestoreStore({ project, database, ...(endpoint === undefined ? {} : { endpoint }) });
}
