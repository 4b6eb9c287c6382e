/** Makes the ports that a configuration asks for. */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Identify } from '../shared/ports/authenticate.ts';
import type { Log } from '../shared/ports/log.ts';
import type { Ports } from '../shared/ports/ports.ts';
import type { Config, OperatorConfig } from './config.ts';
import { createHasher } from './hasher.ts';
import { openKeys } from './keys.ts';
import { createLog } from './log.ts';
import { createInstanceMemory } from './memory.ts';
import { createIdentify } from './oidc.ts';
import { oidcSettings } from './oidc-settings.ts';
import { type FirestoreStore, openFirestoreStore } from './stores/firestore.ts';
import { readableOnly } from './stores/readable.ts';
import { openSqliteStore, type SqliteStore } from './stores/sqlite.ts';

export interface Infrastructure {
  readonly ports: Ports;
  readonly log: Log;
  /** Of ID tokens; undefined where none is accepted. */
  readonly identify: Identify | undefined;
  /**
   * For a process that signs, before it serves.
   * @throws ConfigError when an active key cannot be used before an operator acts
   */
  requireActiveKeys(): Promise<void>;
  /** Closes the store and the KMS connection. */
  close(): Promise<void>;
}

/** @throws ConfigError when the file of signing keys cannot be read or is wrong */
export function createInfrastructure(config: Config): Infrastructure {
  const log = createLog(config.LOG_LEVEL);
  const keys = openKeys(config, log);
  const store = openStore(config);
  const oidc = oidcSettings(config);
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
    identify: oidc && createIdentify(oidc),
    requireActiveKeys: keys.requireActiveKeys,
    close: async () => {
      await Promise.all([store.close(), keys.close()]);
    },
  };
}

export function openStore(config: OperatorConfig): SqliteStore | FirestoreStore {
  if (config.STORE === 'sqlite') return readableOnly(openSqliteStore({ path: config.SQLITE_PATH }));
  const {
    FIRESTORE_PROJECT: project,
    FIRESTORE_DATABASE: database,
    FIRESTORE_EMULATOR_HOST: endpoint,
  } = config;
  const where = { project, database, ...(endpoint === undefined ? {} : { endpoint }) };
  return readableOnly(openFirestoreStore(where));
}
