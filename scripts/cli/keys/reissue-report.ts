/**
 * The report of a re-issue, for delivery: a line of JSON for each document of the old key, with the old one and the new
 * one. It is there as a whole or not at all, so a document is never in it twice however often the re-issue was killed.
 */
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { temporaryFor } from '../../../infra/temporary-file.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import type { Reissued } from '../../../shared/usecases/reissue.ts';

const OWNER_ONLY = 0o600;

export interface Report {
  write(reissued: Reissued): Promise<void>;
  /** Puts the report in its place. */
  finish(): Promise<void>;
  /** Leaves what was there before. */
  abandon(): Promise<void>;
}

/**
 * Without a path nothing is written.
 * @throws OperatorError when the file cannot be written; so do its methods
 */
export async function openReport(path: string | undefined): Promise<Report> {
  if (path === undefined) return { write: async () => {}, finish: async () => {}, abandon: async () => {} };
  const told = <Result>(work: Promise<Result>) => orTold(path, work);
  const temporary = temporaryFor(path);
  const file: FileHandle = await told(open(temporary, 'wx', OWNER_ONLY));
  return {
    write: async (reissued) => {
      await told(file.write(`${JSON.stringify(lineOf(reissued))}\n`));
    },
    async finish() {
      await told(file.sync());
      await told(file.close());
      await told(rename(temporary, path));
    },
    async abandon() {
      await file.close();
      await rm(temporary, { force: true });
    },
  };
}

async function orTold<Result>(path: string, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (cause) {
    throw new OperatorError(`${path} cannot be written: ${(cause as Error).message}`, { cause });
  }
}

function lineOf({ outcome, reason, customerId, old, new: fresh }: Reissued) {
  return {
    license_id: old.license_id,
    customer_id: customerId,
    format: old.format,
    outcome,
    reason,
    old: { kid: old.kid, document: old.text },
    new: fresh === null ? null : { kid: fresh.kid, document: fresh.text },
  };
}
