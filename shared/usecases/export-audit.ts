/**
 * The audit trail as text, a part at a time, in the order of the chain: whoever exports it again later can compare what
 * both have, and an event that is written meanwhile is in a later part.
 */
import type { Caller } from '../access/caller.ts';
import { EXPORT_PAGE } from '../constants.ts';
import { csvLine } from '../csv.ts';
import { type DocumentStore, documentId } from '../ports/document-store.ts';
import { AUDIT, auditPath } from '../records/paths.ts';
import type { AuditEvent, ExportAuditQuery } from '../wire/audit.ts';
import { conditionsOf, eventOf, requireWholeView } from './list-audit.ts';

export interface AuditPart {
  readonly text: string;
  /** The number of the last event, after which the next part begins; undefined when there is none now. */
  readonly next: number | undefined;
}

const COLUMNS = [
  'seq',
  'at',
  'actor',
  'source',
  'request_id',
  'action',
  'target',
  'before',
  'after',
  'id',
  'previous',
  'hash',
] as const satisfies readonly (keyof AuditEvent)[];

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
  const header = format === 'csv' && after === 0 ? csvLine(COLUMNS) : '';
  return {
    text: header + events.map(format === 'csv' ? csvOf : jsonOf).join(''),
    next: found.length === EXPORT_PAGE ? events.at(-1)?.seq : undefined,
  };
}

const jsonOf = (event: AuditEvent) => `${JSON.stringify(event)}\n`;

function csvOf(event: AuditEvent): string {
  return csvLine(
    COLUMNS.map((column) => {
      const value = event[column];
      return typeof value === 'string' || typeof value === 'number' || value === null
        ? value
        : JSON.stringify(value);
    }),
  );
}
