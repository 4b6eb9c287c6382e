/** Events of the audit trail as lines of text. */
import { csvLine } from '../csv.ts';
import type { AuditEvent } from './audit.ts';

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

export const auditCsvHeader = () => csvLine(COLUMNS);

export function auditCsvLine(event: AuditEvent): string {
  return csvLine(
    COLUMNS.map((column) => {
      const value = event[column];
      return typeof value === 'string' || typeof value === 'number' || value === null
        ? value
        : JSON.stringify(value);
    }),
  );
}

export const auditJsonLine = (event: AuditEvent) => `${JSON.stringify(event)}\n`;
