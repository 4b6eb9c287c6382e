/** Exports of any length: to standard output, or to a file that appears when it is complete. */
import { once } from 'node:events';
import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { temporaryFor } from '../../infra/temporary-file.ts';
import { OperatorError } from '../../shared/operator-error.ts';
import { remark } from './output.ts';

/**
 * @param path standard output when undefined
 * @throws OperatorError when the file cannot be written, and what `pieces` throws
 */
export async function writePieces(path: string | undefined, pieces: AsyncIterable<string>): Promise<void> {
  if (path === undefined) await write(process.stdout, pieces);
  else await writeFileWhole(path, pieces);
}

async function write(target: NodeJS.WritableStream, pieces: AsyncIterable<string>): Promise<void> {
  for await (const piece of pieces) {
    if (!target.write(piece)) await once(target, 'drain');
  }
}

/** An export that breaks off leaves no half file under the name that was asked for. */
async function writeFileWhole(path: string, pieces: AsyncIterable<string>): Promise<void> {
  const temporary = temporaryFor(path);
  const file = createWriteStream(temporary, { flags: 'wx', mode: 0o600 });
  try {
    await once(file, 'open');
    await write(file, pieces);
    file.end();
    await once(file, 'close');
    renameSync(temporary, path);
  } catch (error) {
    file.destroy();
    rmSync(temporary, { force: true });
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new OperatorError(`${path} cannot be written: ${(error as Error).message}`, { cause: error });
  }
  remark(`The export is in ${path}.`);
}
