/** `countersign audit list` and `audit export` over HTTP, of a trail of several parts. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXPORT_PAGE } from '../../shared/constants.ts';
import { administer } from '../../shared/usecases/administer.ts';
import type { AuditEvent } from '../../shared/wire/audit.ts';
import { OPERATOR } from '../support/audit-trail.ts';
import { countersignOn } from '../support/countersign.ts';
import { openFaultyStore } from '../support/faulty-store.ts';
import { serveBeside } from '../support/serve-beside.ts';
import { startTestService, type TestService } from '../support/service.ts';

const T0 = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;
/** Of more than one part; the last of them is dangerous to a spreadsheet. */
const TOTAL = EXPORT_PAGE + 20;
const FORMULA = '=HYPERLINK("http://evil.example")';

let folder: string;
let service: TestService;
let apiKey: string;
const { run, answered, refused } = countersignOn(() => ({ url: service.baseUrl, apiKey }));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-audit-'));
  service = await startTestService();
  apiKey = (await service.admin(['audit:read']))['x-api-key'];
  for (let n = 1; n <= TOTAL; n++) await act(n, n === TOTAL ? FORMULA : `thing-${n}`);
}, 120_000);
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Event n, on day n. */
function act(n: number, target: string): Promise<unknown> {
  const ports = { ...service.ports, clock: { ...service.ports.clock, now: () => T0 + n * DAY } };
  const request = {
    caller: { ...OPERATOR, actor: n % 2 === 0 ? 'ada' : 'bob' },
    operation: 'things.change',
    idempotencyKey: undefined,
    body: {},
  };
  return administer(ports, request, async () => ({
    answer: {},
    writes: [{ op: 'set', path: `things/${n}`, fields: { n } }],
    act: { action: 'things.change', target, before: null, after: { n } },
  }));
}

const day = (n: number) => new Date(T0 + n * DAY).toISOString().slice(0, 10);
const seqs = (events: readonly AuditEvent[]) => events.map(({ seq }) => seq);
const read = (text: string): AuditEvent[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

test('list shows the newest first, as a table and as JSON', async () => {
  const page = await answered('audit', 'list', '--page-size', '3');
  expect(page).toMatchObject({ total: TOTAL, page: 1 });
  expect(seqs(page.events)).toEqual([TOTAL, TOTAL - 1, TOTAL - 2]);
  const { stdout } = await run(['audit', 'list', '--page', '2', '--page-size', '3']);
  expect(stdout).toMatch(/^SEQ +AT +ACTOR +ACTION +TARGET +SOURCE\n/);
  expect(stdout).toMatch(
    new RegExp(`^${TOTAL - 3} .* things\\.change +thing-${TOTAL - 3} +192\\.0\\.2\\.1$`, 'm'),
  );
  expect(stdout).toContain(`Page 2 of ${Math.ceil(TOTAL / 3)}; ${TOTAL} in all.`);
});

test('list filters by who, what, and when; the end is the first day that is too late', async () => {
  const listed = async (...filter: string[]) => seqs((await answered('audit', 'list', ...filter)).events);
  expect(await listed('--target', 'thing-7')).toEqual([7]);
  expect(await listed('--action', 'things.sell')).toEqual([]);
  expect(await listed('--from', day(10), '--to', day(14), '--actor', 'ada')).toEqual([12, 10]);
  expect(await listed('--from', `${day(10)}T00:00:00.001Z`, '--to', day(12))).toEqual([11]);
});

test('export follows every link, and has each event once, in order', async () => {
  const path = join(folder, 'all.jsonl');
  const { code, stdout, stderr } = await run(['audit', 'export', '--output', path]);
  expect([code, stdout, stderr]).toEqual([0, '', `The export is in ${path}.\n`]);
  expect(seqs(read(readFileSync(path, 'utf8')))).toEqual(Array.from({ length: TOTAL }, (_, n) => n + 1));
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('export as CSV is what the service writes, with cells that no spreadsheet calculates', async () => {
  const { code, stdout } = await run(['audit', 'export', '--format', 'csv']);
  expect(code).toBe(0);
  const url = new URL('/api/v1/admin/audit-logs/export?format=csv', service.baseUrl);
  const first = await (await fetch(url, { headers: { 'x-api-key': apiKey } })).text();
  expect(stdout.startsWith(first)).toBe(true);
  expect(stdout.trimEnd().split('\r\n')).toHaveLength(TOTAL + 1);
  expect(stdout).toContain(`"'=HYPERLINK(""http://evil.example"")"`);
});

test('export has only what fits the filters, also across parts', async () => {
  const exported = async (...filter: string[]) => {
    const { code, stdout, stderr } = await run(['audit', 'export', '--json', ...filter]);
    expect([code, stderr]).toEqual([0, '']);
    return stdout === '' ? [] : seqs(read(stdout));
  };
  expect(await exported('--from', day(EXPORT_PAGE), '--to', day(EXPORT_PAGE + 3))).toEqual([
    EXPORT_PAGE,
    EXPORT_PAGE + 1,
    EXPORT_PAGE + 2,
  ]);
  expect(await exported('--actor', 'bob', '--from', day(TOTAL - 3))).toEqual([TOTAL - 3, TOTAL - 1]);
  expect(await exported('--target', 'nothing')).toEqual([]);
  expect((await run(['audit', 'export', '--format', 'csv', '--target', 'nothing'])).stdout).toMatch(
    /^seq,at,.*\r\n$/,
  );
});

test('export of a part of the time has the service read that part alone', async () => {
  const store = openFaultyStore(service.ports.store);
  const beside = await serveBeside(service, { ports: { store } });
  try {
    for (const [filter, queries] of [
      [[], 2],
      [['--from', day(EXPORT_PAGE), '--to', day(EXPORT_PAGE + 3)], 1],
    ] as const) {
      let asked = 0;
      store.strike((_, method) => {
        if (method === 'query') asked += 1;
        return undefined;
      });
      const { code } = await run(['audit', 'export', ...filter], { url: beside.baseUrl });
      expect([code, asked]).toEqual([0, queries]);
    }
  } finally {
    await beside.stop();
  }
});

test('an export that breaks off between two parts leaves no file', async () => {
  const store = openFaultyStore(service.ports.store);
  const beside = await serveBeside(service, { ports: { store } });
  try {
    let queries = 0;
    store.strike((_, method) => {
      if (method !== 'query') return undefined;
      queries += 1;
      return queries > 1 ? 'unavailable' : undefined;
    });
    const path = join(folder, 'broken.jsonl');
    const { code, stderr } = await run(['audit', 'export', '--output', path], { url: beside.baseUrl });
    expect([code, stderr]).toEqual([1, expect.stringContaining('(store_unavailable)')]);
    expect(store.struck()).toBeGreaterThan(0);
    expect(existsSync(path)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.startsWith('broken'))).toEqual([]);
  } finally {
    await beside.stop();
  }
});

test('a key of one customer and one without audit:read are refused', async () => {
  const bound = await service.admin(['audit:read'], 'customer-1');
  const other = await service.admin(['licenses:read']);
  for (const key of [bound, other])
    for (const verb of ['list', 'export']) {
      const { code, stderr } = await run(['audit', verb], { apiKey: key['x-api-key'] });
      expect([code, stderr]).toEqual([1, expect.stringContaining('(forbidden)')]);
    }
});

test('a time that is none, or a file that cannot be written, is told', async () => {
  expect((await run(['audit', 'list', '--from', 'yesterday'])).code).toBe(2);
  await refused(
    'cannot be written',
    'audit',
    'export',
    '--output',
    join(folder, 'no', 'such', 'folder.jsonl'),
  );
});
