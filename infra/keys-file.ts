/** The operator's list of keys as a file, which instances look at each 15 s. */
import {
  chmodSync,
  chownSync,
  existsSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { isSigningKey, type RegisteredKey } from '../shared/keys/registry.ts';
import { OperatorError } from '../shared/operator-error.ts';
import type { KeyList } from '../shared/ports/key-list.ts';
import { parseSigningKeys } from './signing-keys.ts';
import { temporaryFor } from './temporary-file.ts';

const OWNER_ONLY = 0o600;

export function openKeysFile(path: string): KeyList {
  let lastRead: string | undefined;
  return {
    read: async () => {
      try {
        const text = readFileSync(path, 'utf8');
        const keys = parseSigningKeys(text);
        lastRead = text;
        return keys;
      } catch (cause) {
        throw failure(path, 'used', cause);
      }
    },
    write: async (keys) => {
      const text = textOf(keys);
      try {
        // What nobody could read back must not replace what is in force.
        parseSigningKeys(text);
        replaceFile(path, text, lastRead);
        lastRead = text;
      } catch (cause) {
        throw failure(path, 'written', cause);
      }
    },
  };
}

function failure(path: string, what: string, cause: unknown): OperatorError {
  return new OperatorError(`The list of keys in ${path} cannot be ${what}: ${(cause as Error).message}.`, {
    cause,
  });
}

/** The list as an operator would write it. */
export function textOf(keys: readonly RegisteredKey[]): string {
  return `${JSON.stringify(keys.map(rowOf), null, 2)}\n`;
}

function rowOf(key: RegisteredKey): object {
  const { sunsetAt, ...row } = key;
  const { use, ...rest } = row;
  return {
    ...rest,
    // What is left out means `license`; a list made by hand stays as short as it was.
    ...(isSigningKey(key) && key.use === 'license' ? {} : { use }),
    ...(sunsetAt !== undefined && { sunset_at: new Date(sunsetAt).toISOString() }),
  };
}

/**
 * Whole or not at all: an instance never reads half a list, and it can read the new one if it could read the old one.
 *
 * @param expected what the file must have, so that no change of somebody else is lost; undefined for anything
 */
function replaceFile(path: string, text: string, expected: string | undefined): void {
  // A link stays a link.
  const place = existsSync(path) ? realpathSync(path) : path;
  const temporary = temporaryFor(place);
  try {
    writeFileSync(temporary, text, { flag: 'wx', mode: OWNER_ONLY, flush: true });
    takeOver(place, temporary);
    if (expected !== undefined && readFileSync(place, 'utf8') !== expected)
      throw new Error('it has changed since it was read');
    renameSync(temporary, place);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** The permissions of the file that is replaced, and its owner where that can be given away: by root. */
function takeOver(path: string, temporary: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (process.getuid?.() === 0) chownSync(temporary, found.uid, found.gid);
  chmodSync(temporary, found.mode & 0o777);
}
