/** The audit trail, as operators see it. */
import { z } from 'zod';
import { MAX_STRING_LENGTH } from '../constants.ts';
import { AUDIT_EVENTS } from './examples/operators.ts';
import { CUSTOMER_ID } from './examples/values.ts';
import { epochMilliseconds, instant } from './instant.ts';
import { depthProblem, pagingAnswer, pagingQuery } from './paging.ts';

const text = z.string().min(1).max(MAX_STRING_LENGTH);

export const auditEvent = z
  .object({
    seq: z.int().meta({ description: 'From 1, without holes.' }),
    id: z.string(),
    at: instant.meta({ description: 'When it was committed.' }),
    actor: z
      .string()
      .meta({ description: '`key:` and the prefix of an API key, or whom an ID token names.' }),
    source: z.string().nullable().meta({ description: 'The address that the request came from.' }),
    request_id: z.string().nullable().meta({ description: '`X-Request-Id`; null of what no request did.' }),
    action: z.string().meta({ description: 'What was done, e.g. `licenses.renew`.' }),
    target: z.string().meta({ description: 'The id of the object.' }),
    before: z.json().meta({ description: 'Of what changed; null of a new object.' }),
    after: z.json().meta({ description: 'The same afterwards; null of an object that is gone.' }),
    previous: z.string().meta({ description: 'The hash of the event before.' }),
    hash: z.string().meta({ description: 'Of this event and of `previous`.' }),
  })
  .meta({ id: 'AuditEvent' });

export type AuditEvent = z.infer<typeof auditEvent>;

const time = instant.transform(epochMilliseconds);

const filters = {
  actor: text.optional(),
  action: text.optional().meta({ param: { example: 'customers.change' } }),
  target: text.optional().meta({ param: { description: 'The id of the object.', example: CUSTOMER_ID } }),
  from: time
    .optional()
    .meta({ param: { description: 'The first instant.', example: '2026-01-01T00:00:00Z' } }),
  to: time
    .optional()
    .meta({ param: { description: 'The first instant that is too late.', example: '2100-01-01T00:00:00Z' } }),
};

export type AuditFilters = z.output<z.ZodObject<typeof filters>>;

export const listAuditQuery = z
  .strictObject({
    ...pagingQuery,
    ...filters,
  })
  .refine((paging) => depthProblem(paging) === undefined, {
    error: 'reaches too deep; pages end at the 10000th item',
  });

export type ListAuditQuery = z.output<typeof listAuditQuery>;

export const listAuditResponse = z
  .object({ events: z.array(auditEvent), ...pagingAnswer })
  .meta({ id: 'ListAuditResponse', example: AUDIT_EVENTS });

export const EXPORT_FORMATS = ['jsonl', 'csv'] as const;

export const exportAuditQuery = z.strictObject({
  ...filters,
  format: z
    .enum(EXPORT_FORMATS)
    .default('jsonl')
    .meta({ param: { description: '`jsonl` when left out.' } }),
  after: z
    .string()
    .regex(/^\d{1,12}$/, { error: 'must be the number of an event' })
    .transform(Number)
    .default(0)
    .meta({ param: { description: 'The `seq` of the last event of the part before.' } }),
});

export type ExportAuditQuery = z.output<typeof exportAuditQuery>;
