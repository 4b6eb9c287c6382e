/**
 * The audit trail as text, a part at a time, in the order of the chain: whoever exports it again later can compare what
 * both have, and an event that is written meanwhile is in a later part.
 */
import type { Caller } from '../access/caller.ts';
import { EXPORT_PAGE } from '../constants.ts';
import { type DocumentStore, documentId } from '../ports/document-store.ts';
import { AUDIT, auditPath } from '../records/paths.ts';
import type { ExportAuditQuery } from '../wire/audit.ts';
import { auditCsvHeader, auditCsvLine, auditJsonLine } from '../wire/audit-lines.ts';
import { conditionsOf, eventOf, requireWholeView } from './list-audit.ts';

export interface AuditPart {
  readonly text: string;
  /** The number of the last event, after which the next part begins; undefined when there is none now. */
  readonly next: number | undefined;
}

/**
 * CSV has its header line in the first part only, so that parts put together are one file.
 * @throws CountersignError `forbidden`, `store_unavailable`
 */
export async function exportAudit(
  store: DocumentStore,
  caller: Caller,
  { format, after, ...filters }: ExportAuditQuery,
): Promise<AuditPart> {
  requireWholeView(caller);
  const found = await store.query({
    collection: AUDIT,
    where: conditionsOf(filters),
    limit: EXPORT_PAGE,
    ...(after > 0 && { startAfter: [documentId(auditPath(after))] }),
  });
  const events = found.flatMap(eventOf);
  const header = format === 'csv' && after === 0 ? auditCsvHeader() : '';
  return {
    text: header + events.map(format === 'csv' ? auditCsvLine : auditJsonLine).join(''),
    next: found.length === EXPORT_PAGE ? events.at(-1)?.seq : undefined,
  };
}
