/** The keys of a configuration: read from it or from its file, in whatever clouds they are. */
import { setTimeout as pause } from 'node:timers/promises';
import { ownIssuerKeys } from '../shared/keys/registry.ts';
import type { KeyDirectory } from '../shared/ports/key-directory.ts';
import type { Log } from '../shared/ports/log.ts';
import { type Config, ConfigError, PRODUCTION } from './config.ts';
import { type AwsKmsClient, createAwsKmsClient } from './kms/aws.ts';
import { type CloudKeyDirectory, createKeyDirectory } from './kms/directory.ts';
import { createKmsClient, type KmsClient } from './kms/google.ts';
import { createReloadingDirectory, type ReloadingDirectory } from './kms/reloading-directory.ts';
import type { SigningKeys } from './signing-keys.ts';

/**
 * A start waits this long at most for the KMS to say that a key is disabled; loading its client takes half a second of it
 * on a quiet machine. One that does not answer stops no start: it may be back with the first request, or another cloud signs.
 */
const START_CHECK_MS = 3_000;

export interface OpenKeys {
  readonly directory: KeyDirectory;
  /** @throws ConfigError when an active key cannot be used before an operator acts */
  requireActiveKeys(): Promise<void>;
  close(): Promise<void>;
}

/** @throws ConfigError when the file of signing keys cannot be read or is wrong */
export function openKeys(config: Config, log: Log): OpenKeys {
  const { SIGNING_KEYS_JSON: keys, SIGNING_KEYS_FILE: path = '', SIGNING_DEADLINE_MS: deadlineMs } = config;
  const clients = openClients(config);
  const build = (list: SigningKeys) => {
    const [problem] = ownIssuerKeys(list, config.ISSUER);
    if (problem !== undefined) throw new Error(problem);
    return createKeyDirectory({ ...clients.access, keys: list, deadlineMs, log });
  };
  const isProduction = config.NODE_ENV === PRODUCTION;
  const file = keys === undefined ? fromFile(path, build, log, isProduction) : undefined;
  const directory: CloudKeyDirectory = file ?? build(keys ?? []);
  return {
    directory,
    requireActiveKeys: () => requireActiveKeys(directory),
    close: async () => {
      file?.close();
      await clients.close();
    },
  };
}

async function requireActiveKeys(directory: CloudKeyDirectory): Promise<void> {
  const late = new AbortController();
  const problems = await Promise.race([
    directory.activeProblems(),
    pause(START_CHECK_MS, [], { signal: late.signal }),
  ]);
  late.abort();
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `${problem}.`).join('\n'));
}

/** Connections to the clouds. Nothing is loaded or dialled before a key is needed, and AWS is asked in the region of each. */
export function openClients({ KMS_ENDPOINT: endpoint, AWS_KMS_ENDPOINT: awsEndpoint }: KmsEndpoints) {
  const client: KmsClient = createKmsClient(endpoint === undefined ? {} : { endpoint });
  const awsClient: AwsKmsClient = createAwsKmsClient({ endpoint: awsEndpoint });
  return {
    access: { client, awsClient },
    close: async () => {
      await Promise.all([client.close(), awsClient.close()]);
    },
  };
}

type KmsEndpoints = Pick<Config, 'KMS_ENDPOINT' | 'AWS_KMS_ENDPOINT'>;

function fromFile(
  path: string,
  build: (keys: SigningKeys) => CloudKeyDirectory,
  log: Log,
  isProduction: boolean,
): ReloadingDirectory {
  try {
    return createReloadingDirectory({ path, build, log, isProduction });
  } catch (error) {
    throw new ConfigError(`SIGNING_KEYS_FILE is wrong: ${(error as Error).message}.`);
  }
}
