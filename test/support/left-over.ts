/**
 * Other processes that write a file under its temporary name, and are killed before it has its own.
 *
 *   const writer = await startWriter('/tmp/report.jsonl');
 *   await writer.kill(); // leaves writer.temporary behind
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { REPOSITORY } from './spawn-stack.ts';

const PROGRAM = `
  import { writeFileSync } from 'node:fs';
  import { temporaryFor } from ${JSON.stringify(join(REPOSITORY, 'infra', 'temporary-file.ts'))};
  const temporary = temporaryFor(process.argv[1]);
  writeFileSync(temporary, 'half a', { flag: 'wx' });
  process.stdout.write(temporary);
  process.stdin.resume();
`;

export interface Writer {
  readonly temporary: string;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

/** Resolves when its file is there. */
export async function startWriter(path: string): Promise<Writer> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const gone = once(child, 'exit');
  const [temporary] = await once(child.stdout.setEncoding('utf8'), 'data');
  return {
    temporary,
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** What a killed process has left of `path`. */
export async function leaveOver(path: string): Promise<string> {
  const writer = await startWriter(path);
  await writer.kill();
  return writer.temporary;
}
