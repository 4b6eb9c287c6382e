/** Issuing and changing while the store does not confirm what it has done: each happens once, and the trail tells of each once. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { issueLicense } from '../../../shared/usecases/issue-license.ts';
import { renewLicense } from '../../../shared/usecases/renew-license.ts';
import { revokeForGood } from '../../../shared/usecases/suspend-license.ts';
import { issueLicenseRequest } from '../../../shared/wire/admin-licenses.ts';
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

let service: TestService;

beforeEach(async () => {
  service = await startTestService({ deadlineMs: 10_000 });
  const customer = { name: 'Acme', email: null, company: null, phone: null, address: null, notes: null };
  const fields = { ...customer, is_active: true, created_at: 0, updated_at: 0 };
  await service.ports.store.commit([{ op: 'set', path: 'customers/acme', fields }]);
});
afterEach(() => service.stop());

test.each(['with', 'without'])('an interrupted commit happens once, %s an Idempotency-Key', async (keyed) => {
  const store = openFailingStore(service.ports.store, { interruptEvery: 1 });
  const ports = { ...service.ports, store };
  const key = (name: string) => (keyed === 'with' ? `${name}-${randomBytes(4).toString('hex')}` : undefined);
  const body = {
    customer_id: 'acme',
    module_name: 'app',
    license_type: 'subscription',
    duration_days: 30,
    allowed_major_versions: [1],
  };
  const wanted = issueLicenseRequest.parse(body);
  const issue = { caller: CALLER, idempotencyKey: key('issue'), wanted, body };
  const { license } = await issueLicense(ports, service.settings, issue);
  const request = (name: string) => ({
    caller: CALLER,
    licenseId: license.id,
    idempotencyKey: key(name),
    ifMatch: undefined,
    body: {},
  });
  const renewed = await renewLicense(ports, service.settings, request('renew'), 10);
  expect(Date.parse(renewed.license.expires_at ?? '') - Date.parse(license.expires_at ?? '')).toBe(10 * DAY);
  await revokeForGood(ports, request('revoke'), 'over');
  const events = await service.ports.store.query({ collection: 'audit' });
  expect(events.map(({ fields }) => fields.action)).toEqual([
    'licenses.issue',
    'documents.issue',
    'licenses.renew',
    'documents.issue',
    'licenses.revoke',
  ]);
  const acquired = await service.post('/api/v1/licenses/acquire', {
    license_key: license.license_key,
    hardware_id: 'm',
  });
  expect(acquired.body.code).toBe('license_revoked');
});
