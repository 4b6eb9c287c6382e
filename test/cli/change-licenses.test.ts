/** `countersign licenses change …`, and changes that hold only for what the operator saw. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countersignOn } from '../support/countersign.ts';
import { deskOn, of } from '../support/license-desk.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let apiKey: string;
const { issued, openDesk, operator } = deskOn(() => service);
const { run, answered, refused } = countersignOn(() => ({ url: service.baseUrl, apiKey }));

beforeAll(async () => {
  service = await startTestService({ deadlineMs: 10_000 });
  apiKey = (await service.admin())['x-api-key'];
  await openDesk();
});
afterAll(() => service.stop());

const etagOf = async (id: string) => (await operator('GET', of(id))).headers.get('etag') ?? '';
const show = (id: string) => answered('licenses', 'show', id);

test('every member is changed, and nothing that was not given', async () => {
  const { id, seats, notes } = await issued({ seats: 3, notes: 'as it was' });
  const limits = ['--max-instances', '4', '--max-services', '5', '--max-requests-per-day', '6'];
  const policy = ['--heartbeat-seconds', '60', '--lease-seconds', '120', '--borrow-max-seconds', '0'];
  const terms = ['--features', 'export,reports', '--versions', '17,18', '--expires', '2040-02-29'];
  const strategy = ['--expiry-strategy', 'restrict', '--strict-online', 'no', '--offline-grace-seconds', '0'];
  const changed = await answered('licenses', 'change', id, ...limits, ...policy, ...terms, ...strategy);
  expect(changed).toMatchObject({
    id,
    seats,
    notes,
    features: ['export', 'reports'],
    allowed_major_versions: [17, 18],
    limits: { max_instances: 4, max_services: 5, max_requests_per_day: 6 },
    policy: { heartbeat_seconds: 60, lease_seconds: 120, borrow_max_seconds: 0, offline_grace_seconds: 0 },
    expires_at: '2040-02-29T00:00:00.000+00:00',
    expiry_strategy: 'restrict',
  });
  expect(await show(id)).toMatchObject(changed);
});

test('words for nothing clear what a licence has', async () => {
  const { id } = await issued({
    license_type: 'standard',
    seats: 3,
    notes: 'x',
    features: ['a'],
    limits: { max_instances: 1, max_services: 1, max_requests_per_day: 1 },
    allowed_hardware: ['laptop'],
  });
  const nothing = ['--seats', 'unlimited', '--hardware', 'any', '--expires', 'never', '--without-limits'];
  expect(await answered('licenses', 'change', id, ...nothing, '--notes', '', '--features', '')).toMatchObject(
    {
      seats: null,
      notes: null,
      features: [],
      limits: null,
      allowed_hardware: null,
      expires_at: null,
    },
  );
});

test('what cannot be done changes nothing', async () => {
  const { id } = await issued();
  const before = await show(id);
  await refused('Say what to change', 'licenses', 'change', id);
  await refused('Limits belong together', 'licenses', 'change', id, '--max-services', '1');
  const both = ['--without-limits', '--max-services', '1'];
  await refused('contradict each other', 'licenses', 'change', id, ...both);
  await refused('(invalid_request)', 'licenses', 'change', id, '--expires', '2027-02-30');
  await refused('(license_not_found)', 'licenses', 'change', 'no-such-licence', '--seats', '2');
  expect((await run(['licenses', 'change', id, '--seats', 'many'])).code).toBe(2);
  expect(await show(id)).toEqual(before);
});

test('a licence of another customer is not there, and who may only read changes nothing', async () => {
  const { id } = await issued();
  const change = ['licenses', 'change', id, '--seats', '9'];
  const stranger = await service.admin(['licenses:read', 'licenses:write'], 'other-co');
  const reader = await service.admin(['licenses:read']);
  for (const [key, code] of [
    [stranger, 'license_not_found'],
    [reader, 'forbidden'],
  ] as const) {
    const refusal = await run(change, { apiKey: key['x-api-key'] });
    expect([refusal.code, refusal.stderr]).toEqual([1, expect.stringContaining(`(${code})`)]);
  }
  expect(await show(id)).toMatchObject({ seats: null });
});

describe('--if-match', () => {
  test('lets through a change of what was shown, with the quotes of HTTP or without', async () => {
    const { id } = await issued();
    const first = await show(id);
    expect(first.etag).toMatch(/^"[0-9a-f]{32}"$/);
    await answered('licenses', 'change', id, '--seats', '5', '--if-match', first.etag);
    const second = await show(id);
    expect(second.etag).not.toBe(first.etag);
    const bare = second.etag.replaceAll('"', '');
    expect(await answered('licenses', 'change', id, '--seats', '6', '--if-match', bare)).toMatchObject({
      seats: 6,
    });
  });

  test.each([
    ['change', ['--seats', '7']],
    ['renew', ['--days', '30']],
    ['suspend', ['--reason', 'unpaid']],
    ['reinstate', []],
    ['transfer', ['--customer', 'other-co']],
    ['revoke', ['--reason', 'left', '--yes']],
  ])('refuses to %s what has changed since', async (verb, options) => {
    const { id } = await issued();
    const stale = await etagOf(id);
    await operator('PATCH', of(id), { notes: 'meanwhile' });
    const fresh = await etagOf(id);
    await refused('(precondition_failed)', 'licenses', verb, id, ...options, '--if-match', stale);
    expect(await etagOf(id)).toBe(fresh);
    await answered('licenses', verb, id, ...options, '--if-match', fresh);
  });

  test('of two changes at once one is carried out', async () => {
    const { id } = await issued();
    const { etag } = await show(id);
    const both = await Promise.all(
      ['11', '12'].map((seats) => run(['licenses', 'change', id, '--seats', seats, '--if-match', etag])),
    );
    expect(both.map(({ code }) => code).sort()).toEqual([0, 1]);
    const winner = both[0]?.code === 0 ? 11 : 12;
    expect(await show(id)).toMatchObject({ seats: winner });
  });

  test('is for customers too', async () => {
    await answered('customers', 'add', 'tagged', '--name', 'Tagged');
    const { etag } = await answered('customers', 'show', 'tagged');
    await answered('customers', 'change', 'tagged', '--phone', '1', '--if-match', etag);
    await refused(
      '(precondition_failed)',
      'customers',
      'change',
      'tagged',
      '--phone',
      '2',
      '--if-match',
      etag,
    );
    await refused('(precondition_failed)', 'customers', 'remove', 'tagged', '--yes', '--if-match', etag);
    expect(await answered('customers', 'show', 'tagged')).toMatchObject({ phone: '1' });
  });

  test('show prints the etag for people as well', async () => {
    const { id } = await issued();
    const { etag } = await show(id);
    expect((await run(['licenses', 'show', id])).stdout).toContain(etag);
  });
});
