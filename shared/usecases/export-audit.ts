/**
 * The audit trail as text, a part at a time, in the order of the chain: whoever exports it again later can compare what
 * both have, and an event that is written meanwhile is in a later part.
 *
 * A range of time is in the order of time. Clocks of several instances write the trail, so its events need not have numbers
 * one after the other, and to look through the whole chain for them would cost as much as all of it.
 */
import type { Caller } from '../access/caller.ts';
import { EXPORT_PAGE } from '../constants.ts';
import { CountersignError } from '../errors.ts';
import { type DocumentStore, documentId, type QueryOptions } from '../ports/document-store.ts';
import { auditRecord } from '../records/audit.ts';
import { AUDIT, auditPath } from '../records/paths.ts';
import type { ExportAuditQuery } from '../wire/audit.ts';
import { auditCsvHeader, auditCsvLine, auditJsonLine } from '../wire/audit-lines.ts';
import { type Condition, conditionsOf, eventOf, requireWholeView } from './list-audit.ts';
import { readRecord } from './read.ts';

export interface AuditPart {
  readonly text: string;
  /** The number of the last event, after which the next part begins; undefined when there is none now. */
  readonly next: number | undefined;
}

/**
 * CSV has its header line in the first part only, so that parts put together are one file.
 * @throws CountersignError `forbidden`, `store_unavailable`; `invalid_request` for a range of time `after` an unknown event
 */
export async function exportAudit(
  store: DocumentStore,
  caller: Caller,
  query: ExportAuditQuery,
): Promise<AuditPart> {
  requireWholeView(caller);
  const { format, after, from, to } = query;
  const isByTime = from !== undefined || to !== undefined;
  const part = isByTime ? await byTime(store, query) : inChain(query);
  const found = await store.query({ collection: AUDIT, limit: EXPORT_PAGE, ...part });
  const events = found.flatMap(eventOf);
  const header = format === 'csv' && after === 0 ? auditCsvHeader() : '';
  return {
    text: header + events.map(format === 'csv' ? auditCsvLine : auditJsonLine).join(''),
    next: found.length === EXPORT_PAGE ? events.at(-1)?.seq : undefined,
  };
}

function inChain(query: ExportAuditQuery): QueryOptions {
  const { after } = query;
  return { where: conditionsOf(query), ...(after > 0 && { startAfter: [idOf(after)] }) };
}

/** Events of one millisecond by their numbers. The later of `from` and the last event is where the index is entered. */
async function byTime(store: DocumentStore, query: ExportAuditQuery): Promise<QueryOptions> {
  const { after, from, to } = query;
  const where: Condition[] = conditionsOf(query);
  if (to !== undefined) where.push(['at', '<', to]);
  const last = after > 0 ? await instantOf(store, after) : undefined;
  const isWithin = last !== undefined && last >= (from ?? last);
  const first = isWithin ? last : from;
  if (first !== undefined) where.push(['at', '>=', first]);
  return { where, orderBy: [['at', 'asc']], ...(isWithin && { startAfter: [last, idOf(after)] }) };
}

async function instantOf(store: DocumentStore, seq: number): Promise<number> {
  const [snapshot] = await store.get([auditPath(seq)]);
  const event = readRecord(auditRecord, snapshot)?.record;
  if (event !== undefined) return event.at;
  const detail = 'The parameter after: must be the number of an event of the trail. Begin again without one.';
  throw new CountersignError('invalid_request', detail, { errors: [{ pointer: '', detail }] });
}

const idOf = (seq: number) => documentId(auditPath(seq));
