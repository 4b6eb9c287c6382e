/** Licences as operators issue and change them: over HTTP, on both stores. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeIssued } from '../../shared/formats/issued.ts';
import { sessionsPath } from '../../shared/records/paths.ts';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';

const DAY = 86_400_000;
const NOBODY = '00000000-0000-4000-8000-000000000000';

const SUBSCRIPTION = {
  customer_id: 'acme-gmbh',
  module_name: 'sale_forecast',
  allowed_major_versions: [16, 17],
  license_type: 'subscription',
  duration_days: 365,
};
const LIMITS = { max_instances: 2, max_services: 3, max_requests_per_day: 4000 };
const HOLDER = { name: '山田 Ζωή Ада Ada', email: 'Ada@Example.com' };

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let operator: AdminCall;
  /** Who may touch the customer `acme-gmbh` only. */
  let acme: AdminCall;
  let keys = 0;

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    operator = adminCalls(service, await service.admin());
    acme = adminCalls(service, await service.admin(undefined, 'acme-gmbh'));
    for (const [id, email] of [
      ['acme-gmbh', 'IT@acme.example'],
      ['other-co', 'it@other.example'],
    ])
      await operator('POST', '/api/v1/customers', { id, name: `Customer ${id}`, email });
  });
  afterAll(() => service.stop());

  const issue = (wanted: object = {}, headers?: Record<string, string>) =>
    operator('POST', '/api/v1/licenses', { ...SUBSCRIPTION, ...wanted }, headers);
  const issued = async (wanted: object = {}) => {
    const answer = await issue(wanted);
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    return answer.body;
  };
  const of = (id: string, more = '') => `/api/v1/licenses/${id}${more}`;
  const freshKey = () => ({ 'idempotency-key': `key-${keys++}` });
  const events = async (target: string) => {
    const found = await service.ports.store.query({ collection: 'audit' });
    return found.filter(({ fields }) => fields.target === target).map(({ fields }) => fields);
  };
  const refusal = ({ status, body }: Answer) => [status, body.code];
  const sessionsOf = (licenseKey: string) => {
    const hash = service.ports.hasher.hash('license', licenseKey);
    return service.ports.store.query({ collection: sessionsPath(hash) });
  };

  describe('an issue', () => {
    test('answers the licence with its key, its token and its tag, and the client can use it', async () => {
      const { status, body, headers } = await issue({ notes: 'first' });
      expect(status).toBe(201);
      expect(body).toMatchObject({
        customer_id: 'acme-gmbh',
        status: 'active',
        notes: 'first',
        revoked_reason: null,
      });
      expect(Date.parse(body.expires_at) - Date.parse(body.issued_at)).toBe(365 * DAY);
      expect(headers.get('etag')).toMatch(/^"[0-9a-f]{32}"$/);
      expect(decodeIssued(body.token)).toMatchObject({
        kid: body.key_id,
        license: { licenseId: body.id, licenseType: 'subscription', allowedMajorVersions: [16, 17] },
      });
      const acquired = await service.post('/api/v1/licenses/acquire', {
        license_key: body.license_key,
        hardware_id: 'machine-1',
      });
      expect(acquired.status).toBe(200);
      const valid = await service.post('/api/v1/licenses/validate', { token: body.token });
      expect(valid.body.valid).toBe(true);
    });

    test('stores no licence key, and tells the audit trail none', async () => {
      const own = 'An-Operators-Own-Key-77';
      const made = await issued({});
      await issued({ license_key: own });
      const dump = service.dumpStore();
      expect(dump).toContain(made.id);
      expect(dump).not.toContain(made.license_key);
      expect(dump).not.toContain(own);
    });

    test('is audited with what was issued, and each document too', async () => {
      const { id, key_id } = await issued();
      expect(await events(id)).toMatchObject([
        { action: 'licenses.issue', before: null, after: { id, formats: ['aegis'] } },
        { action: 'documents.issue', after: { format: 'aegis', kid: key_id } },
      ]);
    });

    test('in all formats says the same in each', async () => {
      const formats = ['aegis', 'caio-v2', 'dtlic2'];
      const license = await issued({ formats, limits: LIMITS, holder: HOLDER, tier: 'team', features: [] });
      const { body } = await operator('GET', of(license.id, '/documents'));
      const read = Object.fromEntries(
        body.documents.map((each: { format: string; document: string }) => {
          const decoded = decodeIssued(each.document);
          return [each.format, decoded?.license];
        }),
      );
      const end = Date.parse(license.expires_at);
      expect(read['caio-v2']).toMatchObject({
        customer: { id: 'acme-gmbh' },
        licenseType: 'standard',
        expiresAt: end,
      });
      expect(read['caio-v2'].claims).toMatchObject({ ...LIMITS, features: [], version: '2.0' });
      expect(read.dtlic2).toMatchObject({
        licenseId: license.license_key,
        licenseType: 'core',
        expiresAt: end,
      });
      expect(read.dtlic2.customer).toMatchObject(HOLDER);
      expect(read.aegis).toMatchObject({
        product: 'sale_forecast',
        expiresAt: Math.floor(end / 1000) * 1000,
      });
      for (const each of body.documents) {
        const answer = await service.post('/api/v1/licenses/validate', { token: each.document });
        expect(answer.body, each.format).toMatchObject({ valid: true });
      }
    });

    test('with an Idempotency-Key is answered again with the same key, and with another body not at all', async () => {
      const headers = freshKey();
      const first = await issue({}, headers);
      const again = await issue({}, headers);
      expect(again.body).toEqual(first.body);
      expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 'true']);
      expect(refusal(await issue({ notes: 'other' }, headers))).toEqual([409, 'idempotency_conflict']);
      expect((await issue({}, freshKey())).body.license_key).not.toBe(first.body.license_key);
    });

    test('that the KMS did not sign is completed by repeating it', async () => {
      const headers = freshKey();
      await service.kms.setFault({ kind: 'permission_denied' });
      const failed = await issue({}, headers).finally(() => service.kms.setFault(null));
      expect(refusal(failed)).toEqual([503, 'signing_unavailable']);
      const { status, body } = await issue({}, headers);
      expect(status).toBe(201);
      expect(body.token).not.toBeNull();
      expect((await events(body.id)).map(({ action }) => action)).toEqual([
        'licenses.issue',
        'documents.issue',
      ]);
    });

    test('for a customer whom nobody knows, or who is not the caller’s, is refused and changes nothing', async () => {
      const before = service.dumpStore();
      expect(refusal(await issue({ customer_id: 'nobody' }))).toEqual([404, 'customer_not_found']);
      const other = await acme('POST', '/api/v1/licenses', { ...SUBSCRIPTION, customer_id: 'other-co' });
      expect(refusal(other)).toEqual([404, 'customer_not_found']);
      expect(service.dumpStore().length - before.length).toBeLessThan(200);
      expect(service.dumpStore().split('"license_id"').length).toBe(before.split('"license_id"').length);
    });

    test('with a key that another licence has is refused, also of two at once', async () => {
      const license_key = `Taken-${store}`;
      const answers = await Promise.all([issue({ license_key }), issue({ license_key })]);
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
      expect(refusal(await issue({ license_key }))).toEqual([409, 'license_key_taken']);
    });

    test.each([
      ['no customer', { customer_id: undefined }, '/customer_id'],
      ['a customer id with a slash', { customer_id: 'a/b' }, '/customer_id'],
      ['an unknown type', { license_type: 'lifetime' }, '/license_type'],
      ['a subscription without duration', { duration_days: undefined }, '/duration_days'],
      ['a demo without duration', { license_type: 'demo', duration_days: undefined }, '/duration_days'],
      ['a perpetual licence with duration', { license_type: 'perpetual' }, '/duration_days'],
      ['half a day', { duration_days: 0.5 }, '/duration_days'],
      ['no versions for AEGIS', { allowed_major_versions: null }, '/allowed_major_versions'],
      ['no limits for CAIO', { formats: ['caio-v2'] }, '/limits'],
      ['no holder for DTLIC2', { formats: ['dtlic2'] }, '/holder'],
      ['CAIO v1', { formats: ['caio-v1'] }, '/formats/0'],
      ['a format twice', { formats: ['aegis', 'aegis'] }, '/formats'],
      [
        'a fingerprint in upper case',
        { instance_fingerprint: `sha256:${'A'.repeat(64)}` },
        '/instance_fingerprint',
      ],
      ['no seats at all', { seats: 0 }, '/seats'],
    ])('with %s is refused by its field', async (_, wanted, pointer) => {
      const answer = await issue(wanted);
      expect(refusal(answer)).toEqual([422, 'invalid_request']);
      expect(answer.body.errors.map((each: { pointer: string }) => each.pointer)).toContain(pointer);
    });
  });

  describe('a change', () => {
    test('honours If-Match, and its answer has the tag of the licence as it is then', async () => {
      const { id } = await issued();
      const read = await operator('GET', of(id));
      const tag = read.headers.get('etag') ?? '';
      const changed = await operator('PATCH', of(id), { notes: 'a' }, { 'if-match': tag });
      expect([changed.status, changed.body.notes]).toEqual([200, 'a']);
      const stale = await operator('PATCH', of(id), { notes: 'b' }, { 'if-match': tag });
      expect(refusal(stale)).toEqual([412, 'precondition_failed']);
      const now = await operator('GET', of(id));
      expect([now.body.notes, now.headers.get('etag')]).toEqual(['a', changed.headers.get('etag')]);
    });

    test('is audited with the members that change, and one that changes nothing is not', async () => {
      const { id } = await issued({ seats: 5 });
      await operator('PATCH', of(id), { seats: 9, features: [] });
      await operator('PATCH', of(id), { seats: 9 });
      const changes = (await events(id)).filter(({ action }) => action === 'licenses.change');
      expect(changes).toMatchObject([{ before: { seats: 5 }, after: { seats: 9 } }]);
    });

    test('of what a document says signs it anew, and the old one stays on record', async () => {
      const { id, token } = await issued();
      const changed = await operator('PATCH', of(id), { allowed_major_versions: [18] });
      expect(decodeIssued(changed.body.token)).toMatchObject({ license: { allowedMajorVersions: [18] } });
      const { body } = await operator('GET', of(id, '/documents?format=aegis'));
      expect(body.documents.map((each: { document: string }) => each.document)).toEqual(
        expect.arrayContaining([token, changed.body.token]),
      );
      await operator('PATCH', of(id), { notes: 'says no document' });
      expect((await operator('GET', of(id, '/documents'))).body.documents).toHaveLength(2);
    });

    test('that a format of the licence cannot hold is refused before it is stored', async () => {
      const { id } = await issued();
      const answer = await operator('PATCH', of(id), { allowed_major_versions: null });
      expect(refusal(answer)).toEqual([422, 'invalid_request']);
      expect((await operator('GET', of(id))).body.allowed_major_versions).toEqual([16, 17]);
    });

    test('of the end follows the type', async () => {
      const forever = await issued({ license_type: 'perpetual', duration_days: undefined });
      const until = { expires_at: '2031-01-01T00:00:00Z' };
      expect(refusal(await operator('PATCH', of(forever.id), until))).toEqual([422, 'invalid_request']);
      const { id } = await issued();
      expect(refusal(await operator('PATCH', of(id), { expires_at: null }))).toEqual([
        422,
        'invalid_request',
      ]);
      const moved = await operator('PATCH', of(id), until);
      expect(Date.parse(moved.body.expires_at)).toBe(Date.UTC(2031, 0, 1));
    });

    test('to fewer seats lets none acquire before sessions beyond them are over', async () => {
      const { id, license_key } = await issued({ seats: 2 });
      const acquire = (hardware_id: string) =>
        service.post('/api/v1/licenses/acquire', { license_key, hardware_id });
      const answers = [await acquire('one'), await acquire('two')];
      expect((await operator('PATCH', of(id), { seats: 1 })).status).toBe(200);
      const onSeatZero = (await sessionsOf(license_key)).find(({ fields }) => fields.seat === 0);
      const hardware = onSeatZero?.path.split('/').at(-1) ?? '';
      const session_id = answers.map(({ body }) => body.session_id).find((each) => each.includes(hardware));
      expect((await service.post('/api/v1/licenses/release', { session_id })).status).toBe(200);
      expect(refusal(await acquire('three'))).toEqual([409, 'seats_exhausted']);
    });

    test.each([
      ['nothing', {}, ''],
      ['seats as text', { seats: '5' }, '/seats'],
      ['an end that is no date', { expires_at: '2031-02-30T00:00:00Z' }, '/expires_at'],
    ])('to %s is refused', async (_, body, pointer) => {
      const { id } = await issued();
      const answer = await operator('PATCH', of(id), body);
      expect(refusal(answer)).toEqual([422, 'invalid_request']);
      expect(answer.body.errors[0].pointer).toBe(pointer);
    });
  });

  describe('a renewal', () => {
    test('adds to the old end, and its document says the new one', async () => {
      const { id, expires_at } = await issued();
      const { body } = await operator('POST', of(id, '/renew'), { duration_days: 10 });
      expect(Date.parse(body.expires_at) - Date.parse(expires_at)).toBe(10 * DAY);
      const end = Math.floor(Date.parse(body.expires_at) / 1000) * 1000;
      expect(decodeIssued(body.token)).toMatchObject({ license: { expiresAt: end } });
    });

    test('is done once however often it is sent with its Idempotency-Key', async () => {
      const { id, expires_at } = await issued();
      const headers = freshKey();
      const send = () => operator('POST', of(id, '/renew'), { duration_days: 10 }, headers);
      const answers = await Promise.all([send(), send(), send()]);
      const ends = new Set(answers.map(({ body }) => Date.parse(body.expires_at) - Date.parse(expires_at)));
      expect([...ends]).toEqual([10 * DAY]);
    });

    test('of a licence without an end is refused', async () => {
      const { id } = await issued({ license_type: 'perpetual', duration_days: undefined });
      const answer = await operator('POST', of(id, '/renew'), { duration_days: 10 });
      expect(refusal(answer)).toEqual([409, 'not_renewable']);
    });

    test('of a DTLIC2 licence names its key again, which is asked of nobody', async () => {
      const { id, license_key } = await issued({ formats: ['dtlic2'], holder: HOLDER });
      await operator('POST', of(id, '/renew'), { duration_days: 10 });
      const { body } = await operator('GET', of(id, '/documents'));
      expect(body.documents).toHaveLength(2);
      for (const { document } of body.documents)
        expect(decodeIssued(document)).toMatchObject({ license: { licenseId: license_key } });
    });
  });

  describe('a suspension', () => {
    test('keeps clients from acquiring until the licence is reinstated', async () => {
      const { id, license_key } = await issued();
      const acquire = () =>
        service.post('/api/v1/licenses/acquire', { license_key, hardware_id: 'machine-2' });
      const suspended = await operator('POST', of(id, '/suspend'), { reason: 'unpaid' });
      expect(suspended.body.status).toBe('suspended');
      expect(refusal(await acquire())).toEqual([403, 'license_suspended']);
      expect((await operator('POST', of(id, '/reinstate'), {})).body.status).toBe('active');
      expect((await acquire()).status).toBe(200);
      const told = (await events(id)).filter(({ action }) => String(action).startsWith('licenses.'));
      expect(told.map(({ action }) => action)).toEqual([
        'licenses.issue',
        'licenses.suspend',
        'licenses.reinstate',
      ]);
      expect(told[1]?.after).toMatchObject({ reason: 'unpaid' });
    });
  });

  describe('a revocation', () => {
    test('ends the sessions, and the licence can never be used or changed again', async () => {
      const { id, license_key, token } = await issued();
      const acquired = await service.post('/api/v1/licenses/acquire', { license_key, hardware_id: 'm' });
      const revoked = await operator('DELETE', of(id, '/revoke'), { reason: 'fraud' });
      expect([revoked.status, revoked.body.license_id]).toEqual([200, id]);
      expect(await sessionsOf(license_key)).toEqual([]);
      const beat = await service.post('/api/v1/licenses/heartbeat', { session_id: acquired.body.session_id });
      expect(beat.status).toBeGreaterThanOrEqual(400);
      const checked = await service.post('/api/v1/licenses/validate', { token });
      expect(checked.body).toMatchObject({ valid: false, code: 'license_revoked' });
      expect((await operator('GET', of(id))).body).toMatchObject({
        status: 'revoked',
        revoked_reason: 'fraud',
      });
      for (const [method, path, body] of [
        ['POST', '/reinstate', {}],
        ['POST', '/suspend', { reason: 'x' }],
        ['POST', '/renew', { duration_days: 1 }],
        ['POST', '/transfer', { customer_id: 'other-co' }],
        ['PATCH', '', { notes: 'x' }],
        ['POST', '/documents', { format: 'aegis' }],
      ] as const)
        expect(refusal(await operator(method, of(id, path), body)), path).toEqual([403, 'license_revoked']);
    });

    test('of two at once happens once, and the trail tells of one', async () => {
      const { id } = await issued();
      const revoke = () => operator('DELETE', of(id, '/revoke'), { reason: 'twice' });
      const answers = await Promise.all([revoke(), revoke()]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      expect(refusal(await revoke())).toEqual([409, 'already_revoked']);
      expect((await events(id)).filter(({ action }) => action === 'licenses.revoke')).toHaveLength(1);
    });

    test('that was interrupted before its sessions had ended is completed by repeating it', async () => {
      const { id, license_key } = await issued();
      await service.post('/api/v1/licenses/acquire', { license_key, hardware_id: 'm' });
      await service.updateLicense(license_key, { status: 'revoked' });
      expect(await sessionsOf(license_key)).toHaveLength(1);
      const answer = await operator('DELETE', of(id, '/revoke'), { reason: 'again' });
      expect(refusal(answer)).toEqual([409, 'already_revoked']);
      expect(await sessionsOf(license_key)).toEqual([]);
    });

    test('needs a reason', async () => {
      const { id } = await issued();
      expect(refusal(await operator('DELETE', of(id, '/revoke'), {}))).toEqual([422, 'invalid_request']);
    });
  });

  describe('a transfer', () => {
    test('gives the licence, its documents and its address to the other customer', async () => {
      const { id } = await issued();
      const { body } = await operator('POST', of(id, '/transfer'), { customer_id: 'other-co' });
      expect(body).toMatchObject({ customer_id: 'other-co', customer_name: 'Customer other-co' });
      expect(decodeIssued(body.token)).toMatchObject({ license: { customer: { id: 'other-co' } } });
      const found = await operator('GET', '/api/v1/licenses?email=it@OTHER.example');
      expect(found.body.licenses.map((each: { id: string }) => each.id)).toContain(id);
      expect(refusal(await acme('GET', of(id)))).toEqual([404, 'license_not_found']);
    });

    test('to nobody is refused', async () => {
      const { id } = await issued();
      const answer = await operator('POST', of(id, '/transfer'), { customer_id: 'nobody' });
      expect(refusal(answer)).toEqual([404, 'customer_not_found']);
    });
  });

  describe('documents', () => {
    test('are issued in one more format, and then handed out as they are', async () => {
      const { id } = await issued({ limits: LIMITS });
      const send = () => operator('POST', of(id, '/documents'), { format: 'caio-v2' });
      const [first, second] = [await send(), await send()];
      expect([first.status, first.body.format]).toEqual([201, 'caio-v2']);
      expect(second.body).toEqual(first.body);
    });

    test('of DTLIC2 need the licence key, and the right one', async () => {
      const { id, license_key } = await issued({ holder: HOLDER });
      const send = (more: object) => operator('POST', of(id, '/documents'), { format: 'dtlic2', ...more });
      expect(refusal(await send({}))).toEqual([422, 'invalid_request']);
      expect(refusal(await send({ license_key: 'another' }))).toEqual([422, 'invalid_request']);
      expect((await send({ license_key })).status).toBe(201);
      expect((await send({})).status).toBe(201);
    });

    test('in a format that does not fit the licence are refused', async () => {
      const { id } = await issued();
      const answer = await operator('POST', of(id, '/documents'), { format: 'caio-v2' });
      expect(refusal(answer)).toEqual([422, 'invalid_request']);
    });
  });

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
