/** A reminder of the end of a licence, sent by e-mail. */
import { z } from 'zod';
import { REMINDER } from './examples/licenses.ts';

export const remindRequest = z
  .object({
    force: z
      .boolean()
      .default(false)
      .meta({ description: 'Sends it also when one was, or may have been, sent for this end.' }),
  })
  .meta({ id: 'RemindRequest', example: { force: false } });

export const remindResponse = z
  .object({
    license_id: z.string(),
    expires_at: z.iso.datetime({ offset: true }).meta({ description: 'The end that it is about.' }),
    sent: z.boolean().nullable().meta({
      description: 'Null when the mail server has, or had, the letter and nobody knows what became of it.',
    }),
    reason: z
      .enum(['smtp_not_configured', 'already_sent', 'outcome_unknown'])
      .nullable()
      .meta({ description: 'Why it was not, or may not have been, sent.' }),
  })
  .meta({ id: 'RemindResponse', example: REMINDER });

export type RemindRequest = z.infer<typeof remindRequest>;
export type RemindResponse = z.infer<typeof remindResponse>;
