/** The audit trail, for those who look after others. */
import type { Ports } from '../../shared/ports/ports.ts';
import { exportAudit } from '../../shared/usecases/export-audit.ts';
import { listAudit } from '../../shared/usecases/list-audit.ts';
import {
  type ExportAuditQuery,
  exportAuditQuery,
  listAuditQuery,
  listAuditResponse,
} from '../../shared/wire/audit.ts';
import { formatInstant } from '../../shared/wire/document.ts';
import { AUDIT_CSV, AUDIT_JSONL } from '../../shared/wire/examples/operators.ts';
import { type Endpoint, get } from '../http/endpoint.ts';

const MEDIA_TYPES = { jsonl: 'application/jsonl', csv: 'text/csv; charset=utf-8' } as const;

export function auditEndpoints({ store }: Pick<Ports, 'store'>): Endpoint[] {
  return [
    get({
      operationId: 'listAuditLogs',
      path: '/api/v1/admin/audit-logs',
      summary: 'What was done, by whom, when and from where; newest first',
      tag: 'audit',
      access: 'audit:read',
      query: listAuditQuery,
      response: listAuditResponse,
      errors: ['store_unavailable'],
      handle: async ({ caller, query }) => ({ body: await listAudit(store, caller, query) }),
    }),
    get({
      operationId: 'exportAuditLogs',
      path: '/api/v1/admin/audit-logs/export',
      summary: 'The audit trail as JSON lines or CSV, oldest first',
      description:
        'A part of at most 1,000 events. While there are more, `Link` has the next part, `rel="next"`; the parts put together are one file. In the order of the chain, or with `from` or `to` in that of time.',
      tag: 'audit',
      access: 'audit:read',
      query: exportAuditQuery,
      mediaType: MEDIA_TYPES.jsonl,
      example: AUDIT_JSONL,
      alternatives: { [MEDIA_TYPES.csv]: AUDIT_CSV },
      answerHeaders: ['Content-Disposition', 'Link'],
      errors: ['store_unavailable'],
      handle: async ({ caller, query }) => {
        const { text, next } = await exportAudit(store, caller, query);
        return {
          body: text,
          headers: {
            'content-type': MEDIA_TYPES[query.format],
            'content-disposition': `attachment; filename="audit.${query.format}"`,
            ...(next !== undefined && { link: nextLink(query, next) }),
          },
        };
      },
    }),
  ];
}

/** RFC 8288; relative to the request, so it holds behind any proxy. */
function nextLink({ from, to, ...query }: ExportAuditQuery, after: number): string {
  const written = (instant?: number) => (instant === undefined ? undefined : formatInstant(instant));
  const times = { from: written(from), to: written(to) };
  const members = Object.entries({ ...query, ...times, after }).filter(([, value]) => value !== undefined);
  const parameters = new URLSearchParams(members.map(([name, value]) => [name, String(value)]));
  return `<?${parameters}>; rel="next"`;
}
