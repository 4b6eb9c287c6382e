/** Configuration and infrastructure of a function, or a sentence and the end of the process. */
import type { ProductTable } from '../shared/wire/products.ts';
import { type Config, ConfigError, loadConfig } from './config.ts';
import { createInfrastructure, type Infrastructure } from './ports.ts';
import { readProducts } from './products-file.ts';
import { VERSION } from './version.ts';

export interface Started extends Infrastructure {
  readonly config: Config;
  readonly settings: {
    readonly issuer: string;
    readonly clockSkewSeconds: number;
    readonly signingFailurePolicy: Config['SIGNING_FAILURE_POLICY'];
    readonly products?: ProductTable;
  };
  readonly about: {
    readonly name: string;
    readonly version: string;
    readonly environment: string;
    readonly issuer: string;
  };
}

/** Starts what the function `name` needs. A wrong setting ends the process with exit code 1 and a sentence. */
export function start(name: string, environment: NodeJS.ProcessEnv = process.env): Started {
  return orExit(() => {
    const config = loadConfig(environment);
    const { ISSUER: issuer, NODE_ENV, CLOCK_SKEW_SECONDS: clockSkewSeconds } = config;
    const { SIGNING_FAILURE_POLICY: signingFailurePolicy, PRODUCTS_FILE: file } = config;
    const products = file === undefined ? undefined : readProducts(file);
    return {
      ...createInfrastructure(config),
      config,
      settings: { issuer, clockSkewSeconds, signingFailurePolicy, ...(products && { products }) },
      about: { name, version: VERSION, environment: NODE_ENV, issuer },
    };
  });
}

/** The same for a function that signs: an active key that is disabled, destroyed or another one ends the process too. */
export async function startSigning(name: string): Promise<Started> {
  const started = start(name);
  try {
    await started.requireActiveKeys();
    return started;
  } catch (error) {
    return exitOn(error);
  }
}

function orExit<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    return exitOn(error);
  }
}

function exitOn(error: unknown): never {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`Countersign cannot start.\n${error.message}\n`);
  process.exit(1);
}
