/** Licence keys that are given to a command. */
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { OperatorError } from '../../shared/operator-error.ts';
import { ask } from './ask.ts';
import { remark } from './output.ts';

export interface KeyOptions {
  readonly key?: string;
  readonly keyFile?: string;
}

const STANDARD_INPUT = '-';

export function keyOptions(command: Command, what: string): Command {
  return keyFileOption(command, what).option(
    '--key <key>',
    'the same, for every user of this machine to see',
  );
}

export function keyFileOption(command: Command, what: string): Command {
  return command.option('--key-file <file>', `${what}, in a file; - is standard input`);
}

/** @throws OperatorError */
export async function givenKey({ key, keyFile }: KeyOptions): Promise<string | undefined> {
  if (key !== undefined && keyFile !== undefined)
    throw new OperatorError('Give either --key-file or --key, not both.');
  if (key !== undefined)
    remark('Every user of this machine can see a key that is an argument. --key-file takes it from a file.');
  return keyFile === undefined ? key : readKey(keyFile);
}

async function readKey(file: string): Promise<string> {
  const name = file === STANDARD_INPUT ? 'Standard input' : file;
  const key = (await readText(file, name)).trim();
  if (key === '' || key.includes('\n'))
    throw new OperatorError(`${name} must hold one line: the licence key.`);
  return key;
}

async function readText(file: string, name: string): Promise<string> {
  try {
    if (file !== STANDARD_INPUT) return readFileSync(file, 'utf8');
    return process.stdin.isTTY ? ((await ask('Licence key: ')) ?? '') : await text(process.stdin);
  } catch (cause) {
    throw new OperatorError(`${name} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
