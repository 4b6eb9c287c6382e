/** `customers/{id}`: whom licences are sold to. Its id is the operator's. */
import { z } from 'zod';
import { instant } from './instant.ts';

export const customerRecord = z.object({
  name: z.string(),
  email: z.string().nullable(),
  company: z.string().nullable(),
  phone: z.string().nullable(),
  address: z.string().nullable(),
  notes: z.string().nullable(),
  is_active: z.boolean(),
  created_at: instant,
  updated_at: instant,
});

export type CustomerRecord = z.infer<typeof customerRecord>;
