/** What operators see of a licence whose seats were lowered, and why one is suspended. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { licensePath } from '../../shared/records/paths.ts';
import { callsOn } from '../support/license-calls.ts';
import { deskOn, freshKey, of, refusal } from '../support/license-desk.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  const desk = deskOn(() => service);
  const { acquire, sweep, hashOf } = callsOn(() => service);

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    await desk.openDesk();
  });
  afterAll(() => service.stop());

  const stored = async (licenseKey: string) =>
    (await service.ports.store.get([licensePath(hashOf(licenseKey))]))[0]?.fields;

  test('that its seats have settled is no change that anybody made', async () => {
    const { id, license_key } = await desk.issued({ seats: 3 });
    for (const machine of ['a', 'b', 'c']) await acquire(license_key, machine);
    const lowered = await desk.operator('PATCH', of(id), { seats: 1 });
    const etag = lowered.headers.get('etag') ?? '';
    expect((await stored(license_key))?.seats_lowered_at).not.toBeNull();
    const told = await desk.events(id);
    service.advance(3600);
    await sweep();
    expect((await stored(license_key))?.seats_lowered_at).toBeNull();

    const after = await desk.operator('GET', of(id));
    expect([after.headers.get('etag'), after.body]).toEqual([etag, lowered.body]);
    expect(await desk.events(id)).toEqual(told);
    const changed = await desk.operator('PATCH', of(id), { notes: 'read before' }, { 'if-match': etag });
    expect([changed.status, changed.body.notes]).toEqual([200, 'read before']);
  });

  test('a lowering after it settles again', async () => {
    const { id, license_key } = await desk.issued({ seats: 3 });
    for (const seats of [2, 1]) {
      await acquire(license_key, `machine-${seats}`);
      await desk.operator('PATCH', of(id), { seats });
      service.advance(3600);
      await sweep();
      expect(await stored(license_key)).toMatchObject({ seats, seats_lowered_at: null });
    }
  });

  test('a suspension keeps its reason until it ends', async () => {
    const { id } = await desk.issued();
    const suspend = (reason: string, headers = {}) =>
      desk.operator('POST', of(id, '/suspend'), { reason }, headers);
    const key = freshKey();
    const suspended = await suspend('late payment', key);
    expect(suspended.body).toMatchObject({ status: 'suspended', revoked_reason: 'late payment' });
    expect((await desk.operator('GET', of(id))).body.revoked_reason).toBe('late payment');
    expect((await desk.events(id)).at(-1)?.after).toMatchObject({ reason: 'late payment' });

    const count = (await desk.events(id)).length;
    expect((await suspend('late payment', key)).body).toEqual(suspended.body);
    expect((await suspend('late payment')).body).toEqual(suspended.body);
    expect(await desk.events(id)).toHaveLength(count);
    expect((await suspend('court order')).body.revoked_reason).toBe('court order');

    const reinstated = await desk.operator('POST', of(id, '/reinstate'), {});
    expect(reinstated.body).toMatchObject({ status: 'active', revoked_reason: null });
    await suspend('late again');
    await desk.operator('DELETE', of(id, '/revoke'), { reason: 'chargeback' });
    expect((await desk.operator('GET', of(id))).body).toMatchObject({
      status: 'revoked',
      revoked_reason: 'chargeback',
    });
    expect(refusal(await suspend('too late'))).toEqual([403, 'license_revoked']);
  });
});
