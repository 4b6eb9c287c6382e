/** What is issued where the operator has a table of products: over HTTP, on both stores. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeIssued } from '../../shared/formats/issued.ts';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import { DAY, deskOn, freshKey, HOLDER, LIMITS, of, refusal, SUBSCRIPTION } from '../support/license-desk.ts';
import { ROWS, TABLE } from '../support/product-table.ts';
import { serveBeside } from '../support/serve-beside.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';
import { steadyKey } from '../support/steady-key.ts';

const GRACE = { free: 0, team: 3 * 86_400, pro: 7 * 86_400 };
/** Nothing that the table could fill in. */
const BARE = {
  allowed_major_versions: undefined,
  duration_days: undefined,
  formats: [],
};

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  const desk = deskOn(() => service);
  const { acme, events, issue, operator } = desk;

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000, products: TABLE });
    await desk.openDesk();
  });
  afterAll(() => service.stop());

  const bare = (wanted: object) => desk.issued({ ...BARE, ...wanted });
  const days = ({ issued_at, expires_at }: Answer['body']) =>
    (Date.parse(expires_at) - Date.parse(issued_at)) / DAY;
  const pointers = ({ body }: Answer) => body.errors.map(({ pointer }: { pointer: string }) => pointer);

  test('the table is shown to who may read licences, also to the key of one customer', async () => {
    const { status, body } = await operator('GET', '/api/v1/products');
    expect(status).toBe(200);
    expect(body.products).toEqual(ROWS.map((row) => ({ defaults: {}, ...row })));
    expect((await acme('GET', '/api/v1/products')).body).toEqual(body);
  });

  describe('what a request leaves out', () => {
    test('comes from the row of the tier', async () => {
      const license = await bare({ tier: 'team' });
      expect(license).toMatchObject({
        features: ['forecast', 'export'],
        limits: ROWS[0]?.tiers.team?.limits,
        seats: 5,
        allowed_major_versions: [17, 18],
        policy: {
          heartbeat_seconds: 120,
          lease_seconds: 240,
          offline_grace_seconds: GRACE.team,
          strict_online: false,
          borrow_max_seconds: 86_400,
        },
      });
      expect(days(license)).toBe(365);
    });

    test('comes from the product where the tier says nothing, and from the service where neither does', async () => {
      const license = await bare({ tier: 'free' });
      expect(license).toMatchObject({
        features: ['forecast'],
        limits: null,
        seats: 1,
        allowed_major_versions: [16, 17],
        policy: {
          heartbeat_seconds: 120,
          lease_seconds: 200,
          offline_grace_seconds: GRACE.free,
          borrow_max_seconds: 0,
        },
      });
      expect(days(license)).toBe(30);
    });

    test('is null where the row says so, whatever the product says', async () => {
      const license = await bare({ tier: 'pro', license_type: 'standard' });
      expect(license).toMatchObject({ seats: null, expires_at: null });
    });

    test('is no duration for a perpetual licence', async () => {
      expect(await bare({ tier: 'team', license_type: 'perpetual' })).toMatchObject({ expires_at: null });
    });

    test('is what a document needs: limits of CAIO and versions of AEGIS', async () => {
      const { id } = await bare({ tier: 'team', formats: ['aegis', 'caio-v2'] });
      const { body } = await operator('GET', of(id, '/documents'));
      const said = body.documents.map(
        ({ document }: { document: string }) => decodeIssued(document)?.license,
      );
      expect(said).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ format: 'aegis', allowedMajorVersions: [17, 18] }),
          expect.objectContaining({ format: 'caio-v2', features: ['forecast', 'export'] }),
        ]),
      );
    });
  });

  describe('what a request says', () => {
    test('goes before the row, none and unlimited too', async () => {
      const nothing = {
        features: [],
        limits: null,
        seats: null,
        allowed_major_versions: null,
        duration_days: null,
      };
      const license = await bare({ tier: 'team', license_type: 'standard', ...nothing });
      const { duration_days: _, ...said } = nothing;
      expect(license).toMatchObject({ ...said, expires_at: null });
      const other = await bare({
        tier: 'team',
        features: ['own'],
        limits: LIMITS,
        seats: 7,
        duration_days: 2,
      });
      expect(other).toMatchObject({ features: ['own'], limits: LIMITS, seats: 7 });
      expect(days(other)).toBe(2);
    });

    test('of the policy goes before the row member by member', async () => {
      const policy = { lease_seconds: 1000, strict_online: true };
      expect((await bare({ tier: 'team', policy })).policy).toEqual({
        heartbeat_seconds: 120,
        lease_seconds: 1000,
        offline_grace_seconds: GRACE.team,
        strict_online: true,
        borrow_max_seconds: 86_400,
      });
    });

    test('of further features is added to those of the tier, each once', async () => {
      expect(await bare({ tier: 'team', add_features: ['api', 'export'] })).toMatchObject({
        features: ['forecast', 'export', 'api'],
      });
      expect(await bare({ tier: 'team', features: [], add_features: ['api'] })).toMatchObject({
        features: ['api'],
      });
    });
  });

  describe('a request is refused by its field, and nothing changes', () => {
    test.each([
      ['an unknown product', { module_name: 'sale_forecasts' }, '/module_name'],
      ['a product that every object inherits', { module_name: 'constructor' }, '/module_name'],
      ['a tier that the product does not have', { tier: 'enterprise' }, '/tier'],
      ['no tier, which means enterprise', {}, '/tier'],
      ['no end where the row has none either', { tier: 'pro' }, '/duration_days'],
      ['no end in so many words', { tier: 'team', duration_days: null }, '/duration_days'],
      [
        'no versions in so many words',
        { tier: 'team', allowed_major_versions: null },
        '/allowed_major_versions',
      ],
      ['no limits where the row has none', { tier: 'free', formats: ['caio-v2'] }, '/limits'],
      [
        'a lease that is over before the heartbeat of the row',
        { tier: 'team', policy: { lease_seconds: 120 } },
        '/policy/lease_seconds',
      ],
      [
        'a heartbeat after the lease of the row',
        { tier: 'team', policy: { heartbeat_seconds: 240 } },
        '/policy/lease_seconds',
      ],
      ['a lease of no time', { tier: 'team', policy: { lease_seconds: 0 } }, '/policy/lease_seconds'],
      [
        'a heartbeat beyond a day',
        { tier: 'team', policy: { heartbeat_seconds: 86_401 } },
        '/policy/heartbeat_seconds',
      ],
      ['strictness as text', { tier: 'team', policy: { strict_online: 'yes' } }, '/policy/strict_online'],
      ['a policy that is none', { tier: 'team', policy: null }, '/policy'],
      ['a feature that is none', { tier: 'team', add_features: [''] }, '/add_features/0'],
    ])('%s', async (_, wanted, pointer) => {
      const before = service.dumpStore();
      const answer = await issue({ ...BARE, formats: ['aegis'], ...wanted });
      expect(refusal(answer)).toEqual([422, 'invalid_request']);
      expect(pointers(answer)).toContain(pointer);
      expect(service.dumpStore()).toBe(before);
    });

    test('a tier that is not sold is told which are', async () => {
      const { body } = await issue({ ...BARE, module_name: 'datatools', tier: 'pro' });
      expect(body.detail).toBe('This product is sold as free, team, not as pro.');
    });
  });

  test('a change, a renewal and a transfer leave alone what came from the row', async () => {
    const issued = await bare({ tier: 'team', features: ['own'] });
    const { id, expires_at, features, limits, seats, policy, allowed_major_versions } = issued;
    await operator('PATCH', of(id), { notes: 'seen' });
    await operator('POST', of(id, '/renew'), { duration_days: 7 });
    const { body } = await operator('POST', of(id, '/transfer'), { customer_id: 'other-co' });
    expect(body).toMatchObject({ features, limits, seats, policy, allowed_major_versions });
    expect(Date.parse(body.expires_at) - Date.parse(expires_at)).toBe(7 * DAY);
  });

  test('the audit trail tells what was issued with what the row gave', async () => {
    const { id } = await bare({ tier: 'team' });
    expect(await events(id)).toMatchObject([
      { action: 'licenses.issue', after: { seats: 5, features: ['forecast', 'export'] } },
    ]);
  });

  test('a customer’s own key issues by the same table', async () => {
    const answer = await acme('POST', '/api/v1/licenses', {
      ...BARE,
      customer_id: 'acme-gmbh',
      module_name: 'datatools',
      license_type: 'trial',
      tier: 'free',
    });
    expect(answer.body).toMatchObject({ features: ['read'] });
    expect(days(answer.body)).toBe(90);
  });

  test('an edit of the table changes no licence, and a repeated issue is answered as before it', async () => {
    const products = TABLE.filter(({ name }) => name !== SUBSCRIPTION.module_name);
    const instance = await serveBeside({ ...service, settings: { ...service.settings, products } });
    const apiKey = await steadyKey(service);
    const [before, after] = [adminCalls(service, apiKey), adminCalls(instance, apiKey)];
    const wanted = { ...SUBSCRIPTION, ...BARE, tier: 'team', holder: HOLDER, formats: ['dtlic2'] };
    const send = (call: AdminCall, headers: Record<string, string>) =>
      call('POST', '/api/v1/licenses', wanted, headers);
    try {
      const headers = freshKey();
      const first = await send(before, headers);
      expect(first.status).toBe(201);
      const again = await send(after, headers);
      expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 'true']);
      expect(again.body).toEqual(first.body);
      expect((await after('GET', of(first.body.id))).body).toMatchObject({
        seats: 5,
        policy: { lease_seconds: 240 },
      });
      expect(refusal(await send(after, freshKey()))).toEqual([422, 'invalid_request']);
    } finally {
      await instance.stop();
    }
  });
});
