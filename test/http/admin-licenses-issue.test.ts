/** Licences as operators issue them: over HTTP, on both stores. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeIssued } from '../../shared/formats/issued.ts';
import { DAY, deskOn, freshKey, HOLDER, LIMITS, of, refusal, SUBSCRIPTION } from '../support/license-desk.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  const { acme, events, issue, issued, openDesk, operator } = deskOn(() => service);

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    await openDesk();
  });
  afterAll(() => service.stop());

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
      expect(service.dumpStore()).toBe(before);
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
});
