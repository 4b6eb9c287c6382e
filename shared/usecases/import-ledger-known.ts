/** A line of the old ledger whose licence is there already: whether it is just that, and what is known of it by now. */
import type { z } from 'zod';
import type { Snapshot, Write } from '../ports/document-store.ts';
import { documentRecord } from '../records/document.ts';
import { licenseRecord } from '../records/license.ts';
import type { LedgerEntry } from './import-ledger-line.ts';

/** What is stored where a line belongs. */
export interface Place {
  readonly license: Snapshot;
  readonly document: Snapshot | undefined;
}

const ANOTHER = 'A licence with this license_key is there, and its document is another than the blob.';

/** The blob is the whole line, so the same blob is the same line. */
export function otherBlob({ line }: LedgerEntry, stored: string): string | undefined {
  return stored === line.blob ? undefined : ANOTHER;
}

/** Why the licence that is stored for a line's key is not that of the line; undefined when it is. */
export function storedProblem(entry: LedgerEntry, place: Place, customerId: string): string | undefined {
  const license = readOr(licenseRecord, place.license);
  const document = place.document && readOr(documentRecord, place.document);
  if (license === 'damaged' || document === 'damaged')
    return 'The record of this licence is damaged. The operator of the service has to repair it.';
  if (license.customer_id !== customerId) return 'This licence is held by another customer.';
  return document === undefined ? ANOTHER : otherBlob(entry, document.text);
}

/** A damaged record is the problem of its own line and of no other. */
function readOr<T>(schema: z.ZodType<T>, { fields }: Snapshot): T | 'damaged' {
  return schema.safeParse(fields).data ?? 'damaged';
}

/** What a line changes whose blob could not be verified when it was imported, and is verified now. */
export function vouchingWrites({ path, version, fields }: Snapshot, now: number): Write[] {
  if (fields.unverified !== true) return [];
  const updated_at = Math.max(now, Number(fields.updated_at) + 1);
  return [{ op: 'update', path, fields: { unverified: false, updated_at }, demand: { version } }];
}
