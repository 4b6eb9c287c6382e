/** `countersign mint`: whose licence it becomes. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adminCalls } from '../support/admin-calls.ts';
import { countersignOn } from '../support/countersign.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let apiKey: string;
const { answered, refused } = countersignOn(() => ({ url: service.baseUrl, apiKey }));

beforeAll(async () => {
  service = await startTestService({ deadlineMs: 10_000 });
  apiKey = (await service.admin())['x-api-key'];
});
afterAll(() => service.stop());

const EMAIL = 'ada@example.com';
const MINT = ['mint', '--name', 'Ada', '--email', EMAIL, '--tier', 'core'];

async function customer(id: string, more: object = {}): Promise<void> {
  const operator = adminCalls(service, { 'x-api-key': apiKey });
  const { status } = await operator('POST', '/api/v1/customers', { id, name: id, email: EMAIL, ...more });
  expect(status).toBe(201);
}

test('a mint goes to an active customer with the address, and to one who is named', async () => {
  await customer('a-inactive', { is_active: false });
  await refused('(customer_inactive)', ...MINT);
  await customer('b-active');
  expect(await answered(...MINT)).toMatchObject({ customer_id: 'b-active' });
  await customer('c-active');
  await refused('b-active, c-active. Give --customer', ...MINT);
  expect(await answered(...MINT, '--customer', 'c-active')).toMatchObject({ customer_id: 'c-active' });
  await refused('(customer_inactive)', ...MINT, '--customer', 'a-inactive');
  await refused('(customer_not_found)', ...MINT, '--customer', 'nobody');
  const { total } = await answered('customers', 'list');
  expect(total).toBe(3);
}, 120_000);
