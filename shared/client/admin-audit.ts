/** Calls of the audit trail, for `admin-client.ts`. */
import type { z } from 'zod';
import type { AuditEvent, listAuditResponse } from '../wire/audit.ts';

export interface AuditFilter {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly target?: string | undefined;
  /** The first instant, RFC 3339. */
  readonly from?: string | undefined;
  /** The first instant that is too late. */
  readonly to?: string | undefined;
}

export interface AuditQuery extends AuditFilter {
  readonly page?: number;
  readonly page_size?: number;
}

export type AuditPage = z.output<typeof listAuditResponse>;

interface AuditCalls {
  read<Answer>(path: string, query: object): Promise<Answer>;
  /** The answer as it is. */
  readText(
    path: string,
    query: object,
  ): Promise<{ readonly text: string; readonly headers: Pick<Headers, 'get'> }>;
}

const PATH = '/api/v1/admin/audit-logs';

export function auditCalls({ read, readText }: AuditCalls) {
  return {
    /** A page of what was done, newest first. */
    list: (query: AuditQuery = {}) => read<AuditPage>(PATH, query),
    /** Every event that fits, part by part: in the order of the chain, or with `from` or `to` in that of time. */
    async *all(filter: AuditFilter = {}): AsyncGenerator<AuditEvent> {
      let query: object | undefined = { ...filter, format: 'jsonl' };
      while (query !== undefined) {
        const { text, headers } = await readText(`${PATH}/export`, query);
        for (const line of text.split('\n')) if (line !== '') yield JSON.parse(line) as AuditEvent;
        query = nextOf(headers.get('link'));
      }
    },
  };
}

/** RFC 8288. Of the link only the query counts: the API key is sent to no other address. */
function nextOf(link: string | null): object | undefined {
  const target = /<([^>]*)>\s*;\s*rel="next"/.exec(link ?? '')?.[1];
  if (target === undefined) return undefined;
  return Object.fromEntries(new URL(target, 'https://service.invalid').searchParams);
}
