/** `countersign import` as a process, against a service in this one. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MAX_LINE_BYTES } from '../../scripts/cli/import-lines.ts';
import { importKilledOnTheWay } from '../support/import-run.ts';
import { ledgerLine, ledgerTerms } from '../support/ledger.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { type Program, spawnProgram } from '../support/spawn-stack.ts';

let service: TestService;
let folder: string;
let environment: Record<string, string>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-import-'));
  service = await startTestService();
  const admin = await service.admin();
  environment = { COUNTERSIGN_URL: service.baseUrl, COUNTERSIGN_API_KEY: admin['x-api-key'] };
  await service.post('/api/v1/customers', { id: 'datatools', name: 'Buyers' }, admin);
});
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});

const countersign = (args: readonly string[], nodeArgs: readonly string[] = []): Program =>
  spawnProgram('scripts/cli/main.ts', args, { env: environment, nodeArgs });

function file(name: string, lines: readonly (string | Buffer)[]): string {
  const path = join(folder, name);
  writeFileSync(path, '');
  for (const line of lines) appendFileSync(path, line);
  return path;
}

test('names the lines that failed, takes the others, and ends with 1', async () => {
  const [good, other] = [ledgerTerms(1), ledgerTerms(2)];
  const path = file('bad.jsonl', [
    '\ufeff',
    `${ledgerLine(good)}\r\n`,
    '\n  \n',
    'not JSON\n',
    `${'x'.repeat(10 * 1024 * 1024)}\n`,
    Buffer.from([0x22, 0xff, 0x22, 0x0a]),
    `${ledgerLine({ ...good, name: 'Another' })}\n`,
    `${ledgerLine(good)}\n`,
    `${'y'.repeat(MAX_LINE_BYTES + 1)}\n`,
    ledgerLine(other),
  ]);
  const failures = join(folder, 'failures.jsonl');
  const { code, stdout } = await countersign(['import', path, '--json', '--failures', failures]).ended;
  expect([code, JSON.parse(stdout)]).toEqual([1, { added: 2, known: 1, refused: 5 }]);
  const told = readFileSync(failures, 'utf8').trim().split('\n');
  expect(told.map((line) => JSON.parse(line))).toEqual([
    { line: 4, reason: expect.stringContaining('JSON') },
    { line: 5, reason: 'The line has more than 32768 bytes.' },
    { line: 6, reason: 'The line is not UTF-8.' },
    { line: 7, reason: expect.stringContaining('another than the blob') },
    { line: 9, reason: 'The line has more than 32768 bytes.' },
  ]);
  const again = await countersign(['import', path]).ended;
  expect([again.code, again.stdout]).toEqual([1, '0 added, 3 known before, 5 refused.\n']);
  expect(again.stderr).toContain('Line 5: The line has more than 32768 bytes.\n');
});

test('says what is wrong with the command', async () => {
  const missing = await countersign(['import', join(folder, 'none.jsonl')]).ended;
  expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('is no file')]);
  const path = file('one.jsonl', [ledgerLine(ledgerTerms(3))]);
  const stranger = await countersign(['import', path, '--customer', 'nobody']).ended;
  expect([stranger.code, stranger.stderr]).toEqual([1, expect.stringContaining('customer_not_found')]);
  expect((await countersign(['import']).ended).code).toBe(2);
});

test('imports 10,000 lines in constant memory, is killed on the way, and adds each once', async () => {
  await importKilledOnTheWay(service, environment, join(folder, 'large.jsonl'), 10_000);
}, 180_000);
