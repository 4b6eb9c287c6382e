/**
 * The local KMS: a process of its own, so that private keys never enter the service.
 *
 *   LOCAL_KMS_HOME=.countersign/kms LOCAL_KMS_PORT=0 LOCAL_KMS_AWS_PORT=0 node infra/local/kms/main.ts
 *
 * It speaks Google's protocol on the one port and AWS's on the other. Prints one line of JSON,
 * `{"ready":true,"port":N,"awsPort":M}`, once it serves. Forked with a message channel (see
 * `process.ts`) it also reports there, takes faults from there, and ends when its parent does.
 */

import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { createAwsImports } from './aws/imports.ts';
import { createAwsKeys } from './aws/keys.ts';
import { type LocalAwsKmsServer, serveAwsKms } from './aws/server.ts';
import { createFaults, type Faults } from './faults.ts';
import { createImportJobs } from './import-jobs.ts';
import { createKeyring } from './keyring.ts';
import type { FromKms, ToKms } from './messages.ts';
import { type LocalKmsServer, serveKms } from './server.ts';
import { openStorage } from './storage.ts';

async function main(): Promise<void> {
  // What grpc-js would print about a port in use, this process says in one sentence.
  setLogVerbosity(logVerbosity.NONE);
  // Whatever is created below is for this user alone.
  process.umask(0o077);
  const { home, port, awsPort } = readEnvironment(process.env);
  const storage = openStorage(home);
  const faults = createFaults();
  const google = await serveKms(
    { keyring: createKeyring(storage), importJobs: createImportJobs(storage) },
    faults,
    port,
  );
  const awsKeys = createAwsKeys(storage);
  const aws = await serveAwsKms(
    { keys: awsKeys, imports: createAwsImports(storage, awsKeys) },
    faults,
    awsPort,
  );

  const stop = () => {
    google.close();
    aws.close();
    storage.release();
    process.exit(0);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop).once('disconnect', stop);
  // The parent may have died while this process was starting.
  if (process.send && !process.connected) stop();
  process.on('message', (message: ToKms) => tell(reply(message, faults, google, aws)));
  const ports = { port: google.port, awsPort: aws.port };
  process.stdout.write(`${JSON.stringify({ ready: true, ...ports })}\n`);
  tell({ type: 'ready', ...ports });
}

function readEnvironment(env: NodeJS.ProcessEnv): { home: string; port: number; awsPort: number } {
  const home = env.LOCAL_KMS_HOME;
  if (!home) throw new Error('Set LOCAL_KMS_HOME to the folder where the local KMS keeps its keys.');
  return {
    home,
    port: readPort('LOCAL_KMS_PORT', env.LOCAL_KMS_PORT),
    awsPort: readPort('LOCAL_KMS_AWS_PORT', env.LOCAL_KMS_AWS_PORT),
  };
}

function readPort(variable: string, text = '0'): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`${variable} is ${text}; set a port from 0 (any free one) to 65535.`);
}

function reply(message: ToKms, faults: Faults, google: LocalKmsServer, aws: LocalAwsKmsServer): FromKms {
  if (message.type === 'stats') return { type: 'stats', ...google.counts(), aws: aws.counts() };
  faults.set(message.fault, message);
  return { type: 'fault-set' };
}

/** To the parent, when there is one. */
function tell(message: FromKms, sent: () => void = () => {}): void {
  if (process.send) process.send(message, sent);
  else sent();
}

main().catch((error: Error) => {
  if (!process.send) process.stderr.write(`${error.message}\n`);
  tell({ type: 'failed', message: error.message }, () => process.exit(1));
});
