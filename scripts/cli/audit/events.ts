/** Events of the audit trail, as a page or as a whole. */

import type { AuditEvent, EXPORT_FORMATS } from '../../../shared/wire/audit.ts';
import { auditCsvHeader, auditCsvLine, auditJsonLine } from '../../../shared/wire/audit-lines.ts';
import { writePieces } from '../export-file.ts';
import { answer, type OutputOptions } from '../output.ts';
import { openService } from '../service.ts';
import { pageNote, table } from '../table.ts';

interface FilterOptions extends OutputOptions {
  readonly actor?: string;
  readonly action?: string;
  readonly target?: string;
  readonly from?: string;
  readonly to?: string;
}

export interface ListOptions extends FilterOptions {
  readonly page: number;
  readonly pageSize: number;
}

export interface ExportOptions extends FilterOptions {
  readonly format: (typeof EXPORT_FORMATS)[number];
  readonly output?: string;
}

export async function listEvents({ page, pageSize: page_size, ...options }: ListOptions): Promise<void> {
  const { actor, action, target, from, to } = options;
  const found = await openService().audit.list({ actor, action, target, from, to, page, page_size });
  answer(options, found, () => {
    const rows = found.events.map((event) => [
      String(event.seq),
      event.at,
      event.actor,
      event.action,
      event.target,
      event.source ?? '',
    ]);
    return `${table(['SEQ', 'AT', 'ACTOR', 'ACTION', 'TARGET', 'SOURCE'], rows)}\n\n${pageNote(found)}`;
  });
}

/** Whole or not at all: an event that is missing from a file proves nothing. */
export async function exportEvents(options: ExportOptions): Promise<void> {
  const { actor, action, target, from, to } = options;
  const events = openService().audit.all({ actor, action, target, from, to });
  await writePieces(options.output, linesOf(options.json ? 'jsonl' : options.format, events));
}

async function* linesOf(
  format: ExportOptions['format'],
  events: AsyncIterable<AuditEvent>,
): AsyncGenerator<string> {
  if (format === 'csv') yield auditCsvHeader();
  for await (const event of events) yield format === 'csv' ? auditCsvLine(event) : auditJsonLine(event);
}
