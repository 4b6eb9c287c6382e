/** The operator's list of keys as a file, which instances look at each 15 s. */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { isSigningKey, type RegisteredKey } from '../shared/keys/registry.ts';
import { OperatorError } from '../shared/operator-error.ts';
import type { KeyList } from '../shared/ports/key-list.ts';
import { parseSigningKeys } from './signing-keys.ts';

const OWNER_ONLY = 0o600;

export function openKeysFile(path: string): KeyList {
  return {
    read: async () => {
      try {
        return parseSigningKeys(readFileSync(path, 'utf8'));
      } catch (cause) {
        throw new OperatorError(`The list of keys in ${path} cannot be used: ${(cause as Error).message}.`, {
          cause,
        });
      }
    },
    write: async (keys) => {
      const text = textOf(keys);
      // What nobody could read back must not replace what is in force.
      parseSigningKeys(text);
      replaceFile(path, text);
    },
  };
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

/** Whole or not at all: an instance never reads half a list. */
function replaceFile(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  const mode = (statSync(path, { throwIfNoEntry: false })?.mode ?? OWNER_ONLY) & 0o777;
  writeFileSync(temporary, text, { mode, flush: true });
  renameSync(temporary, path);
}
