/** Configuration and infrastructure of a function, or a sentence and the end of the process. */
import { type Config, ConfigError, loadConfig } from './config.ts';
import { createInfrastructure, type Infrastructure } from './ports.ts';
import { VERSION } from './version.ts';

export interface Started extends Infrastructure {
  readonly config: Config;
  readonly settings: {
    readonly issuer: string;
    readonly clockSkewSeconds: number;
    readonly signingFailurePolicy: Config['SIGNING_FAILURE_POLICY'];
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
  try {
    const config = loadConfig(environment);
    const { ISSUER: issuer, NODE_ENV, CLOCK_SKEW_SECONDS: clockSkewSeconds } = config;
    const { SIGNING_FAILURE_POLICY: signingFailurePolicy } = config;
    return {
      ...createInfrastructure(config),
      config,
      settings: { issuer, clockSkewSeconds, signingFailurePolicy },
      about: { name, version: VERSION, environment: NODE_ENV, issuer },
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`Countersign cannot start.\n${error.message}\n`);
    process.exit(1);
  }
}
