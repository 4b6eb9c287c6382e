/** Who did what, the newest first. Two calls to the store, however long the trail is. */
import type { Caller } from '../access/caller.ts';
import { CountersignError } from '../errors.ts';
import type { Comparison, DocumentStore, Query, Snapshot, Value } from '../ports/document-store.ts';
import { auditRecord } from '../records/audit.ts';
import { AUDIT } from '../records/paths.ts';
import type { AuditEvent, AuditFilters, ListAuditQuery } from '../wire/audit.ts';
import { formatInstant } from '../wire/document.ts';
import { pagingOf } from '../wire/paging.ts';
import { readRecord } from './read.ts';
import { together } from './together.ts';

export type Condition = readonly [field: string, comparison: Comparison, value: Value];

/**
 * Newest by the clocks of those who wrote; events of one millisecond by their numbers.
 * @throws CountersignError `forbidden`, `store_unavailable`
 */
export async function listAudit(
  store: DocumentStore,
  caller: Caller,
  { from, to, ...wanted }: ListAuditQuery,
): Promise<{ readonly events: AuditEvent[] } & ReturnType<typeof pagingOf>> {
  requireWholeView(caller);
  const { page, page_size: size } = wanted;
  const where = conditionsOf(wanted);
  if (from !== undefined) where.push(['at', '>=', from]);
  if (to !== undefined) where.push(['at', '<', to]);
  const query: Query = { collection: AUDIT, where, orderBy: [['at', 'desc']] };
  const [found, { count }] = await together([
    store.query({ ...query, limit: page * size }),
    store.aggregate(query),
  ]);
  return { events: found.slice((page - 1) * size).flatMap(eventOf), ...pagingOf(wanted, count) };
}

/** One event tells of objects of many customers, and a part of a chain proves nothing. */
export function requireWholeView({ customerId }: Pick<Caller, 'customerId'>): void {
  if (customerId === null) return;
  throw new CountersignError(
    'forbidden',
    'A caller that is bound to one customer does not see the audit trail.',
  );
}

export function conditionsOf({ actor, action, target }: AuditFilters): Condition[] {
  return Object.entries({ actor, action, target }).flatMap(([field, value]): Condition[] =>
    value === undefined ? [] : [[field, '==', value]],
  );
}

/** One event, as operators see it. */
export function eventOf(snapshot: Snapshot): AuditEvent[] {
  const event = readRecord(auditRecord, snapshot)?.record;
  return event === undefined ? [] : [{ ...event, at: formatInstant(event.at) }];
}
