/**
 * The report of a re-issue, for delivery: a line of JSON for each document of the old key, with the old one and the new
 * one. It is there as a whole or not at all, so a document is never in it twice however often the re-issue was killed.
 */
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { Reissued } from '../../../shared/usecases/reissue.ts';

const OWNER_ONLY = 0o600;

export interface Report {
  write(reissued: Reissued): Promise<void>;
  /** Puts the report in its place. */
  finish(): Promise<void>;
  /** Leaves what was there before. */
  abandon(): Promise<void>;
}

/** Without a path nothing is written. */
export async function openReport(path: string | undefined): Promise<Report> {
  if (path === undefined) return { write: async () => {}, finish: async () => {}, abandon: async () => {} };
  const temporary = `${path}.${process.pid}.tmp`;
  const file: FileHandle = await open(temporary, 'w', OWNER_ONLY);
  return {
    write: async (reissued) => {
      await file.write(`${JSON.stringify(lineOf(reissued))}\n`);
    },
    async finish() {
      await file.sync();
      await file.close();
      await rename(temporary, path);
    },
    async abandon() {
      await file.close();
      await rm(temporary, { force: true });
    },
  };
}

function lineOf({ outcome, reason, old, new: fresh }: Reissued) {
  return {
    license_id: old.license_id,
    customer_id: old.customer_id,
    format: old.format,
    outcome,
    reason,
    old: { kid: old.kid, document: old.text },
    new: fresh === null ? null : { kid: fresh.kid, document: fresh.text },
  };
}
