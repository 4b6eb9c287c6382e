/** Packages of Python that tests ask for a second opinion, in an environment of their own. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type PythonPackages =
  | { readonly bin: string; readonly reason?: undefined }
  | { readonly bin?: undefined; readonly reason: string };

/**
 * Installs `requirements`, pinned, into a new environment below `folder`, and answers where its programs are. Where the
 * package index cannot be reached it answers why, also on CI: what has to be shown is shown by programs that are there.
 */
export async function installPackages(
  folder: string,
  requirements: readonly string[],
): Promise<PythonPackages> {
  const home = join(folder, 'venv');
  const bin = join(home, 'bin');
  const patience = ['--timeout', '15', '--retries', '1'];
  const wanted = [
    '--quiet',
    '--disable-pip-version-check',
    ...patience,
    '--only-binary',
    ':all:',
    ...requirements,
  ];
  try {
    await run('python3', ['-m', 'venv', home]);
    await run(join(bin, 'pip'), ['install', ...wanted]);
    return { bin };
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    return { reason: `${requirements.join(', ')} cannot be installed: ${stderr || message}` };
  }
}

/** Skips a test whose packages are not there, and says so on standard error. */
export function skipWithout(
  context: { readonly task: { readonly name: string }; skip(reason: string): never },
  reason: string,
): never {
  console.warn(`Skipped "${context.task.name}": ${reason}.`);
  return context.skip(reason);
}
