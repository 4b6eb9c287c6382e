/**
 * Programs of this repository as processes of their own, as a developer starts them.
 *
 *   const stack = await spawnStack({ home });
 *   await fetch(`${stack.local.base_url}/health`);
 *   await stack.stop('SIGINT');
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { LocalFile } from '../../scripts/local/local-file.ts';
import { childrenOf } from './processes.ts';

export const REPOSITORY = join(import.meta.dirname, '..', '..');
const LAUNCHER = join(REPOSITORY, 'scripts', 'launch.js');

const START_LIMIT_MS = 50_000;
const STOP_LIMIT_MS = 15_000;
const POLL_MS = 25;

/** What the child gets of this process's environment; vitest's own variables stay here. */
const INHERITED = ['NODE_COMPILE_CACHE', 'PATH', 'HOME', 'TMPDIR', 'SystemRoot'];

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Program {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Sends a signal to this process alone. */
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

export interface ProgramOptions {
  /** The Node that runs it; this process's own unless told. */
  readonly node?: string;
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A process group of its own, as a shell gives to a command. */
  readonly detached?: boolean;
}

/** Starts `node [nodeArgs] file args`. */
export function spawnProgram(file: string, args: readonly string[], options: ProgramOptions = {}): Program {
  const { node = process.execPath, nodeArgs = [], env = {}, detached = false } = options;
  const inherited = INHERITED.flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]]],
  );
  const child: ChildProcess = spawn(node, [...nodeArgs, file, ...args], {
    cwd: REPOSITORY,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached,
  });
  const text = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text.stdout += chunk;
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text.stderr += chunk;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...text }) as Ended);
  return {
    pid: child.pid as number,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    kill: (signal) => void child.kill(signal),
    ended,
  };
}

/** Runs a program of scripts/ through its launcher. */
export function launch(program: 'start.ts' | 'demo.ts', options: ProgramOptions = {}): Program {
  return spawnProgram(LAUNCHER, [program], options);
}

export interface SpawnedStack extends Program {
  /** What local.json said when the stack was ready. */
  readonly local: LocalFile;
  readonly kmsPid: number;
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ended>;
}

export interface StackOptions extends ProgramOptions {
  readonly home: string;
  /** 0, the default, takes any free one. */
  readonly port?: number;
}

/** `npm start`, until it serves. Fails with what it printed when it does not. */
export async function spawnStack({
  home,
  port = 0,
  env = {},
  ...options
}: StackOptions): Promise<SpawnedStack> {
  const program = launch('start.ts', {
    ...options,
    env: { PORT: String(port), COUNTERSIGN_HOME: home, ...env },
  });
  await waitUntil(program, () => program.stdout().includes('Ctrl-C stops it.'));
  const [kmsPid] = childrenOf(program.pid);
  if (kmsPid === undefined) throw new Error('The stack runs without a KMS process.');
  return {
    ...program,
    local: readLocalFile(home),
    kmsPid,
    stop: async (signal = 'SIGTERM') => {
      program.kill(signal);
      const force = setTimeout(() => program.kill('SIGKILL'), STOP_LIMIT_MS);
      const ended = await program.ended;
      clearTimeout(force);
      return ended;
    },
  };
}

export function readLocalFile(home: string): LocalFile {
  return JSON.parse(readFileSync(join(home, 'local.json'), 'utf8')) as LocalFile;
}

/** Resolves once `isReady`; ends the program and fails when it takes too long or ends first. */
export async function waitUntil(program: Program, isReady: () => boolean | Promise<boolean>): Promise<void> {
  let ended: Ended | undefined;
  program.ended.then((end) => {
    ended = end;
  });
  const deadlineAt = Date.now() + START_LIMIT_MS;
  while (!(await isReady())) {
    if (ended !== undefined) throw new Error(`It ended before it was ready: ${JSON.stringify(ended)}`);
    if (Date.now() > deadlineAt) {
      program.kill('SIGKILL');
      throw new Error(`It was not ready in time. ${program.stdout()}${program.stderr()}`);
    }
    await pause(POLL_MS);
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
