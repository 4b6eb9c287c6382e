/** Operators and the strategy of a licence: issuing with it, changing it under live sessions, and documents that forbid it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callsOn } from '../support/license-calls.ts';
import { DAY, deskOn, freshKey, of, refusal } from '../support/license-desk.ts';
import { startRivals } from '../support/rivals.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';

const LEASE_SECONDS = 360;
const INVALID = [422, 'invalid_request'];
const EXPIRED = [403, 'license_expired'];
/** Sessions only: no document that was signed with an end. */
const FLOATING = { license_type: 'standard', seats: 5, formats: [] };

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  const { operator, acme, openDesk, issue, issued, events } = deskOn(() => service);
  const { acquire, heartbeat, usageOf, sweep, hashOf, countSessions } = callsOn(() => service);

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    await openDesk();
  });
  afterAll(() => service.stop());

  const change = (id: string, wanted: object, headers = {}) => operator('PATCH', of(id), wanted, headers);
  const changed = async (id: string, wanted: object) => {
    const answer = await change(id, wanted);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return answer.body;
  };
  const pointers = ({ body }: Answer) => body.errors.map(({ pointer }: { pointer: string }) => pointer);
  const inPast = () => new Date(service.ports.clock.now() - 1000).toISOString();

  describe('issuing', () => {
    test.each(['restrict', 'maintain', 'allow'])(
      'with %s: the licence says so, everywhere',
      async (strategy) => {
        const wanted = { ...FLOATING, expiry_strategy: strategy };
        const license = await issued(wanted);
        expect(license.expiry_strategy).toBe(strategy);
        expect((await operator('GET', of(license.id))).body.expiry_strategy).toBe(strategy);
        const { body } = await operator('GET', '/api/v1/licenses');
        expect(body.licenses.find(({ id }: { id: string }) => id === license.id)).toMatchObject({
          expiry_strategy: strategy,
        });
        expect((await events(license.id))[0]).toMatchObject({ after: { expiry_strategy: strategy } });
      },
    );

    test('without one restricts', async () => {
      expect((await issued()).expiry_strategy).toBe('restrict');
    });

    test.each(['extend', '', null, 1, ['allow']])('with %j is refused', async (expiry_strategy) => {
      const before = service.dumpStore();
      const answer = await issue({ ...FLOATING, expiry_strategy });
      expect([refusal(answer), pointers(answer)]).toEqual([INVALID, ['/expiry_strategy']]);
      expect(service.dumpStore()).toBe(before);
    });

    const LIMITS = { max_instances: 1, max_services: 1, max_requests_per_day: 1 };
    const holder = { name: 'Ada', email: 'ada@example.com' };
    test.each([
      ['maintain', 'aegis', {}],
      ['allow', 'aegis', {}],
      ['maintain', 'caio-v2', { limits: LIMITS }],
      ['allow', 'dtlic2', { holder }],
    ])('%s with an end as %s is refused: that text has its end in it', async (strategy, format, more) => {
      const before = service.dumpStore();
      const answer = await issue({ ...more, formats: [format], expiry_strategy: strategy });
      expect([refusal(answer), pointers(answer)]).toEqual([INVALID, ['/expiry_strategy']]);
      expect(answer.body.errors[0].detail).toContain('formats: []');
      expect(service.dumpStore()).toBe(before);
    });

    test('any strategy without an end has documents, until it is given an end', async () => {
      const perpetual = { license_type: 'standard', duration_days: null, expiry_strategy: 'allow' };
      const { id, token } = await issued(perpetual);
      expect(token).toMatch(/^eyJ/);
      const answer = await change(id, { expires_at: inPast() });
      expect([refusal(answer), pointers(answer)]).toEqual([INVALID, ['/expires_at']]);
      await changed(id, { expires_at: inPast(), expiry_strategy: 'restrict' });
    });

    test('repeated under its Idempotency-Key answers the same, with another strategy it is a conflict', async () => {
      const once = freshKey();
      const first = await issue({ ...FLOATING, expiry_strategy: 'maintain' }, once);
      const again = await issue({ ...FLOATING, expiry_strategy: 'maintain' }, once);
      expect([again.status, again.body]).toEqual([201, first.body]);
      const other = await issue({ ...FLOATING, expiry_strategy: 'allow' }, once);
      expect(refusal(other)).toEqual([409, 'idempotency_conflict']);
    });
  });

  describe('changing', () => {
    test.each(['extend', null, 1])('it to %j is refused', async (expiry_strategy) => {
      const { id } = await issued(FLOATING);
      const answer = await change(id, { expiry_strategy });
      expect([refusal(answer), pointers(answer)]).toEqual([INVALID, ['/expiry_strategy']]);
    });

    test('it is an act of its operator, under If-Match and once under an Idempotency-Key', async () => {
      const { id } = await issued(FLOATING);
      const etag = (await operator('GET', of(id))).headers.get('etag') ?? '';
      const once = freshKey();
      const wanted = { expiry_strategy: 'allow' };
      const first = await change(id, wanted, { ...once, 'if-match': etag });
      expect(first.body.expiry_strategy).toBe('allow');
      const again = await change(id, wanted, { ...once, 'if-match': etag });
      expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([200, 'true']);
      expect(refusal(await change(id, { expiry_strategy: 'maintain' }, { 'if-match': etag }))).toEqual([
        412,
        'precondition_failed',
      ]);
      const [, ...later] = await events(id);
      expect(later).toMatchObject([
        {
          action: 'licenses.change',
          before: { expiry_strategy: 'restrict' },
          after: { expiry_strategy: 'allow' },
        },
      ]);
    });

    test('that of an unknown licence, of a revoked one and of one of another customer is refused', async () => {
      const { id } = await issued({ ...FLOATING, customer_id: 'other-co' });
      const wanted = { expiry_strategy: 'allow' };
      expect(refusal(await acme('PATCH', of(id), wanted))).toEqual([404, 'license_not_found']);
      expect(refusal(await change('no-such-id', wanted))).toEqual([404, 'license_not_found']);
      await operator('DELETE', of(id, '/revoke'), { reason: 'over' });
      expect(refusal(await change(id, wanted))).toEqual([403, 'license_revoked']);
      expect((await operator('GET', of(id))).body.expiry_strategy).toBe('restrict');
    });

    test('from allow to restrict ends live sessions at their next heartbeat, and not before their lease', async () => {
      const { id, license_key: key } = await issued({ ...FLOATING, expiry_strategy: 'allow' });
      await changed(id, { expires_at: inPast() });
      const held = await acquire(key, 'machine');
      await changed(id, { expiry_strategy: 'restrict' });
      expect(refusal(await heartbeat(held.body.session_id))).toEqual(EXPIRED);
      expect(refusal(await acquire(key, 'machine'))).toEqual(EXPIRED);
      // Offline the machine may rely on what it was told.
      expect((await service.verify(JSON.stringify(held.body.license_data))).valid).toBe(true);
      await sweep();
      expect(await usageOf(key)).toEqual([]);
      service.advance(LEASE_SECONDS + 60);
      await sweep();
      expect(await usageOf(key)).toMatchObject([
        { reason: 'license_expired', ended_at: Date.parse(held.body.lease_expires_at) },
      ]);
    });

    test('from allow to maintain lets those go on that held a session at the end', async () => {
      const { id, license_key: key } = await issued({ ...FLOATING, expiry_strategy: 'allow' });
      const early = (await acquire(key, 'early')).body.session_id;
      service.advance(10);
      await changed(id, { expires_at: inPast() });
      const late = (await acquire(key, 'late')).body.session_id;
      await changed(id, { expiry_strategy: 'maintain' });
      expect((await heartbeat(early)).status).toBe(200);
      expect((await acquire(key, 'early')).body.session_id).toBe(early);
      expect(refusal(await heartbeat(late))).toEqual(EXPIRED);
      for (const machine of ['late', 'another'])
        expect(refusal(await acquire(key, machine))).toEqual(EXPIRED);
    });

    test('to maintain, unknown to the instance that is asked: it grants nothing and leaves nothing', async () => {
      const { id, license_key: key } = await issued({ ...FLOATING, expiry_strategy: 'allow' });
      await changed(id, { expires_at: inPast() });
      await acquire(key, 'late');
      const known = service.ports.memory.licenses.get(hashOf(key));
      expect(known?.record.expiry_strategy).toBe('allow');
      await changed(id, { expiry_strategy: 'maintain' });
      if (known !== undefined) service.ports.memory.licenses.set(hashOf(key), known);
      expect(refusal(await acquire(key, 'another'))).toEqual(EXPIRED);
      expect(await countSessions(key)).toBe(1);
    });

    test('from restrict to allow opens it again', async () => {
      const { id, license_key: key } = await issued(FLOATING);
      await changed(id, { expires_at: inPast() });
      expect(refusal(await acquire(key, 'machine'))).toEqual(EXPIRED);
      await changed(id, { expiry_strategy: 'allow' });
      expect((await acquire(key, 'machine')).status).toBe(200);
    });
  });

  test('lists, statistics and the licence itself go by the date, whatever the strategy', async () => {
    const customer = { id: `dates-${store}`, name: 'Dates', email: 'dates@example.com' };
    await operator('POST', '/api/v1/customers', customer);
    const wanted = { ...FLOATING, customer_id: customer.id, duration_days: 3 };
    for (const expiry_strategy of ['restrict', 'maintain', 'allow'])
      await issued({ ...wanted, expiry_strategy });
    const found = async (filter: string) =>
      (await operator('GET', `/api/v1/licenses?customer_id=${customer.id}&${filter}`)).body;
    const strategies = ({ licenses }: Answer['body']) =>
      licenses.map(({ expiry_strategy, status }: Answer['body']) => `${expiry_strategy} ${status}`).sort();
    expect(strategies(await found('expiring_within_days=4'))).toEqual([
      'allow active',
      'maintain active',
      'restrict active',
    ]);
    const stats = async () => (await operator('GET', '/api/v1/admin/stats')).body.by_status;
    const before = await stats();
    service.advance((4 * DAY) / 1000);
    expect(strategies(await found('status=expired'))).toEqual([
      'allow expired',
      'maintain expired',
      'restrict expired',
    ]);
    expect((await found('status=active')).total).toBe(0);
    expect((await stats()).expired).toBeGreaterThanOrEqual(before.expired + 3);
  });

  describe('documents that were signed with an end', () => {
    test('forbid another strategy, also together with another change', async () => {
      const { id, token } = await issued();
      const story = (await events(id)).length;
      for (const expiry_strategy of ['maintain', 'allow']) {
        const answer = await change(id, { notes: 'x', expiry_strategy });
        expect([refusal(answer), pointers(answer)]).toEqual([INVALID, ['/expiry_strategy']]);
      }
      expect((await operator('GET', of(id))).body).toMatchObject({
        expiry_strategy: 'restrict',
        notes: null,
        token,
      });
      expect(await events(id)).toHaveLength(story);
    });

    test.each(['maintain', 'allow'])('are not issued for a licence that says %s', async (expiry_strategy) => {
      const { id } = await issued({ ...FLOATING, expiry_strategy });
      const answer = await operator('POST', of(id, '/documents'), { format: 'aegis' });
      expect([refusal(answer), pointers(answer)]).toEqual([INVALID, ['/format']]);
      expect((await operator('GET', of(id, '/documents'))).body.documents).toEqual([]);
      await changed(id, { expiry_strategy: 'restrict' });
      expect((await operator('POST', of(id, '/documents'), { format: 'aegis' })).status).toBe(201);
    });

    test('and a change of the strategy at the same moment: one of the two is refused', async () => {
      const rivals = await startRivals(service, 'two instances');
      try {
        for (let round = 0; round < 6; round++) {
          const { id } = await issued(FLOATING);
          const [strategy, document] = await Promise.all([
            rivals.one('PATCH', of(id), { expiry_strategy: 'allow' }),
            rivals.other('POST', of(id, '/documents'), { format: 'aegis' }),
          ]);
          const outcomes = [strategy.status, document.status].join(' ');
          expect(['200 422', '422 201']).toContain(outcomes);
          const { documents } = (await operator('GET', of(id, '/documents'))).body;
          expect(documents).toHaveLength(document.status === 201 ? 1 : 0);
        }
      } finally {
        await rivals.stop();
      }
    });
  });
});
