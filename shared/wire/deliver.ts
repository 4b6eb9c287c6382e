/** A document of a licence, sent by e-mail. */
import { z } from 'zod';
import { MAX_STRING_LENGTH } from '../constants.ts';
import { ISSUED_FORMAT_NAMES } from './admin-licenses.ts';
import { DELIVERY } from './examples/licenses.ts';

export const deliverRequest = z
  .object({
    format: z.enum(ISSUED_FORMAT_NAMES),
    to: z
      .email()
      .max(MAX_STRING_LENGTH)
      .optional()
      .meta({ description: 'The address of the licence when left out.' }),
  })
  .meta({ id: 'DeliverRequest', example: { format: 'aegis', to: 'it@acme.example' } });

export const deliverResponse = z
  .object({
    license_id: z.string(),
    format: z.enum(ISSUED_FORMAT_NAMES),
    key_id: z.string().meta({ description: 'The `kid` of the key that signed it.' }),
    sent: z.boolean().nullable().meta({
      description: 'Null when the mail server had the letter and did not say what became of it.',
    }),
    reason: z
      .enum(['smtp_not_configured', 'outcome_unknown'])
      .nullable()
      .meta({ description: 'Why it was not, or may not have been, sent.' }),
  })
  .meta({ id: 'DeliverResponse', example: DELIVERY });

export type DeliverRequest = z.infer<typeof deliverRequest>;
export type DeliverResponse = z.infer<typeof deliverResponse>;
