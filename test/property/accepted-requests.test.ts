/**
 * Whatever operators send, at the edges of what they may: a request is carried out or refused, and afterwards every record
 * can be read, every list answers, and no time has a year that RFC 3339 cannot write.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kindOf } from '../../shared/records/kinds.ts';
import { ledgerLine, ledgerTerms } from '../support/ledger.ts';
import { deskOn, HOLDER, LIMITS, of } from '../support/license-desk.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';

const RUNS = { numRuns: 60 };
const COLLECTIONS = ['customers', 'licenses', 'api_keys', 'audit', 'audit_chain', 'idempotency'];
const GROUPS = ['sessions', 'seats', 'documents'];

let service: TestService;
const { operator, openDesk } = deskOn(() => service);
beforeAll(async () => {
  service = await startTestService({ deadlineMs: 10_000 });
  await openDesk();
});
afterAll(() => service.stop());

const dates = fc.oneof(
  fc.constantFrom(
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00+00:00',
    '1969-12-31T23:59:59.999Z',
    '1970-01-01T00:00:00Z',
    '1970-01-01T00:00:00+23:59',
    '9999-12-31T23:59:59Z',
    '9999-12-31T23:59:59.999Z',
    '9999-12-31T23:59:59-23:59',
  ),
  fc
    .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString()),
);
const numbers = fc.oneof(
  fc.constantFrom(-1, 0, -0, 1, 86_400, 2 ** 31, Number.MAX_SAFE_INTEGER, 36_500, 36_501, 0.5),
  fc.integer({ min: 1, max: 100_000 }),
);
const texts = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '---',
    '=1+1',
    '__proto__',
    '..',
    '/',
    'a'.repeat(256),
    'a'.repeat(257),
    '😀',
    '\u202e',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
/** Mostly good, so that a bad member is not hidden behind others. */
const mostly = <T, U>(good: T, edge: fc.Arbitrary<U>) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: edge });

const issues = fc.record({
  customer_id: fc.constant('acme-gmbh'),
  module_name: mostly('sale_forecast', texts),
  license_type: fc.constantFrom('perpetual', 'subscription', 'demo', 'standard', 'enterprise'),
  duration_days: mostly(30, orNull(numbers)),
  allowed_major_versions: mostly([16], orNull(fc.array(numbers, { maxLength: 2 }))),
  seats: mostly(1, orNull(numbers)),
  features: mostly(['a'], fc.array(texts, { maxLength: 2 })),
  limits: mostly(
    LIMITS,
    fc.record({ max_instances: numbers, max_services: numbers, max_requests_per_day: numbers }),
  ),
  holder: mostly(HOLDER, fc.record({ name: texts, email: texts })),
  notes: orNull(texts),
  formats: fc.constantFrom([], ['aegis'], ['aegis', 'caio-v2', 'dtlic2']),
});
const changes = fc.record(
  {
    expires_at: orNull(dates),
    seats: orNull(numbers),
    allowed_major_versions: orNull(fc.array(numbers, { maxLength: 2 })),
    features: fc.array(texts, { maxLength: 2 }),
    notes: orNull(texts),
    policy: fc.record(
      {
        lease_seconds: numbers,
        heartbeat_seconds: numbers,
        offline_grace_seconds: numbers,
        borrow_max_seconds: numbers,
      },
      { requiredKeys: [] },
    ),
    allowed_hardware: orNull(fc.array(texts, { maxLength: 2 })),
    expiry_strategy: fc.constantFrom('restrict', 'maintain', 'allow'),
  },
  { requiredKeys: [] },
);
const customers = fc.record({
  id: fc.uuid(),
  name: mostly('x', texts),
  phone: orNull(texts),
  notes: orNull(texts),
});
const apiKeys = fc.record({
  name: mostly('x', texts),
  scopes: fc.constant(['licenses:read']),
  expires_at: orNull(dates),
});
const ledger = fc.record({
  n: fc.integer({ min: 0x10_0000, max: 0xff_ffff }),
  name: mostly(
    'Zoë',
    texts.filter((text) => text !== ''),
  ),
  issued_at: dates.filter((date) => date !== '0000-01-01T00:00:00Z'),
  expires_at: orNull(dates),
});

/** Not one of them is a defect: refused, or carried out. */
function expectDecided(what: string, { status, body }: Answer): boolean {
  expect([what, status < 500, status === 422 ? body.errors?.length > 0 : true]).toEqual([what, true, true]);
  return status < 300;
}

async function unreadable(): Promise<string[]> {
  const { store } = service.ports;
  const sources = [
    ...COLLECTIONS.map((collection) => ({ collection })),
    ...GROUPS.map((group) => ({ group })),
  ];
  const found = (await Promise.all(sources.map((source) => store.query(source)))).flat();
  expect(found.length).toBeGreaterThan(0);
  return found.filter(({ path, fields }) => !kindOf(path)?.safeParse(fields).success).map(({ path }) => path);
}

async function expectWhole(): Promise<void> {
  expect(await unreadable()).toEqual([]);
  for (const path of [
    '/api/v1/licenses',
    '/api/v1/customers',
    '/api/v1/admin/api-keys',
    '/api/v1/admin/audit-logs',
  ]) {
    const { status, body } = await operator('GET', `${path}?page_size=100`);
    expect([path, status, body.damaged]).toEqual([path, 200, undefined]);
    expect(JSON.stringify(body)).not.toMatch(/"[+-]0\d{5}-/);
  }
}

let accepted = 0;
const decided = async (what: string, answer: Promise<Answer>) => {
  const isDone = expectDecided(what, await answer);
  if (isDone) accepted += 1;
  return isDone;
};

test('licences that are issued, changed, renewed again and again, and acquired', async () => {
  await fc.assert(
    fc.asyncProperty(issues, changes, fc.array(numbers, { maxLength: 2 }), async (wanted, change, days) => {
      const issued = await operator('POST', '/api/v1/licenses', wanted);
      if (!expectDecided('issue', issued)) return;
      const { id, license_key } = issued.body;
      await decided('change', operator('PATCH', of(id), change));
      for (const duration_days of days)
        await decided('renew', operator('POST', of(id, '/renew'), { duration_days }));
      const acquire = { license_key, hardware_id: 'm', borrow_seconds: days[0] ?? 1 };
      await decided('acquire', service.post('/api/v1/licenses/acquire', acquire));
      await decided('borrow', service.post('/api/v1/licenses/borrow', acquire));
    }),
    RUNS,
  );
  await expectWhole();
});

test('customers, API keys and lines of a ledger', async () => {
  await fc.assert(
    fc.asyncProperty(customers, apiKeys, ledger, async (customer, apiKey, { n, ...terms }) => {
      await decided('customer', operator('POST', '/api/v1/customers', customer));
      await decided('API key', operator('POST', '/api/v1/admin/api-keys', apiKey));
      const lines = [ledgerLine(ledgerTerms(n, terms))];
      await decided('import', operator('POST', of('import'), { lines, customer_id: 'acme-gmbh' }));
    }),
    RUNS,
  );
  await expectWhole();
});

test('enough of them were accepted to say so', () => expect(accepted).toBeGreaterThan(100));
