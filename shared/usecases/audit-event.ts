/** The write that puts an operator's act on record, for the commit of its effect. */
import type { Clock } from '../ports/clock.ts';
import type { Fields, Value, Write } from '../ports/document-store.ts';
import type { Random } from '../ports/random.ts';
import { auditRecord } from '../records/audit.ts';
import { auditPath } from '../records/paths.ts';

export interface AuditEvent {
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly before: Value;
  readonly after: Value;
}

/** Ids order by time. Writing the same event again is a conflict, so that a repeated attempt finds it. */
export function auditWrite(
  { clock, random }: { readonly clock: Pick<Clock, 'now'>; readonly random: Random },
  event: AuditEvent,
): Write & { readonly op: 'set' } {
  const at = clock.now();
  const fields = auditRecord.parse({ at, ...event }) as Fields;
  return { op: 'set', path: auditPath(at, random.bytes(8)), fields, demand: 'absent' };
}
