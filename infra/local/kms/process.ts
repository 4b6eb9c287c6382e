/**
 * Starts the local KMS as a child process and speaks with it.
 *
 *   const kms = await startLocalKms({ home: '.countersign/kms' });
 *   const client = createKmsClient({ endpoint: `127.0.0.1:${kms.port}` });
 *   await kms.stop();
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Fault, FaultOptions } from './faults.ts';
import type { FromKms, KmsStats, ToKms } from './messages.ts';

const STOP_GRACE_MS = 5_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface LocalKms {
  /** Google's protocol. */
  readonly port: number;
  /** AWS's protocol. */
  readonly awsPort: number;
  readonly pid: number;
  /** Switches a fault on, `null` switches all off; resolves once it is in force. */
  setFault(fault: Fault | null, options?: FaultOptions): Promise<void>;
  stats(): Promise<KmsStats>;
  /** Ends it cleanly; resolves when the process is gone. Stopping twice is no error. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when the process has ended, whatever ended it. */
  readonly exited: Promise<Exit>;
}

/**
 * A port 0, the default, takes any free one.
 *
 * @throws Error whose message is the sentence with which the process refused to start.
 */
export async function startLocalKms(options: {
  home: string;
  port?: number;
  awsPort?: number;
}): Promise<LocalKms> {
  const child = fork(join(import.meta.dirname, 'main.ts'), {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      ...process.env,
      LOCAL_KMS_HOME: options.home,
      LOCAL_KMS_PORT: String(options.port ?? 0),
      LOCAL_KMS_AWS_PORT: String(options.awsPort ?? 0),
    },
  });
  // The channel closes after its last message, so a refusal to start is heard before the exit is.
  const exited = Promise.all([once(child, 'exit'), once(child, 'disconnect')]).then(
    ([[code, signal]]) => ({ code, signal }) as Exit,
  );
  const ask = conversation(child, exited);
  const { port, awsPort } = await ask('ready');

  return {
    port,
    awsPort,
    pid: child.pid as number,
    exited,
    async setFault(fault, faultOptions = {}) {
      await ask('fault-set', { type: 'fault', fault, ...faultOptions });
    },
    async stats() {
      const { type: _, ...stats } = await ask('stats', { type: 'stats' });
      return stats;
    },
    kill: (signal) => void child.kill(signal),
    async stop() {
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
      await exited;
      clearTimeout(force);
    },
  };
}

/** Sends a message and waits for the answer of a type; one question at a time, so that answers cannot mix. */
function conversation(child: ChildProcess, exited: Promise<Exit>) {
  type Answer<T> = Extract<FromKms, { type: T }>;
  let last: Promise<unknown> = Promise.resolve();

  async function exchange<T extends FromKms['type']>(type: T, question?: ToKms): Promise<Answer<T>> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer<T>>();
    const listen = (message: FromKms) => {
      if (message.type === 'failed') reject(new Error(message.message));
      if (message.type === type) resolve(message as Answer<T>);
    };
    child.on('message', listen);
    exited.then(
      ({ code, signal }) => reject(new Error(`The local KMS ended (code ${code}, signal ${signal}).`)),
      reject,
    );
    if (question !== undefined) child.send(question, (error) => error && reject(error));
    return promise.finally(() => child.off('message', listen));
  }

  return <T extends FromKms['type']>(type: T, question?: ToKms): Promise<Answer<T>> => {
    const answer = last.then(() => exchange(type, question));
    last = answer.catch(() => {});
    return answer;
  };
}
