/** Exports, counts and reminders of an operator with more licences than numbered pages reach. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LicenseRecord } from '../../shared/records/license.ts';
import { adminCalls } from '../support/admin-calls.ts';
import { activeFirstToEnd, fillStock, newest, STOCK_CUSTOMERS, stockIds } from '../support/license-stock.ts';
import { DAY } from '../support/records.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { type Ended, REPOSITORY, spawnProgram } from '../support/spawn-stack.ts';

const BIN = join(REPOSITORY, 'scripts', 'countersign.js');
const MANY = 10_250;
const TIES = 20;

let folder: string;
let service: TestService;
let stock: LicenseRecord[];
let environment: Readonly<Record<string, string>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-long-lists-'));
  service = await startTestService();
  const own = await service.admin();
  environment = { COUNTERSIGN_URL: service.baseUrl, COUNTERSIGN_API_KEY: own['x-api-key'] };
  const call = adminCalls(service, own);
  for (const id of STOCK_CUSTOMERS) {
    const { status } = await call('POST', '/api/v1/customers', { id, name: id, email: `${id}@x.example` });
    expect(status).toBe(201);
  }
  stock = await fillStock(service, 0, MANY, { ties: TIES });
}, 120_000);
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});

const run = (...args: string[]): Promise<Ended> => spawnProgram(BIN, args, { env: environment }).ended;

async function answered(...args: string[]) {
  const { code, stdout, stderr } = await run(...args, '--json');
  expect([code, stderr], stdout).toEqual([0, '']);
  return JSON.parse(stdout);
}

const now = () => service.ports.clock.now();

describe('an export', { timeout: 120_000 }, () => {
  test('as JSONL has every licence once, newest first', async () => {
    const { code, stdout } = await run('export', '--format', 'jsonl');
    const ids = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).id);
    expect([code, ids]).toEqual([0, stockIds([...stock].sort(newest))]);
  });

  test('as JSON into a file is whole, too', async () => {
    const path = join(folder, 'all.json');
    const { code, stdout } = await run('export', '--format', 'json', '--output', path);
    expect([code, stdout]).toEqual([0, '']);
    expect(JSON.parse(readFileSync(path, 'utf8')).map(({ id }: { id: string }) => id)).toEqual(
      stockIds([...stock].sort(newest)),
    );
  });

  test('as CSV has those that fit a filter and no others', async () => {
    const { code, stdout } = await run('export', '--status', 'active');
    const ids = stdout
      .trimEnd()
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(',')[0]);
    expect([code, ids]).toEqual([0, stockIds(activeFirstToEnd(stock, now()))]);
  });
});

describe('a count', () => {
  const counted = (records: readonly LicenseRecord[], of: (record: LicenseRecord) => string) => {
    const counts: Record<string, number> = {};
    for (const record of records) counts[of(record)] = (counts[of(record)] ?? 0) + 1;
    return counts;
  };

  test.each<[string, string[], (record: LicenseRecord) => boolean, (record: LicenseRecord) => string]>([
    ['tier', [], () => true, ({ tier }) => tier],
    [
      'tier',
      ['--customer', 'acme', '--module', 'common'],
      ({ customer_id, product }) => customer_id === 'acme' && product === 'common',
      ({ tier }) => tier,
    ],
    [
      'type',
      ['--status', 'revoked'],
      ({ status }) => status === 'revoked',
      ({ license_type }) => license_type,
    ],
    [
      'status',
      ['--type', 'perpetual'],
      ({ license_type }) => license_type === 'perpetual',
      ({ status }) => status,
    ],
  ])('by %s with %j is of all that fit, and lists none', async (by, filters, fits, of) => {
    const before = service.logLines.length;
    const { counts } = await answered('licenses', 'count', '--by', by, ...filters);
    expect(counts).toEqual(counted(stock.filter(fits), of));
    const routes = service.logLines.slice(before).flatMap((line) => JSON.parse(line).route ?? []);
    expect(routes).toEqual(['/api/v1/admin/stats']);
  });

  test('in stats is by status, type and tier', async () => {
    const { stdout } = await run('stats');
    expect(stdout).toMatch(/^BY +LICENCES +NUMBER\n/);
    expect(stdout).toMatch(
      new RegExp(`^tier +team +${stock.filter(({ tier }) => tier === 'team').length}$`, 'm'),
    );
    expect(stdout).toMatch(new RegExp(`^ +all +${MANY}$`, 'm'));
  });
});

describe('what ends soon', () => {
  const soon = (days: number) =>
    activeFirstToEnd(stock, now()).filter(
      ({ expires_at }) => expires_at !== null && expires_at <= now() + days * DAY,
    );

  test('is listed by the service, the first to end first', async () => {
    const { licenses } = await answered('licenses', 'expiring', '--days', '12', '--customer', 'beta');
    const expected = soon(12).filter(({ customer_id }) => customer_id === 'beta');
    expect(licenses.map(({ id }: { id: string }) => id)).toEqual(stockIds(expected));
    expect((await answered('licenses', 'expiring', '--days', '36500')).licenses).toHaveLength(
      soon(36_500).length,
    );
  });

  test('is reminded of at the address of its customer', async () => {
    const { reminders } = await answered('reminders', '--days', '20');
    expect(reminders.map(({ license_id }: { license_id: string }) => license_id)).toEqual(stockIds(soon(20)));
    expect(reminders[0]).toMatchObject({ email: `${soon(20)[0]?.customer_id}@x.example` });
  });

  test('is of active ones only: another status is refused', async () => {
    const args = ['licenses', 'expiring', '--days', '5', '--status', 'revoked'];
    const { code, stdout, stderr } = await run(...args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('Only active licences are going to end.');
  });
});

test('an export that is refused leaves no file', async () => {
  const path = join(folder, 'broken.csv');
  const wrong = { ...environment, COUNTERSIGN_API_KEY: `csa_${'x'.repeat(43)}` };
  const { code } = await spawnProgram(BIN, ['export', '--output', path], { env: wrong }).ended;
  expect(code).toBe(1);
  expect(() => readFileSync(path)).toThrow('ENOENT');
});
