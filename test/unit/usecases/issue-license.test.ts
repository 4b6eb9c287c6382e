/**
 * Issuing and changing on a store that does not confirm what it has done: each happens once, signed once, and is answered as it
 * is on record; the trail tells of each once.
 */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Ports } from '../../../shared/ports/ports.ts';
import { editTerms } from '../../../shared/usecases/edit-license-terms.ts';
import { findLicense, viewOf, withToken } from '../../../shared/usecases/find-license.ts';
import { issueDocument } from '../../../shared/usecases/issue-in-format.ts';
import { issueLicense } from '../../../shared/usecases/issue-license.ts';
import { documentsOf } from '../../../shared/usecases/license-documents.ts';
import { renewLicense } from '../../../shared/usecases/renew-license.ts';
import { revokeForGood } from '../../../shared/usecases/suspend-license.ts';
import { transferLicense } from '../../../shared/usecases/transfer-license.ts';
import { issueLicenseRequest, type License } from '../../../shared/wire/admin-licenses.ts';
import { openFailingStore } from '../../support/failing-store.ts';
import { DAY } from '../../support/records.ts';
import { startTestService, type TestService } from '../../support/service.ts';

const CALLER = {
  actor: 'key:test',
  scopes: new Set<never>(),
  customerId: null,
  source: null,
  requestId: 'request-1',
};
const LIMITS = { max_instances: 1, max_services: 1, max_requests_per_day: 1 };

describe.each(['sqlite', 'firestore'] as const)('on %s', (kind) => {
  let service: TestService;
  let ports: Ports;

  beforeEach(async () => {
    service = await startTestService({ store: kind, deadlineMs: 15_000 });
    const customer = { email: null, company: null, phone: null, address: null, notes: null };
    const fields = { ...customer, is_active: true, created_at: 0, updated_at: 0 };
    for (const name of ['acme', 'other'])
      await service.ports.store.commit([
        { op: 'set', path: `customers/${name}`, fields: { ...fields, name } },
      ]);
    ports = { ...service.ports, store: openFailingStore(service.ports.store, { interruptEvery: 1 }) };
  });
  afterEach(() => service.stop());

  /** As it is read back. */
  async function expectOnRecord(answered: License): Promise<void> {
    const { hash, record } = await findLicense(service.ports, CALLER, answered.id);
    const view = viewOf(record, service.ports.clock.now());
    expect(answered).toEqual(withToken(view, await documentsOf(service.ports, hash)));
  }

  test.each(['with', 'without'])(
    'an interrupted commit happens once, %s an Idempotency-Key',
    async (keyed) => {
      const { settings } = service;
      const key = () => (keyed === 'with' ? randomUUID() : undefined);
      const body = {
        customer_id: 'acme',
        module_name: 'app',
        license_type: 'subscription',
        duration_days: 30,
        allowed_major_versions: [1],
        limits: LIMITS,
      };
      const wanted = issueLicenseRequest.parse(body);
      const issue = { caller: CALLER, idempotencyKey: key(), wanted, body };
      const { license_key, ...license } = (await issueLicense(ports, settings, issue)).license;
      await expectOnRecord(license);
      const request = () => ({
        caller: CALLER,
        licenseId: license.id,
        idempotencyKey: key(),
        ifMatch: undefined,
        body: {},
      });
      const renewed = await renewLicense(ports, settings, request(), 10);
      await expectOnRecord(renewed.license);
      expect(Date.parse(renewed.license.expires_at ?? '') - Date.parse(license.expires_at ?? '')).toBe(
        10 * DAY,
      );
      await expectOnRecord(
        (await editTerms(ports, settings, request(), { allowed_major_versions: [2] })).license,
      );
      await expectOnRecord(
        (await transferLicense(ports, settings, request(), { customerId: 'other' })).license,
      );
      const caio = { format: 'caio-v2', licenseKey: undefined } as const;
      const { document } = await issueDocument(ports, settings, request(), caio);
      const { hash } = await findLicense(service.ports, CALLER, license.id);
      expect((await documentsOf(service.ports, hash))[0]?.text).toBe(document.document);
      await revokeForGood(ports, request(), 'over');

      const events = await service.ports.store.query({ collection: 'audit' });
      expect(events.map(({ fields }) => fields.action)).toEqual([
        'licenses.issue',
        'documents.issue',
        'licenses.renew',
        'documents.issue',
        'licenses.change',
        'documents.issue',
        'licenses.transfer',
        'documents.issue',
        'documents.issue',
        'licenses.revoke',
      ]);
      expect((await service.kms.stats()).signs.requested).toBe(5);
      const machine = { license_key, hardware_id: 'm' };
      expect((await service.post('/api/v1/licenses/acquire', machine)).body.code).toBe('license_revoked');
    },
  );
});
