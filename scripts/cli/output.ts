/** Answers of commands: JSON for programs, text for people, files whole or not at all. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { temporaryFor } from '../../infra/temporary-file.ts';
import { OperatorError } from '../../shared/operator-error.ts';

export interface OutputOptions {
  readonly json?: boolean;
}

/** `text` is made only when it is asked for. */
export function answer({ json }: OutputOptions, value: unknown, text: () => string): void {
  print(json ? JSON.stringify(value) : text());
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** What the one who asked should know and a program that reads the answer should not trip over. */
export function remark(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * Only its owner may read it: there are licences and addresses in it.
 * @throws OperatorError
 */
export function writeOwnerOnly(path: string, text: string): void {
  const temporary = temporaryFor(path);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(temporary, text, { flag: 'wx', mode: 0o600 });
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new OperatorError(`${path} cannot be written: ${(cause as Error).message}`, { cause });
  }
}
