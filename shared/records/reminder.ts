/** `licenses/{L}/reminders/{end}`: a letter that reminds of one end of a licence. An end that is moved is another one. */
import { z } from 'zod';
import { instant } from './instant.ts';

export const reminderRecord = z.object({
  license_id: z.string(),
  customer_id: z.string(),
  /** The end that it is about. */
  reminded_for: instant,
  /** The request that began it: 16 random bytes, hex. One that is forced takes the place of the one before. */
  attempt: z.string(),
  /** The address that it goes to. */
  to: z.string(),
  /** `sending` of one that has not ended, or whose end nobody was told: it was sent or not. */
  status: z.enum(['sending', 'sent', 'failed', 'unknown']),
  started_at: instant,
  ended_at: instant.nullable(),
});

export type ReminderRecord = z.infer<typeof reminderRecord>;
