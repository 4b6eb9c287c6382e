/** Customers for tests, as an operator creates them. */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { AdminCall } from './admin-calls.ts';

/** A new customer; its id. */
export async function addCustomer(call: AdminCall, more: object = {}): Promise<string> {
  const id = `customer_${randomUUID()}`;
  const answer = await call('POST', '/api/v1/customers', { id, name: `Customer ${id}`, ...more });
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 201 });
  return id;
}
