/**
 * Programs of this repository as processes of their own, as a developer starts them.
 *
 *   const stack = await spawnStack({ home });
 *   await fetch(`${stack.local.base_url}/health`);
 *   await stack.stop('SIGINT');
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { LocalFile } from '../../scripts/local/local-file.ts';

export const REPOSITORY = join(import.meta.dirname, '..', '..');
const LAUNCHER = join(REPOSITORY, 'scripts', 'launch.js');

const START_LIMIT_MS = 50_000;
const STOP_LIMIT_MS = 15_000;
const POLL_MS = 25;

/** What the child gets of this process's environment; vitest's own variables stay here. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'SystemRoot'];

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

/** Processes whose parent is `pid`. */
export function childrenOf(pid: number): number[] {
  return processes().flatMap((row) => (row.parent === pid && row.command !== 'ps' ? [row.pid] : []));
}

/** False for a process that has ended, also when nobody has collected its exit code yet. */
export function isAlive(pid: number): boolean {
  return processes().some((row) => row.pid === pid && !row.state.startsWith('Z'));
}

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly command: string;
}

/** From /proc where there is one, since a small container has no `ps`. */
function processes(): ProcessRow[] {
  if (existsSync('/proc/self/stat'))
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap(fromProc);
  const rows = execFileSync('ps', ['-axo', 'pid=,ppid=,stat=,comm='], { encoding: 'utf8' })
    .trim()
    .split('\n');
  return rows.map((row) => {
    const [pid, parent, state = '', command = ''] = row.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), state, command };
  });
}

function fromProc(pid: string): ProcessRow[] {
  try {
    // proc_pid_stat(5): pid (command) state parent …; the command may hold anything, also parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [
      {
        pid: Number(pid),
        parent: Number(parent),
        state,
        command: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
      },
    ];
  } catch {
    return [];
  }
}

/** True when the process ends within `limitMs`. */
export async function endsWithin(pid: number, limitMs: number): Promise<boolean> {
  const deadlineAt = Date.now() + limitMs;
  while (isAlive(pid)) {
    if (Date.now() > deadlineAt) return false;
    await pause(POLL_MS);
  }
  return true;
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
