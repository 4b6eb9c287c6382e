/**
 * Starts the Firestore test server as a child process: for benchmarks, where it must not share an event loop with
 * what it measures, and for tests that kill processes.
 *
 *   const firestore = await spawnFirestoreServer({ latencyMs: 10 });
 *   await firestore.setFault({ kind: 'aborted' }, { times: 1 });
 *   await firestore.stop();
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ControlMethod, FromServer } from './messages.ts';
import type { FirestoreServer, FirestoreServerOptions } from './server.ts';

/** The control methods of `FirestoreServer`, each resolving once it is in force. */
type Controls = {
  readonly [Method in ControlMethod]: (
    ...args: Parameters<FirestoreServer[Method]>
  ) => Promise<ReturnType<FirestoreServer[Method]>>;
};

export interface SpawnedFirestoreServer extends Controls {
  readonly port: number;
  /** `127.0.0.1:{port}` */
  readonly host: string;
  readonly pid: number;
  /** Resolves when the process is gone. Stopping twice is no error. */
  stop(): Promise<void>;
}

/** @throws Error whose message is the sentence with which the process refused to start. */
export async function spawnFirestoreServer(
  options: Omit<FirestoreServerOptions, 'nowMs'> = {},
): Promise<SpawnedFirestoreServer> {
  const child = fork(join(import.meta.dirname, 'main.ts'), [JSON.stringify(options)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // Documents may hold NaN, bigint and bytes.
    serialization: 'advanced',
  });
  const ended = once(child, 'exit');
  const { port, call } = await converse(child);
  return {
    port,
    host: `127.0.0.1:${port}`,
    pid: child.pid as number,
    setLatency: (...args) => call('setLatency', args),
    setFault: (...args) => call('setFault', args),
    stats: () => call('stats', []),
    resetStats: () => call('resetStats', []),
    documents: () => call('documents', []),
    clear: () => call('clear', []),
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Waits until it serves; then calls are matched with their answers by number. */
async function converse(child: ChildProcess) {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const ready = Promise.withResolvers<number>();
  let lastId = 0;

  child.on('message', (message: FromServer) => {
    if (message.type === 'ready') ready.resolve(message.port);
    if (message.type === 'failed') ready.reject(new Error(message.message));
    if (message.type === 'answer') {
      waiting.get(message.id)?.resolve(message.result);
      waiting.delete(message.id);
    }
  });
  child.once('disconnect', () => {
    const error = new Error('The Firestore test server has ended.');
    for (const { reject } of [ready, ...waiting.values()]) reject(error);
  });

  function call<Method extends ControlMethod>(
    method: Method,
    args: Parameters<FirestoreServer[Method]>,
  ): Promise<ReturnType<FirestoreServer[Method]>> {
    const answer = Promise.withResolvers<ReturnType<FirestoreServer[Method]>>();
    lastId += 1;
    waiting.set(lastId, answer as PromiseWithResolvers<unknown>);
    child.send({ id: lastId, method, args }, (error) => error && answer.reject(error));
    return answer.promise;
  }

  return { port: await ready.promise, call };
}
