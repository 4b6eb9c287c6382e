/** The function `licenses` in a process of its own, served as a platform serves it, to be killed. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { spawnProgram, waitUntil } from '../spawn-stack.ts';
import { accepts } from './ports.ts';

const require = createRequire(import.meta.url);
const COMMAND = join(dirname(require.resolve('@google-cloud/functions-framework')), 'main.js');
const ARGUMENTS = ['--target=licenses', '--source=functions/licenses/main.ts'];

/** Runs in the server: a test run that was itself killed must not leave it behind. */
const END_WITH_PARENT = `data:text/javascript,${encodeURIComponent(
  'const parent = process.ppid; setInterval(() => process.ppid === parent || process.exit(), 500).unref();',
)}`;

export interface Server {
  readonly port: number;
  /** True from the moment of the kill on: from then a request may stay without an answer. */
  isKilled(): boolean;
  /** True when it was killed or has ended by itself. */
  isDown(): boolean;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** As Ctrl-C does it: then Node writes its compile cache. */
  stop(): Promise<void>;
  /** What it has printed so far. */
  output(): string;
}

/** Resolves once it accepts connections. */
export async function startServer(port: number, env: Readonly<Record<string, string>>): Promise<Server> {
  const program = spawnProgram(COMMAND, [...ARGUMENTS, `--port=${port}`], {
    nodeArgs: ['--import', END_WITH_PARENT],
    env,
  });
  let isKilled = false;
  let isEnded = false;
  const end = async (signal: NodeJS.Signals) => {
    isKilled = true;
    program.kill(signal);
    await program.ended;
  };
  program.ended.then(() => {
    isEnded = true;
  });
  await waitUntil(program, () => accepts(port));
  return {
    port,
    isKilled: () => isKilled,
    isDown: () => isKilled || isEnded,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGINT'),
    output: () => program.stdout() + program.stderr(),
  };
}
