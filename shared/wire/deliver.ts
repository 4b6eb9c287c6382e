/** A document of a licence, sent by e-mail. */
import { z } from 'zod';
import { MAX_STRING_LENGTH } from '../constants.ts';
import { ISSUED_FORMAT_NAMES } from './admin-licenses.ts';

export const deliverRequest = z
  .object({
    format: z.enum(ISSUED_FORMAT_NAMES),
    /** The address of the licence when left out. */
    to: z.email().max(MAX_STRING_LENGTH).optional(),
  })
  .meta({ id: 'DeliverRequest', example: { format: 'dtlic2' } });

export const deliverResponse = z
  .object({
    license_id: z.string(),
    format: z.enum(ISSUED_FORMAT_NAMES),
    key_id: z.string(),
    /** Null when the mail server had the letter and did not say what became of it. */
    sent: z.boolean().nullable(),
    reason: z.enum(['smtp_not_configured', 'outcome_unknown']).nullable(),
  })
  .meta({ id: 'DeliverResponse' });

export type DeliverRequest = z.infer<typeof deliverRequest>;
export type DeliverResponse = z.infer<typeof deliverResponse>;
