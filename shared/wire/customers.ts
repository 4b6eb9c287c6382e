/** Customers, as operators see them. */
import { z } from 'zod';
import { MAX_STRING_LENGTH } from '../constants.ts';
import { depthProblem, pagingAnswer, pagingQuery } from './paging.ts';

const text = z.string().max(MAX_STRING_LENGTH);
const longText = z.string().max(4_000);
const instant = z.iso.datetime({ offset: true });

export const customerId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,50}$/, { error: 'must be 1 to 50 of A-Z, a-z, 0-9, _ and -' });

/** In lower case, so that it is found however it is typed. */
const email = z.email().max(MAX_STRING_LENGTH).toLowerCase();

const details = {
  name: text.min(1),
  email: email.nullable(),
  company: text.nullable(),
  phone: text.nullable(),
  address: longText.nullable(),
  notes: longText.nullable(),
  is_active: z.boolean(),
};

export const createCustomerRequest = z
  .object({
    id: customerId,
    name: details.name,
    email: details.email.default(null),
    company: details.company.default(null),
    phone: details.phone.default(null),
    address: details.address.default(null),
    notes: details.notes.default(null),
    is_active: details.is_active.default(true),
  })
  .meta({
    id: 'CreateCustomerRequest',
    example: { id: 'acme-gmbh', name: 'ACME GmbH', email: 'it@acme.example' },
  });

export type CreateCustomer = z.output<typeof createCustomerRequest>;

export const changeCustomerRequest = z
  .object(details)
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, { error: 'Send at least one member to change.' })
  .meta({ id: 'ChangeCustomerRequest', example: { is_active: false } });

export type ChangeCustomer = z.output<typeof changeCustomerRequest>;

export const customer = z
  .object({ id: customerId, ...details, created_at: instant, updated_at: instant })
  .meta({ id: 'Customer' });

export type Customer = z.infer<typeof customer>;

export const listCustomersQuery = z
  .strictObject({
    ...pagingQuery,
    email: z.string().max(MAX_STRING_LENGTH).toLowerCase().optional(),
    is_active: z
      .enum(['true', 'false'])
      .transform((text) => text === 'true')
      .optional(),
  })
  .refine((paging) => depthProblem(paging) === undefined, {
    error: 'reaches too deep; pages end at the 10000th item',
  });

export type ListCustomersQuery = z.output<typeof listCustomersQuery>;

export const listCustomersResponse = z
  .object({ customers: z.array(customer), ...pagingAnswer })
  .meta({ id: 'ListCustomersResponse' });

export const deletedCustomer = z.object({ message: z.string(), customer_id: customerId }).meta({
  id: 'DeletedCustomer',
  example: { message: 'The customer is deleted.', customer_id: 'acme-gmbh' },
});
