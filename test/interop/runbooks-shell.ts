/**
 * One bash session, in which commands run one after the other as an operator types them: variables and functions stay.
 *
 *   const shell = openShell({ cwd, env });
 *   const { exit, output } = await shell.run('ls');
 *   await shell.close();
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';

export interface CommandResult {
  readonly exit: number;
  /** What it printed, on both outputs, in its order. */
  readonly output: string;
}

export interface Shell {
  /** One command at a time. Rejects when the session ends meanwhile, as on a variable that is not set. */
  run(command: string): Promise<CommandResult>;
  close(): Promise<void>;
}

export function openShell({ cwd, env }: { cwd: string; env: Readonly<Record<string, string>> }): Shell {
  const bash = spawn('bash', ['--noprofile', '--norc'], { cwd, env, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(bash, 'close');
  // No command prints it by chance.
  const mark = randomUUID();
  let printed = '';
  let heard = () => {};
  bash.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    printed += chunk;
    heard();
  });
  bash.stdin.write('set -u; exec 2>&1\n');

  return {
    run(command) {
      printed = '';
      const result = new Promise<CommandResult>((resolve, reject) => {
        const end = new RegExp(`\n${mark} (\\d+)\n$`);
        heard = () => {
          const found = end.exec(printed);
          if (found !== null) resolve({ exit: Number(found[1]), output: printed.slice(0, found.index) });
        };
        ended.then(() => reject(new Error(`The session ended: ${printed}`)), reject);
      });
      // Not from the session's own input, of which a command would read the commands after it.
      bash.stdin.write(`eval ${quoted(command)} </dev/null; printf '\\n%s %d\\n' ${mark} $?\n`);
      return result;
    },
    async close() {
      bash.stdin.end();
      await ended;
    },
  };
}

/** As one word of a shell. */
export const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
