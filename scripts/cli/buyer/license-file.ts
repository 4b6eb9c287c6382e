/** The activated licence on the buyer's machine: a file that only they may read. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { OperatorError } from '../../../shared/operator-error.ts';
import { writeOwnerOnly } from '../output.ts';

const activatedLicense = z.object({
  /** As the vendor sent it. */
  license: z.string(),
  /** As they were typed at activation; the licence has to name the same. */
  name: z.string(),
  email: z.string(),
  activated_at: z.iso.datetime({ offset: true }),
  /** The newest key manifest that was seen: for a machine without a network, and against older ones; null where none was. */
  manifest: z.string().nullable(),
});

export type ActivatedLicense = z.output<typeof activatedLicense>;

/** Of `--file`, COUNTERSIGN_LICENSE_FILE, or below the folder for settings of programs. */
export function licenseFilePath({ file }: { readonly file?: string | undefined }): string {
  const settings = process.env.XDG_CONFIG_HOME || join(homedir(), '.config');
  return resolve(
    file || process.env.COUNTERSIGN_LICENSE_FILE || join(settings, 'countersign', 'license.json'),
  );
}

/**
 * Undefined when nothing is activated.
 * @throws OperatorError
 */
export function readActivated(path: string): ActivatedLicense | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return activatedLicense.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new OperatorError(
      `${path} is damaged. Remove it with countersign deactivate, and activate the licence again.`,
      { cause },
    );
  }
}

export function writeActivated(path: string, content: ActivatedLicense): void {
  writeOwnerOnly(path, `${JSON.stringify(content, null, 2)}\n`);
}

/** @throws OperatorError */
export function removeActivated(path: string): void {
  try {
    rmSync(path);
  } catch (cause) {
    throw new OperatorError(`${path} cannot be removed: ${(cause as Error).message}`, { cause });
  }
}
