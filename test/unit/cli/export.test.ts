import { expect, test } from 'vitest';
import { customerIdOf, daysOfYears } from '../../../scripts/cli/licenses/mint.ts';
import { linesOf } from '../../../scripts/cli/licenses/reports.ts';
import { printable, table } from '../../../scripts/cli/table.ts';
import type { License } from '../../../shared/client/admin-client.ts';
import { csvLine } from '../../../shared/csv.ts';
import { customerId } from '../../../shared/wire/customers.ts';

const LICENSE: License = {
  id: 'license-1',
  customer_id: 'acme',
  customer_name: '=HYPERLINK("http://evil.example")',
  module_name: 'demo-app',
  license_type: 'perpetual',
  status: 'active',
  tier: 'pro',
  features: ['a', 'b'],
  allowed_major_versions: null,
  seats: 5,
  limits: null,
  policy: {
    heartbeat_seconds: 300,
    lease_seconds: 360,
    offline_grace_seconds: 0,
    strict_online: false,
    borrow_max_seconds: 0,
  },
  allowed_hardware: null,
  holder: { name: 'Zoë, "the first"', email: '+zoe@example.com' },
  instance_fingerprint: null,
  unverified: false,
  notes: 'two\nlines',
  revoked_reason: null,
  issued_at: '2026-01-02T03:04:05.678+00:00',
  expires_at: null,
  expiry_strategy: 'restrict',
  updated_at: '2026-01-02T03:04:05.678+00:00',
  token: null,
  key_id: null,
};

async function* listed(...licenses: License[]) {
  yield* licenses;
}

const textOf = async (format: 'csv' | 'json' | 'jsonl', ...licenses: License[]) =>
  (await Array.fromAsync(linesOf(format, listed(...licenses)))).join('');

test.each([
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\tx', "'\tx"],
  ['\rx', '"\'\rx"'],
  ['\nx', '"\'\nx"'],
  ['＝1+1', "'＝1+1"],
  ['＋1', "'＋1"],
  ['－1', "'－1"],
  ['＠SUM(A1)', "'＠SUM(A1)"],
  ['foo;=1+1;bar', "foo;'=1+1;bar"],
  ['foo\t=1+1', "foo\t'=1+1"],
  ['foo\r\n=1+1', '"foo\r\n\'=1+1"'],
  ['foo;"=1+1;bar', '"foo;\'""=1+1;bar"'],
  ["'=1+1", "''=1+1"],
  ["it's", "it's"],
  ['a=b', 'a=b'],
  ['', ''],
])('the cell %j is %j in CSV, so that no spreadsheet computes it', (cell, expected) => {
  expect(csvLine([cell])).toBe(`${expected}\r\n`);
});

test('CSV quotes commas, quotes and line ends, and leaves out what is null', () => {
  expect(csvLine(['a,b', 'say "x"', 'two\nlines', null, 5])).toBe('"a,b","say ""x""","two\nlines",,5\r\n');
});

test('an export as CSV has a header and a line for each licence, whose names compute nothing', async () => {
  const text = await textOf('csv', LICENSE);
  expect(text.split('\r\n')[0]).toMatch(/^id,customer_id,customer_name,/);
  expect(text).toContain(`"'=HYPERLINK(""http://evil.example"")"`);
  expect(text).toContain(`"Zoë, ""the first""",'+zoe@example.com`);
  expect(await textOf('csv')).toBe(`${text.split('\r\n')[0]}\r\n`);
});

test('an export as JSON is one array, also of nothing, and as JSONL a line for each', async () => {
  expect(JSON.parse(await textOf('json', LICENSE, LICENSE))).toEqual([LICENSE, LICENSE]);
  expect(JSON.parse(await textOf('json'))).toEqual([]);
  const lines = (await textOf('jsonl', LICENSE, LICENSE)).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual([LICENSE, LICENSE]);
  expect(await textOf('jsonl')).toBe('');
});

test.each([
  ['2026-11-22', 1, 365],
  ['2027-11-22', 1, 366],
  ['2028-02-29', 1, 365],
  ['2028-02-29', 4, 1461],
  ['2027-02-28', 1, 365],
])('%s and %i years are %i days', (from, years, days) => {
  expect(daysOfYears(years, Date.parse(`${from}T12:00:00Z`))).toBe(days);
});

test.each(['ada@example.com', `${'x'.repeat(200)}@example.com`, '東京@例え.jp', '"a b"@example.com'])(
  'the customer of %s has an id that the service takes',
  (email) => {
    expect(customerId.safeParse(customerIdOf(email))).toMatchObject({ success: true });
  },
);

test('one address is one customer in any case, and another address another', () => {
  expect(customerIdOf(' Ada@Example.com')).toBe(customerIdOf('ada@example.com'));
  expect(customerIdOf('ada.b@example.com')).not.toBe(customerIdOf('ada-b@example.com'));
});

test('control characters of names do not reach a terminal', () => {
  expect(printable('\u001b[2JAda\u202e\u009b1m')).toBe('\ufffd[2JAda\ufffd\ufffd1m');
  expect(table(['NAME'], [['Ada\u001b]0;x\u0007\nLovelace']])).toBe('NAME\nAda\ufffd]0;x\ufffd Lovelace');
});
