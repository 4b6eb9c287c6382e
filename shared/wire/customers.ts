/** Customers, as operators see them. */
import { z } from 'zod';
import { MAX_STRING_LENGTH } from '../constants.ts';
import { CUSTOMER, CUSTOMERS } from './examples/operators.ts';
import { instant } from './instant.ts';
import { checkWalk, damagedAnswer, walkAnswer, walkQuery } from './paging.ts';
import { line, longText, text } from './text.ts';

export const customerId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,50}$/, { error: 'must be 1 to 50 of A-Z, a-z, 0-9, _ and -' });

/** In lower case, so that it is found however it is typed. */
const email = z.email().max(MAX_STRING_LENGTH).toLowerCase();

const UNKNOWN = { description: 'Null when it is not known.' };

const details = {
  name: text,
  email: email.nullable().meta(UNKNOWN),
  company: line.nullable().meta(UNKNOWN),
  phone: line.nullable().meta(UNKNOWN),
  address: longText.nullable().meta(UNKNOWN),
  notes: longText.nullable().meta(UNKNOWN),
  is_active: z.boolean(),
};

export const createCustomerRequest = z
  .object({
    id: customerId,
    name: details.name,
    email: details.email.default(null).meta(UNKNOWN),
    company: details.company.default(null).meta(UNKNOWN),
    phone: details.phone.default(null).meta(UNKNOWN),
    address: details.address.default(null).meta(UNKNOWN),
    notes: details.notes.default(null).meta(UNKNOWN),
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
  .refine((changes) => Object.keys(changes).length > 0, {
    error: 'Send at least one member that can be changed.',
  })
  .meta({ id: 'ChangeCustomerRequest', example: { is_active: false } });

export type ChangeCustomer = z.output<typeof changeCustomerRequest>;

export const customer = z
  .object({ id: customerId, ...details, created_at: instant, updated_at: instant })
  .meta({ id: 'Customer', example: CUSTOMER });

export type Customer = z.infer<typeof customer>;

export const listCustomersQuery = z
  .strictObject({
    ...walkQuery,
    email: z
      .string()
      .max(MAX_STRING_LENGTH)
      .toLowerCase()
      .optional()
      .meta({ param: { description: 'The whole address, in any case.', example: 'it@acme.example' } }),
    is_active: z
      .enum(['true', 'false'])
      .transform((text) => text === 'true')
      .optional()
      .meta({ param: { description: 'Only those that are, or that are not.' } }),
  })
  .superRefine(checkWalk);

export type ListCustomersQuery = z.output<typeof listCustomersQuery>;

export const listCustomersResponse = z
  .object({ customers: z.array(customer), ...walkAnswer, ...damagedAnswer })
  .meta({ id: 'ListCustomersResponse', example: CUSTOMERS });

export const deletedCustomer = z.object({ message: z.string(), customer_id: customerId }).meta({
  id: 'DeletedCustomer',
  example: { message: 'The customer is deleted.', customer_id: 'acme-gmbh' },
});
