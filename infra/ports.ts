/** Makes the ports that a configuration asks for. */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { cloudOf } from '../shared/keys/registry.ts';
import type { Log } from '../shared/ports/log.ts';
import type { Ports } from '../shared/ports/ports.ts';
import type { Config } from './config.ts';
import { createHasher } from './hasher.ts';
import { createAwsKmsClient } from './kms/aws.ts';
import { createKeyDirectory } from './kms/directory.ts';
import { createKmsClient } from './kms/google.ts';
import { createLog } from './log.ts';
import { createInstanceMemory } from './memory.ts';
import { type FirestoreStore, openFirestoreStore } from './stores/firestore.ts';
import { openSqliteStore, type SqliteStore } from './stores/sqlite.ts';

export interface Infrastructure {
  readonly ports: Ports;
  readonly log: Log;
  /** Closes the store and the KMS connection. */
  close(): Promise<void>;
}

export function createInfrastructure(config: Config): Infrastructure {
  const { KMS_ENDPOINT: endpoint, AWS_KMS_ENDPOINT: awsEndpoint } = config;
  const { SIGNING_DEADLINE_MS: deadlineMs, SIGNING_KEYS_JSON: keys } = config;
  const client = createKmsClient(endpoint === undefined ? {} : { endpoint });
  const awsClient = createAwsKmsClient(awsOptions(keys, awsEndpoint));
  const store = openStore(config);
  const log = createLog(config.LOG_LEVEL);
  return {
    ports: {
      store,
      keys: createKeyDirectory({ client, awsClient, keys, deadlineMs, log }),
      clock: { now: Date.now, pause: (milliseconds) => pause(milliseconds) },
      random: { bytes: (length) => randomBytes(length) },
      hasher: createHasher(config.LICENSE_KEY_PEPPER),
      memory: createInstanceMemory(),
    },
    log,
    close: async () => {
      await Promise.all([store.close(), client.close(), awsClient.close()]);
    },
  };
}

/** Nothing is loaded before an AWS key is needed; its ARN names the region. */
function awsOptions(keys: Config['SIGNING_KEYS_JSON'], endpoint: string | undefined) {
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
