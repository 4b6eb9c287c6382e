/** The audit trail, as operators see it. */
import { z } from 'zod';
import { MAX_STRING_LENGTH } from '../constants.ts';
import { depthProblem, pagingAnswer, pagingQuery } from './paging.ts';

const text = z.string().min(1).max(MAX_STRING_LENGTH);
const instant = z.iso.datetime({ offset: true });

export const auditEvent = z
  .object({
    seq: z.int().meta({ description: 'From 1, without holes.' }),
    id: z.string(),
    at: instant,
    actor: z.string(),
    source: z.string().nullable().meta({ description: 'The address that the request came from.' }),
    request_id: z.string().nullable(),
    action: z.string(),
    target: z.string(),
    before: z.json(),
    after: z.json(),
    previous: z.string().meta({ description: 'The hash of the event before.' }),
    hash: z.string(),
  })
  .meta({ id: 'AuditEvent' });

export type AuditEvent = z.infer<typeof auditEvent>;

const filters = { actor: text.optional(), action: text.optional(), target: text.optional() };

export type AuditFilters = z.output<z.ZodObject<typeof filters>>;

const time = instant.transform((written) => Date.parse(written));

export const listAuditQuery = z
  .strictObject({
    ...pagingQuery,
    ...filters,
    /** The first instant. */
    from: time.optional(),
    /** The first instant that is too late. */
    to: time.optional(),
  })
  .refine((paging) => depthProblem(paging) === undefined, {
    error: 'reaches too deep; pages end at the 10000th item',
  });

export type ListAuditQuery = z.output<typeof listAuditQuery>;

export const listAuditResponse = z
  .object({ events: z.array(auditEvent), ...pagingAnswer })
  .meta({ id: 'ListAuditResponse' });

export const EXPORT_FORMATS = ['jsonl', 'csv'] as const;

export const exportAuditQuery = z.strictObject({
  ...filters,
  format: z.enum(EXPORT_FORMATS).default('jsonl'),
  /** The last event of the part before. */
  after: z
    .string()
    .regex(/^\d{1,12}$/, { error: 'must be the number of an event' })
    .transform(Number)
    .default(0),
});

export type ExportAuditQuery = z.output<typeof exportAuditQuery>;
