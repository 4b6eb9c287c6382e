/**
 * A key directory whose list of keys is a file: a change is in force within seconds, without a restart. What a request
 * has begun with the old list it ends with it.
 *
 * A list that is wrong changes nothing: signing with keys that were good is better than not signing, and a directory
 * without the key that everybody's documents name refuses them all. The log says so.
 */
import { readFileSync } from 'node:fs';
import type { Log } from '../../shared/ports/log.ts';
import { parseSigningKeys, type SigningKeys } from '../signing-keys.ts';
import type { CloudKeyDirectory } from './directory.ts';

/** A compromise must reach every instance within a minute, and a mounted secret may itself be some seconds late. */
const EVERY_MS = 15_000;

export interface ReloadingDirectoryOptions {
  readonly path: string;
  /** Makes the directory of a list. */
  readonly build: (keys: SigningKeys) => CloudKeyDirectory;
  /** Refuses keys of a local KMS. */
  readonly isProduction?: boolean;
  readonly log: Log;
  /** Default 15,000. */
  readonly everyMs?: number;
}

export interface ReloadingDirectory extends CloudKeyDirectory {
  /** Stops looking at the file. */
  close(): void;
}

/** @throws Error with a sentence when the file cannot be read, or its list is wrong, at the start */
export function createReloadingDirectory({
  path,
  build,
  log,
  isProduction = false,
  everyMs = EVERY_MS,
}: ReloadingDirectoryOptions): ReloadingDirectory {
  let text = readFileSync(path, 'utf8');
  let current = build(parseSigningKeys(text, { isProduction }));

  function reload(): void {
    try {
      const next = readFileSync(path, 'utf8');
      if (next === text) return;
      // Remembered before it is understood: the same mistake is reported once.
      text = next;
      current = build(parseSigningKeys(next, { isProduction }));
      log.write({ severity: 'INFO', message: 'the list of signing keys has changed' });
    } catch (error) {
      const { message } = error as Error;
      log.write({ severity: 'ERROR', message: `the signing keys stay as they were: ${message}` });
    }
  }

  const timer = setInterval(reload, everyMs);
  timer.unref();
  return {
    sign: (algorithm, makeMessage) => current.sign(algorithm, makeMessage),
    find: (kid) => current.find(kid),
    list: () => current.list(),
    macKeys: () => current.macKeys(),
    activeProblems: () => current.activeProblems(),
    close: () => clearInterval(timer),
  };
}
