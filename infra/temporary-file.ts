/**
 * Names for files that get their own name when they are complete. What a killed process left behind is removed by the next one
 * that writes the same file; what a process is still writing stays.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { OperatorError } from '../shared/operator-error.ts';

/** Where a process id means something: on one machine, and there in one namespace, since each container counts anew. */
const PLACE = createHash('sha256')
  .update(`${hostname()} ${statSync('/proc/self/ns/pid', { throwIfNoEntry: false })?.ino}`)
  .digest('hex')
  .slice(0, 8);

/**
 * A new name beside `path`. Open it with the flag `wx`: in a folder of many users anything may have that name.
 *
 *   const temporary = temporaryFor('/tmp/report.jsonl'); // /tmp/report.jsonl.3fa90c11.4711.9be0d2c4.tmp
 *
 * @throws OperatorError for a folder or a device, which must not be replaced
 */
export function temporaryFor(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false)
    throw new OperatorError(`${path} cannot be written: it is there, and is no file.`);
  for (const leftOver of leftOversOf(path)) removeIfPossible(leftOver);
  return `${path}.${PLACE}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
}

/** Of this place, by processes that run no more. */
function leftOversOf(path: string): string[] {
  const folder = dirname(path);
  const beginning = `${basename(path)}.${PLACE}.`;
  return namesIn(folder)
    .filter((name) => name.startsWith(beginning))
    .filter((name) => {
      const [, pid] = /^(\d+)\.[0-9a-f]{8}\.tmp$/.exec(name.slice(beginning.length)) ?? [];
      return pid !== undefined && !isRunning(Number(pid));
    })
    .map((name) => join(folder, name));
}

/** A folder that cannot be listed may be one that can be written to; whether it can, writing tells. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** What another user left is no reason not to write. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Of another user's process it says EPERM.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
