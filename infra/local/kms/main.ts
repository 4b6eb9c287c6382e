/**
 * The local KMS: a process of its own, so that private keys never enter the service.
 *
 *   LOCAL_KMS_HOME=.countersign/kms LOCAL_KMS_PORT=0 node infra/local/kms/main.ts
 *
 * Prints one line of JSON, `{"ready":true,"port":N}`, once it serves. Forked with a message channel (see
 * `process.ts`) it also reports there, takes faults from there, and ends when its parent does.
 */

import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { createFaults, type Faults } from './faults.ts';
import { createKeyring } from './keyring.ts';
import type { FromKms, ToKms } from './messages.ts';
import { type LocalKmsServer, serveKms } from './server.ts';
import { openStorage } from './storage.ts';

async function main(): Promise<void> {
  // What grpc-js would print about a port in use, this process says in one sentence.
  setLogVerbosity(logVerbosity.NONE);
  // Whatever is created below is for this user alone.
  process.umask(0o077);
  const { home, port } = readEnvironment(process.env);
  const storage = openStorage(home);
  const faults = createFaults();
  const server = await serveKms(createKeyring(storage), faults, port);

  const stop = () => {
    server.close();
    storage.release();
    process.exit(0);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop).once('disconnect', stop);
  // The parent may have died while this process was starting.
  if (process.send && !process.connected) stop();
  process.on('message', (message: ToKms) => tell(reply(message, faults, server)));
  process.stdout.write(`${JSON.stringify({ ready: true, port: server.port })}\n`);
  tell({ type: 'ready', port: server.port });
}

function readEnvironment(env: NodeJS.ProcessEnv): { home: string; port: number } {
  const home = env.LOCAL_KMS_HOME;
  const port = Number(env.LOCAL_KMS_PORT ?? 0);
  if (!home) throw new Error('Set LOCAL_KMS_HOME to the folder where the local KMS keeps its keys.');
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`LOCAL_KMS_PORT is ${env.LOCAL_KMS_PORT}; set a port from 0 (any free one) to 65535.`);
  }
  return { home, port };
}

function reply(message: ToKms, faults: Faults, server: LocalKmsServer): FromKms {
  if (message.type === 'stats') return { type: 'stats', ...server.stats() };
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
