/** Times that no RFC 3339 text or record can hold: refused wherever one is taken, on both stores. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAST_INSTANT_MS } from '../../shared/constants.ts';
import { DAY, deskOn, of, refusal } from '../support/license-desk.ts';
import { startTestService, type TestService } from '../support/service.ts';

const BEFORE_THE_FIRST = ['1969-12-31T23:59:59Z', '1970-01-01T00:30:00+01:00', '0001-01-01T00:00:00Z'];
const AFTER_THE_LAST = ['9999-12-31T23:59:59.001Z', '9999-12-31T23:59:59-01:00'];
const UNHOLDABLE = [...BEFORE_THE_FIRST, ...AFTER_THE_LAST];
const LAST = '9999-12-31T23:59:59Z';

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  const { issued, openDesk, operator } = deskOn(() => service);

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    await openDesk();
  });
  afterAll(() => service.stop());

  const lists = async () =>
    Promise.all(
      ['/api/v1/licenses', '/api/v1/customers', '/api/v1/admin/api-keys'].map(
        async (path) => (await operator('GET', path)).status,
      ),
    );

  test.each(UNHOLDABLE)('a licence that ends at %s is refused, and nothing is changed', async (end) => {
    const { id } = await issued();
    const before = service.dumpStore();
    const answer = await operator('PATCH', of(id), { expires_at: end });
    expect(refusal(answer)).toEqual([422, 'invalid_request']);
    expect(answer.body.errors).toEqual([
      { pointer: '/expires_at', detail: expect.stringContaining('1970-01-01') },
    ]);
    expect(service.dumpStore()).toBe(before);
    expect(await lists()).toEqual([200, 200, 200]);
  });

  test.each(AFTER_THE_LAST)('an API key that expires at %s is refused', async (expires_at) => {
    const wanted = { name: 'shop', scopes: ['licenses:read'], expires_at };
    const answer = await operator('POST', '/api/v1/admin/api-keys', wanted);
    expect([refusal(answer), answer.body.errors[0].pointer]).toEqual([
      [422, 'invalid_request'],
      '/expires_at',
    ]);
  });

  test.each(UNHOLDABLE)('a filter of the audit trail by %s is refused', async (time) => {
    for (const name of ['from', 'to']) {
      const answer = await operator('GET', `/api/v1/admin/audit-logs?${name}=${encodeURIComponent(time)}`);
      expect(refusal(answer)).toEqual([422, 'invalid_request']);
    }
  });

  test('a licence may end with the last instant, and no renewal moves it on', async () => {
    const { id } = await issued({ formats: [] });
    const moved = await operator('PATCH', of(id), { expires_at: LAST });
    expect([moved.status, moved.body.expires_at]).toEqual([200, '9999-12-31T23:59:59.000+00:00']);
    const answer = await operator('POST', of(id, '/renew'), { duration_days: 1 });
    expect(refusal(answer)).toEqual([422, 'invalid_request']);
    expect(answer.body.errors).toEqual([
      { pointer: '/duration_days', detail: expect.stringContaining('9999-12-31') },
    ]);
    expect((await operator('GET', of(id))).body.expires_at).toBe('9999-12-31T23:59:59.000+00:00');
  });

  test('a renewal to the last instant is taken, and one that is a day longer is not', async () => {
    const { id } = await issued({ formats: [] });
    const end = new Date(LAST_INSTANT_MS - 10 * DAY).toISOString();
    expect((await operator('PATCH', of(id), { expires_at: end })).status).toBe(200);
    const renew = (duration_days: number) => operator('POST', of(id, '/renew'), { duration_days });
    expect(refusal(await renew(11))).toEqual([422, 'invalid_request']);
    const renewed = await renew(10);
    expect([renewed.status, renewed.body.expires_at]).toEqual([200, '9999-12-31T23:59:59.000+00:00']);
  });

  test('the document of a session names an end that RFC 3339 can write', async () => {
    const { id, license_key } = await issued({ formats: [] });
    await operator('PATCH', of(id), { expires_at: LAST });
    const answer = await service.post('/api/v1/licenses/acquire', { license_key, hardware_id: 'm' });
    expect(answer.body.license_data.license_expires_at).toBe('9999-12-31T23:59:59.000+00:00');
  });
});
