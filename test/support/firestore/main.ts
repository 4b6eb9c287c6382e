/**
 * The Firestore test server in a process of its own; see `process.ts`, which forks it with its options as the first
 * argument. It ends when its parent does.
 */

import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import type { ControlCall, FromServer } from './messages.ts';
import { type FirestoreServer, type FirestoreServerOptions, startFirestoreServer } from './server.ts';

async function main(): Promise<void> {
  // What grpc-js would print about a port in use, the parent hears in one sentence.
  setLogVerbosity(logVerbosity.NONE);
  const options = JSON.parse(process.argv[2] ?? '{}') as FirestoreServerOptions;
  const server = await startFirestoreServer(options);
  const stop = () => process.exit(0);
  process.once('disconnect', stop);
  process.on('message', (call: ControlCall) =>
    tell({ type: 'answer', id: call.id, result: obey(server, call) }),
  );
  // The parent may have died while this process was starting.
  if (!process.connected) stop();
  tell({ type: 'ready', port: server.port });
}

function obey(server: FirestoreServer, { method, args }: ControlCall): unknown {
  return (server[method] as (...args: readonly unknown[]) => unknown)(...args);
}

function tell(message: FromServer, sent: () => void = () => {}): void {
  if (process.send) process.send(message, sent);
  else throw new Error('Start the Firestore test server with spawnFirestoreServer.');
}

main().catch((error: Error) => tell({ type: 'failed', message: error.message }, () => process.exit(1)));
