/** A customer with `is_active` false gets no new licence, and keeps those it has: over HTTP, on both stores. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ledgerLine, ledgerTerms } from '../support/ledger.ts';
import { callsOn } from '../support/license-calls.ts';
import { DAY, deskOn, freshKey, HOLDER, of, refusal } from '../support/license-desk.ts';
import { startTestService, type TestService } from '../support/service.ts';

const INACTIVE = [409, 'customer_inactive'];

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let customers = 0;
  const desk = deskOn(() => service);
  const { events, issue, issued, operator } = desk;
  const { acquire } = callsOn(() => service);

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    await desk.openDesk();
  });
  afterAll(() => service.stop());

  const setActive = (id: string, is_active: boolean) =>
    operator('PATCH', `/api/v1/customers/${id}`, { is_active });
  const customer = async (more: object = {}) => {
    const id = `customer-${customers++}`;
    await operator('POST', '/api/v1/customers', { id, name: id, ...more });
    return id;
  };

  test('it is issued no licence, and nothing is stored or told to the trail', async () => {
    const customer_id = await customer({ is_active: false });
    const before = service.dumpStore();
    expect(refusal(await issue({ customer_id }))).toEqual(INACTIVE);
    expect(refusal(await issue({ customer_id }, freshKey()))).toEqual(INACTIVE);
    expect(service.dumpStore()).toBe(before);
  });

  test('it gets licences again once it is active, also to the same request', async () => {
    const customer_id = await customer();
    await setActive(customer_id, false);
    const headers = freshKey();
    expect(refusal(await issue({ customer_id }, headers))).toEqual(INACTIVE);
    await setActive(customer_id, true);
    expect((await issue({ customer_id }, headers)).status).toBe(201);
  });

  test('an issue from before is answered again, and one that was not signed is refused', async () => {
    const customer_id = await customer();
    const [signed, unsigned] = [freshKey(), freshKey()];
    const first = await issue({ customer_id }, signed);
    await service.kms.setFault({ kind: 'permission_denied' });
    const failed = await issue({ customer_id }, unsigned).finally(() => service.kms.setFault(null));
    expect(refusal(failed)).toEqual([503, 'signing_unavailable']);
    await setActive(customer_id, false);
    const again = await issue({ customer_id }, signed);
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(refusal(await issue({ customer_id }, unsigned))).toEqual(INACTIVE);
  });

  test('no licence is transferred to it, and the licence stays whose it was', async () => {
    const customer_id = await customer({ is_active: false });
    const { id } = await issued();
    const answer = await operator('POST', of(id, '/transfer'), { customer_id });
    expect(refusal(answer)).toEqual(INACTIVE);
    expect((await operator('GET', of(id))).body.customer_id).toBe('acme-gmbh');
    expect((await events(id)).map(({ action }) => action)).not.toContain('licenses.transfer');
  });

  test('a transfer that was not signed before is refused', async () => {
    const customer_id = await customer();
    const { id } = await issued();
    const send = () => operator('POST', of(id, '/transfer'), { customer_id });
    await service.kms.setFault({ kind: 'permission_denied' });
    const unsigned = await send().finally(() => service.kms.setFault(null));
    expect(refusal(unsigned)).toEqual([503, 'signing_unavailable']);
    await setActive(customer_id, false);
    expect(refusal(await send())).toEqual(INACTIVE);
  });

  test('a licence that it has can be given another holder', async () => {
    const customer_id = await customer();
    const { id } = await issued({ customer_id, holder: HOLDER, formats: ['dtlic2'] });
    await setActive(customer_id, false);
    const holder = { name: 'Grace', email: 'grace@example.com' };
    const { status, body } = await operator('POST', of(id, '/transfer'), { customer_id, holder });
    expect([status, body.holder]).toEqual([200, holder]);
  });

  test('no line of a ledger becomes its licence', async () => {
    const customer_id = await customer({ is_active: false });
    const lines = [ledgerLine(ledgerTerms(1))];
    const before = service.dumpStore();
    expect(refusal(await operator('POST', '/api/v1/licenses/import', { lines, customer_id }))).toEqual(
      INACTIVE,
    );
    expect(service.dumpStore()).toBe(before);
  });

  test('what it has goes on: it is acquired, renewed, changed, reinstated, transferred away and revoked', async () => {
    const customer_id = await customer();
    const { id, license_key, expires_at } = await issued({ customer_id, seats: 1 });
    await setActive(customer_id, false);
    expect((await acquire(license_key, 'machine')).status).toBe(200);
    const renewed = await operator('POST', of(id, '/renew'), { duration_days: 10 });
    expect(Date.parse(renewed.body.expires_at) - Date.parse(expires_at)).toBe(10 * DAY);
    expect((await operator('PATCH', of(id), { seats: 2 })).body.seats).toBe(2);
    expect((await operator('POST', of(id, '/documents'), { format: 'aegis' })).status).toBe(201);
    await operator('POST', of(id, '/suspend'), { reason: 'unpaid' });
    expect((await operator('POST', of(id, '/reinstate'), {})).body.status).toBe('active');
    const away = await operator('POST', of(id, '/transfer'), { customer_id: 'other-co' });
    expect(away.body.customer_id).toBe('other-co');
    expect((await operator('DELETE', of(id, '/revoke'), { reason: 'over' })).status).toBe(200);
  });

  test('of a deactivation and licences that are issued at the same moment, none comes after it', async () => {
    for (let round = 0; round < 5; round++) {
      const customer_id = await customer();
      const { id: moved } = await issued();
      const answers = await Promise.all([
        issue({ customer_id, formats: [] }),
        operator('POST', of(moved, '/transfer'), { customer_id }),
        setActive(customer_id, false),
        issue({ customer_id, formats: [] }),
      ]);
      const { actions, deactivated } = await storyOf(customer_id);
      expect(answers[2]?.status).toBe(200);
      expect(actions.slice(deactivated + 1)).toEqual([]);
      const granted = answers.filter(({ status }, at) => at !== 2 && status < 300).length;
      expect(actions.slice(0, deactivated)).toHaveLength(granted);
      for (const [at, answer] of answers.entries())
        if (at !== 2 && answer.status >= 300) expect(refusal(answer)).toEqual(INACTIVE);
    }
  });

  /** What the trail says of the customer and of licences that became its, in its order. */
  async function storyOf(customerId: string) {
    const found = await service.ports.store.query({ collection: 'audit', limit: 10_000 });
    const told = found
      .map(({ fields }) => fields)
      .filter(({ target, after }) => {
        const owner = (after as { customer_id?: unknown } | null)?.customer_id;
        return target === customerId || owner === customerId;
      })
      .map(({ action, after }) => ({ action, after: after as { is_active?: boolean } }))
      .filter(({ action }) => action !== 'customers.create');
    const deactivated = told.findIndex(({ after }) => after.is_active === false);
    return { actions: told.map(({ action }) => action), deactivated };
  }
});
