/** Sentences of refusals, where an easier one would be untrue. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callsOn } from '../support/license-calls.ts';
import { deskOn, of } from '../support/license-desk.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
const desk = deskOn(() => service);
const { acquire } = callsOn(() => service);

beforeAll(async () => {
  service = await startTestService({ deadlineMs: 10_000 });
  await desk.openDesk();
});
afterAll(() => service.stop());

test.each([
  ['GET', ''],
  ['DELETE', '/revoke'],
  ['POST', '/suspend'],
])('%s of an id that is nobody’s speaks of an id, as of another customer’s', async (method, more) => {
  const body = method === 'GET' ? undefined : { reason: 'x' };
  const another = await desk.issued({ customer_id: 'other-co' });
  for (const id of [randomUUID(), another.id])
    expect((await desk.acme(method, of(id, more), body)).body).toMatchObject({
      code: 'license_not_found',
      detail: 'No licence has this id.',
    });
});

test('a key that opens nothing is spoken of as a key', async () => {
  const { body } = await acquire('LIC-NOBODY', 'machine');
  expect(body).toMatchObject({ code: 'license_not_found', detail: expect.stringContaining('has this key') });
});

test('one seat is not all one seats', async () => {
  const [single, double] = [await desk.issued({ seats: 1 }), await desk.issued({ seats: 2 })];
  for (const machine of ['a', 'b', 'c']) {
    await acquire(single.license_key, machine);
    await acquire(double.license_key, machine);
  }
  const detailOf = async (key: string) => (await acquire(key, 'late')).body.detail;
  expect(await detailOf(single.license_key)).toBe('The only seat of this licence is taken. Try again later.');
  expect(await detailOf(double.license_key)).toBe('All 2 seats of this licence are taken. Try again later.');
});

test('a session of another machine is titled as one', async () => {
  const { license_key } = await desk.issued({ seats: 1 });
  const { session_id } = (await acquire(license_key, 'own')).body;
  const claim = { session_id, license_key, hardware_id: 'another' };
  expect((await service.post('/api/v1/licenses/heartbeat', claim)).body).toMatchObject({
    code: 'hardware_mismatch',
    title: 'The session belongs to another machine',
  });
});

test.each(['/api/v1/customers/acme-gmbh', '/api/v1/licenses/any'])(
  'a change at %s of what cannot be changed says so',
  async (path) => {
    const { body } = await desk.operator('PATCH', path, { id: 'x' });
    expect(body.detail).toBe('Send at least one member that can be changed.');
  },
);

test.each([{}, { token: 7 }, { token: ['a'] }])('to validate %j is told what a document is', async (body) => {
  const answer = await service.post('/api/v1/licenses/validate', body);
  expect(answer.body).toMatchObject({
    code: 'invalid_request',
    detail: '/token: must be the document: a text that is not empty, or an object',
  });
});

test('an Idempotency-Key with a space is told that there may be none', async () => {
  const { body } = await desk.issue({}, { 'idempotency-key': 'two words' });
  expect(body.detail).toBe('Idempotency-Key must be 1 to 255 printable ASCII characters without spaces.');
});
