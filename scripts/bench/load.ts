/** Puts a server under load from a process of its own, so that making requests does not slow down the server. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What to send, and for how long: `seconds`, or `amount` requests where every one is good once only. */
export interface Load {
  readonly url: string;
  /** Sent in turn. `{unique}` becomes a value that no other request has. */
  readonly bodies: readonly string[];
  readonly connections: number;
  readonly length: { readonly seconds: number } | { readonly amount: number };
}

export interface Measurement {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers outside 2xx, broken connections and timeouts. */
  readonly failures: number;
}

export type FromWorker = { readonly measurement: Measurement } | { readonly error: string };

export interface LoadGenerator {
  run(load: Load): Promise<Measurement>;
  stop(): void;
}

export function startLoadGenerator(): LoadGenerator {
  const worker = fork(join(import.meta.dirname, 'load-worker.ts'), { execArgv: [] });
  const ended = once(worker, 'exit').then(() => {
    throw new Error('The load generator ended.');
  });
  ended.catch(() => {});
  return {
    async run(load) {
      worker.send(load);
      const [answer] = (await Promise.race([once(worker, 'message'), ended])) as [FromWorker];
      if ('error' in answer) throw new Error(answer.error);
      return answer.measurement;
    },
    stop: () => void worker.kill(),
  };
}
