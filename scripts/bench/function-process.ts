/** A function in a process of its own, served by the command of the functions-framework. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type AddressInfo, connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const require = createRequire(import.meta.url);
const COMMAND = join(dirname(require.resolve('@google-cloud/functions-framework')), 'main.js');
const REPOSITORY = join(import.meta.dirname, '../..');
const HOST = '127.0.0.1';
const START_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 5_000;
/** Shorter than what is measured by far, and long enough to leave the processor to the process that starts. */
const POLL_MS = 3;

export interface FunctionToServe {
  readonly target: string;
  /** Path of the function's module in the repository. */
  readonly source: string;
  readonly environment: NodeJS.ProcessEnv;
}

export interface FunctionProcess {
  readonly url: string;
  /** Processor time it has used so far, all threads, in milliseconds; NaN where there is no /proc. */
  cpuMs(): number;
  stop(): Promise<void>;
}

/** Resolves as soon as the port accepts a connection. */
export async function startFunction({
  target,
  source,
  environment,
}: FunctionToServe): Promise<FunctionProcess> {
  const port = await freePort();
  const args = [COMMAND, `--target=${target}`, `--source=${source}`, `--port=${port}`];
  const child = spawn(process.execPath, args, {
    cwd: REPOSITORY,
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await accepting(port, child);
  return { url: `http://${HOST}:${port}`, cpuMs: () => cpuMs(child), stop: () => stop(child) };
}

async function accepting(port: number, child: ChildProcess): Promise<void> {
  const deadlineAt = Date.now() + START_LIMIT_MS;
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`The function ended with exit code ${child.exitCode}.`);
    if (Date.now() > deadlineAt) throw new Error('The function does not listen.');
    await pause(POLL_MS);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** utime and stime of proc_pid_stat(5), in ticks of 10 ms. */
function cpuMs({ pid }: ChildProcess): number {
  if (!existsSync(`/proc/${pid}/stat`)) return Number.NaN;
  const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(afterName[11]) + Number(afterName[12])) * 10;
}

/** As Ctrl-C does it, so that a profile is written. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await ended;
  clearTimeout(force);
}
