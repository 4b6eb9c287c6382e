/** Names that nobody can read, keys that anybody can guess, lists that allow nothing: refused, naming the member. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ledgerLine, ledgerTerms } from '../support/ledger.ts';
import { deskOn, HOLDER, LIMITS, of, refusal } from '../support/license-desk.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';

let service: TestService;
const { issue, issued, openDesk, operator } = deskOn(() => service);
beforeAll(async () => {
  service = await startTestService({ deadlineMs: 10_000 });
  await openDesk();
});
afterAll(() => service.stop());

/** One member may be wrong in two ways. */
const pointers = ({ body }: Answer) => [
  ...new Set((body.errors ?? []).map(({ pointer }: { pointer: string }) => pointer)),
];

async function expectRefused(call: () => Promise<Answer>, pointer: string): Promise<void> {
  const before = service.dumpStore();
  const answer = await call();
  expect([refusal(answer), pointers(answer)]).toEqual([[422, 'invalid_request'], [pointer]]);
  expect(answer.body.errors[0].detail).not.toBe('');
  expect(service.dumpStore()).toBe(before);
}

describe.each([
  ['of spaces', '   '],
  ['of white space', '\u00a0\t\u2003'],
  ['with a NUL', 'a\u0000b'],
  ['with an escape sequence', 'a\u001b[31m'],
  ['with a line end', 'a\nb'],
])('a text %s', (_what, text) => {
  const key = { name: 'shop', scopes: ['licenses:read'] };
  const places: [string, () => Promise<Answer>, string][] = [
    ['a product', () => issue({ module_name: text }), '/module_name'],
    ['a feature', () => issue({ features: ['good', text] }), '/features/1'],
    ['an added feature', () => issue({ add_features: [text] }), '/add_features/0'],
    ['a holder', () => issue({ holder: { ...HOLDER, name: text } }), '/holder/name'],
    ['a customer', () => operator('POST', '/api/v1/customers', { id: 'x', name: text }), '/name'],
    ['a changed customer', () => operator('PATCH', '/api/v1/customers/acme-gmbh', { name: text }), '/name'],
    ['an API key', () => operator('POST', '/api/v1/admin/api-keys', { ...key, name: text }), '/name'],
    [
      'an imported product',
      () => operator('POST', of('import'), { lines: ['x'], product: text }),
      '/product',
    ],
  ];
  test.each(places)('is no name of %s', async (_place, call, pointer) => expectRefused(call, pointer));

  test('is no name in a ledger', async () => {
    const line = ledgerLine(ledgerTerms(1, { name: text }));
    const { body } = await operator('POST', of('import'), { lines: [line], customer_id: 'acme-gmbh' });
    expect(body.results).toMatchObject([{ outcome: 'refused', reason: 'Missing or wrong: name.' }]);
  });
});

test.each([
  ['notes', 'a\u0000b', () => issue({ notes: 'a\u0000b' }), '/notes'],
  [
    'a telephone number',
    'NUL',
    () => operator('POST', '/api/v1/customers', { id: 'x', name: 'x', phone: '\u0000' }),
    '/phone',
  ],
  [
    'an address',
    'NUL',
    () => operator('POST', '/api/v1/customers', { id: 'x', name: 'x', address: '\u0000' }),
    '/address',
  ],
])('%s have no control characters', async (_what, _text, call, pointer) => expectRefused(call, pointer));

test('notes and addresses may have lines', async () => {
  expect((await issue({ notes: 'one\r\n\ttwo\n' })).status).toBe(201);
  const address = 'Straße 1\n12345 Ort';
  const customer = { id: 'lines', name: '株式会社 Ж', address };
  expect((await operator('POST', '/api/v1/customers', customer)).body.address).toBe(address);
});

describe('a key of the operator’s own', () => {
  test.each(['---', '   ', '-', '1234567', 'A-B-C-D-E-F-G', '–––––––––', '\u0000'.repeat(20)])(
    'that comes to fewer than 8 letters and digits is refused: %j',
    async (license_key) => expectRefused(() => issue({ license_key }), '/license_key'),
  );

  test.each(['12345678', 'A-B-C-D-E-F-G-H', 'ключ-клиента-7', '株式会社の鍵です'])(
    'opens with 8 of them: %j',
    async (license_key) => {
      expect((await issue({ license_key })).status).toBe(201);
      const answer = await service.post('/api/v1/licenses/acquire', { license_key, hardware_id: 'm' });
      expect(answer.status).toBe(200);
    },
  );

  test.each(['---', ' - ', '1234567'])('that is there from before opens nothing: %j', async (licenseKey) => {
    await service.addLicense({ licenseKey });
    const call = { license_key: licenseKey, hardware_id: 'm' };
    expect(refusal(await service.post('/api/v1/licenses/acquire', call))).toEqual([404, 'license_not_found']);
    const loan = { ...call, borrow_seconds: 60 };
    expect(refusal(await service.post('/api/v1/licenses/borrow', loan))).toEqual([404, 'license_not_found']);
  });
});

test('a licence for no version at all is refused, at issue and later', async () => {
  await expectRefused(() => issue({ allowed_major_versions: [] }), '/allowed_major_versions');
  const { id } = await issued();
  await expectRefused(
    () => operator('PATCH', of(id), { allowed_major_versions: [] }),
    '/allowed_major_versions',
  );
});

describe('a change that does not fit what is stored names the member', () => {
  test('an end that the type has to have', async () => {
    const { id } = await issued({ license_type: 'demo', duration_days: 7 });
    await expectRefused(() => operator('PATCH', of(id), { expires_at: null }), '/expires_at');
  });

  test('an end that the type has not', async () => {
    const { id } = await issued({ license_type: 'perpetual', duration_days: undefined });
    await expectRefused(
      () => operator('PATCH', of(id), { expires_at: '2031-01-01T00:00:00Z' }),
      '/expires_at',
    );
  });

  test.each([
    ['/policy/lease_seconds', { lease_seconds: 100, heartbeat_seconds: 300 }],
    ['/policy/lease_seconds', { lease_seconds: 100 }],
    ['/policy/heartbeat_seconds', { heartbeat_seconds: 86_400 }],
  ])('at %s a lease that is over before the next heartbeat', async (pointer, policy) => {
    const { id } = await issued({ limits: LIMITS });
    await expectRefused(() => operator('PATCH', of(id), { policy }), pointer);
  });
});
