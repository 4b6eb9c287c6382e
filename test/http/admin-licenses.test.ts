/** Whose a licence is, and which ids name none: over HTTP, on both stores. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deskOn, of, refusal } from '../support/license-desk.ts';
import { startTestService, type TestService } from '../support/service.ts';

const NOBODY = '00000000-0000-4000-8000-000000000000';

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  const { acme, issued, openDesk, operator } = deskOn(() => service);

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    await openDesk();
  });
  afterAll(() => service.stop());

  test.each([
    ['GET', ''],
    ['PATCH', ''],
    ['POST', '/renew'],
    ['POST', '/suspend'],
    ['POST', '/reinstate'],
    ['POST', '/transfer'],
    ['DELETE', '/revoke'],
    ['GET', '/documents'],
    ['POST', '/documents'],
  ])('%s %s of a licence of another customer answers as if there were none', async (method, path) => {
    const { id } = await issued({ customer_id: 'other-co' });
    const fits = { notes: 'x', duration_days: 1, reason: 'x', customer_id: 'acme-gmbh', format: 'aegis' };
    const body = method === 'GET' ? undefined : fits;
    const [foreign, unknown] = await Promise.all([
      acme(method, of(id, path), body),
      acme(method, of(NOBODY, path), body),
    ]);
    expect(refusal(foreign)).toEqual([404, 'license_not_found']);
    const { request_id: _, ...problem } = foreign.body;
    const { request_id: __, ...same } = unknown.body;
    expect(problem).toEqual(same);
  });

  test('an id that is no id is not found', async () => {
    for (const id of ['x'.repeat(2000), '%00', '..%2F..'])
      expect((await operator('GET', of(id))).status).toBe(404);
  });
});
