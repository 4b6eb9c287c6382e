/**
 * The command `countersign` in a pseudo-terminal of Python's standard library, which Node has none of.
 *
 *   const { exit, screen } = await atTerminal(context, ['keys', 'publish'], { env, steps: [{ see: '[y/N]', type: 'n\r' }] });
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, type TestContext } from 'vitest';
import { REPOSITORY } from '../support/spawn-stack.ts';
import { skipWithout } from './python-packages.ts';

const BIN = join(REPOSITORY, 'scripts', 'countersign.js');
const DRIVER = join(import.meta.dirname, 'terminal.py');
const LIMIT_SECONDS = 60;

/** What the keys of a keyboard send. */
export const KEYS = { enter: '\r', ctrlC: '\u0003', ctrlD: '\u0004', erase: '\u007f' } as const;

export interface Step {
  /** What the screen has to show first, after what the step before waited for. */
  readonly see: string;
  readonly type: string;
}

export interface TerminalOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly steps?: readonly Step[];
  /** Outputs that go elsewhere than to the terminal. */
  readonly pipes?: readonly (1 | 2)[];
}

export interface TerminalSession {
  readonly screen: string;
  /** By the number of the output. */
  readonly pipes: Readonly<Record<string, string>>;
  /** Negative: the signal that ended it. */
  readonly exit: number;
}

/** To its end. Fails when that does not come, when a step was never reached, or when the terminal is not as it was. */
export async function atTerminal(
  context: TestContext,
  args: readonly string[],
  { env, steps = [], pipes = [] }: TerminalOptions,
): Promise<TerminalSession> {
  requirePseudoTerminals(context);
  const { PATH = '', HOME = '' } = process.env;
  const python = spawn('python3', ['-B', DRIVER], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(python, 'close');
  const command = [process.execPath, BIN, ...args];
  const terminal = { PATH, HOME, TERM: 'xterm-256color', FORCE_COLOR: '1', ...env };
  python.stdin.end(
    JSON.stringify({ command, steps, pipes, env: terminal, cwd: REPOSITORY, seconds: LIMIT_SECONDS }),
  );
  const [printed, [status]] = await Promise.all([text(python.stdout), ended]);
  expect(status, printed).toBe(0);
  const { screen, before, after, untyped, exit, ...rest } = JSON.parse(printed);
  expect([exit, untyped], screen).toEqual([expect.any(Number), 0]);
  expect(after).toBe(before);
  return { screen, exit, ...rest };
}

/** On CI they have to be there. */
function requirePseudoTerminals(context: TestContext): void {
  const found = spawnSync('python3', ['-c', 'import pty, termios']);
  if (found.status === 0) return;
  if (process.env.CI === 'true') throw new Error('python3 with the module pty is needed, and is not there.');
  skipWithout(context, 'python3 has no pseudo-terminals here');
}
