/** `licenses/{L}/deliveries/{id}`: a document of a licence that was sent by e-mail, once. */
import { z } from 'zod';
import { instant } from './instant.ts';

export const deliveryRecord = z.object({
  license_id: z.string(),
  customer_id: z.string(),
  format: z.string(),
  kid: z.string(),
  /** The address that it goes to. */
  to: z.string(),
  /** `sending` of one that has not ended, or whose end nobody was told: it was sent or not. */
  status: z.enum(['sending', 'sent', 'failed', 'unknown']),
  started_at: instant,
  ended_at: instant.nullable(),
});

export type DeliveryRecord = z.infer<typeof deliveryRecord>;
