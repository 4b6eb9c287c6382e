/** Makes the ports that a configuration asks for. */
import { randomBytes } from 'node:crypto';
import type { Log } from '../shared/ports/log.ts';
import type { Ports } from '../shared/ports/ports.ts';
import type { Config } from './config.ts';
import { createHasher } from './hasher.ts';
import { createKeyDirectory } from './kms/directory.ts';
import { createKmsClient } from './kms/google.ts';
import { createLog } from './log.ts';
import { openSqliteStore } from './stores/sqlite.ts';

export interface Infrastructure {
  readonly ports: Ports;
  readonly log: Log;
  /** Closes the store and the KMS connection. */
  close(): Promise<void>;
}

export function createInfrastructure(config: Config): Infrastructure {
  const { KMS_ENDPOINT: endpoint, SIGNING_DEADLINE_MS: deadlineMs, SIGNING_KEYS_JSON: keys } = config;
  const client = createKmsClient(endpoint === undefined ? {} : { endpoint });
  const store = openSqliteStore({ path: config.SQLITE_PATH });
  return {
    ports: {
      store,
      keys: createKeyDirectory({ client, keys, deadlineMs }),
      clock: { now: Date.now },
      random: { bytes: (length) => randomBytes(length) },
      hasher: createHasher(config.LICENSE_KEY_PEPPER),
    },
    log: createLog(config.LOG_LEVEL),
    close: async () => {
      await Promise.all([store.close(), client.close()]);
    },
  };
}
