/** `countersign import` as a process, against a service in this one. */
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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
  expect([code, JSON.parse(stdout)]).toEqual([1, { added: 2, known: 1, refused: 5, unverified: 3 }]);
  const told = readFileSync(failures, 'utf8').trim().split('\n');
  expect(told.map((line) => JSON.parse(line))).toEqual([
    { line: 4, reason: expect.stringContaining('JSON') },
    { line: 5, reason: 'The line has more than 32768 bytes.' },
    { line: 6, reason: 'The line is not UTF-8.' },
    { line: 7, reason: expect.stringContaining('another than the blob') },
    { line: 9, reason: 'The line has more than 32768 bytes.' },
  ]);
  const again = await countersign(['import', path]).ended;
  expect([again.code, again.stdout]).toEqual([1, '0 added, 3 known before, 5 refused, 3 not verified.\n']);
  expect(again.stderr).toContain('Line 5: The line has more than 32768 bytes.\n');
});

test.each([
  ['11,000 NULs', '\0'.repeat(11_000), 'The line takes 66003 bytes of a request, which has 60000.'],
  ['32,768 quotes', '"'.repeat(MAX_LINE_BYTES), 'The line takes 65539 bytes of a request, which has 60000.'],
])('a line of %s is one that failed, and the others are imported', async (what, corrupt, reason) => {
  const at = what.length;
  const [first, last] = [ledgerTerms(0x500 + at), ledgerTerms(0x600 + at)];
  const path = file('corrupt.jsonl', [`${ledgerLine(first)}\n${corrupt}\n${ledgerLine(last)}\n`]);
  const failures = join(folder, 'corrupt-failures.jsonl');
  const { code, stdout } = await countersign(['import', path, '--failures', failures]).ended;
  expect([code, stdout]).toEqual([1, '2 added, 0 known before, 1 refused, 2 not verified.\n']);
  expect(JSON.parse(readFileSync(failures, 'utf8'))).toEqual({ line: 2, reason });
});

test('the longest line that fits a request beside others is sent', async () => {
  const path = file('long.jsonl', [`${ledgerLine(ledgerTerms(0x700))}\n${'x'.repeat(MAX_LINE_BYTES)}\n`]);
  const { code, stdout, stderr } = await countersign(['import', path]).ended;
  expect([code, stdout]).toEqual([1, '1 added, 0 known before, 1 refused, 1 not verified.\n']);
  expect(stderr).toContain('Line 2: ');
});

test('tells what it has done when the service fails on the way', async () => {
  const lines = Array.from({ length: 210 }, (_, n) => `${ledgerLine(ledgerTerms(0x1000 + n))}\n`);
  const path = file('interrupted.jsonl', lines);
  let imports = 0;
  const far = createServer(async (request, response) => {
    imports += 1;
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    const headers = {
      'content-type': 'application/json',
      'x-api-key': environment.COUNTERSIGN_API_KEY ?? '',
    };
    const to = new URL(request.url ?? '', service.baseUrl);
    const answer = imports > 1 ? undefined : await fetch(to, { method: 'POST', headers, body });
    response.writeHead(answer?.status ?? 403, { 'content-type': 'application/json' });
    response.end(await (answer?.text() ?? '{"code":"forbidden","detail":"No more."}'));
  }).listen(0, '127.0.0.1');
  await once(far, 'listening');
  const env = { ...environment, COUNTERSIGN_URL: `http://127.0.0.1:${(far.address() as AddressInfo).port}` };
  const run = spawnProgram('scripts/cli/main.ts', ['import', path, '--json'], { env });
  const { code, stdout, stderr } = await run.ended;
  far.close();
  const { added, unverified } = JSON.parse(stdout);
  expect([code, added, unverified]).toEqual([1, expect.any(Number), added]);
  expect(added).toBeGreaterThan(0);
  expect(added).toBeLessThan(210);
  expect(stderr).toContain('forbidden');
  expect(stderr).toContain(`It stopped after line ${added};`);
});

test('says how many were not verified, and refuses them where that is asked for', async () => {
  const path = file(
    'unlisted.jsonl',
    [1, 2, 3].map((n) => `${ledgerLine(ledgerTerms(0x800 + n))}\n`),
  );
  const strict = await countersign(['import', path, '--require-verified', '--json']).ended;
  expect([strict.code, JSON.parse(strict.stdout)]).toEqual([
    1,
    { added: 0, known: 0, refused: 3, unverified: 0 },
  ]);
  expect(strict.stderr).toContain('Line 3: No key that is listed here has verified the signature');
  const { code, stdout, stderr } = await countersign(['import', path]).ended;
  expect([code, stdout]).toEqual([0, '3 added, 0 known before, 0 refused, 3 not verified.\n']);
  expect(stderr).toContain('It signs none of them anew.');
  const again = await countersign(['import', path, '--require-verified']).ended;
  expect([again.code, again.stdout]).toEqual([1, '0 added, 0 known before, 3 refused, 0 not verified.\n']);
});

test('names lines whose licence another customer holds', async () => {
  const path = file('theirs.jsonl', [`${ledgerLine(ledgerTerms(0x900))}\n`]);
  expect((await countersign(['import', path]).ended).code).toBe(0);
  const admin = { 'x-api-key': environment.COUNTERSIGN_API_KEY ?? '' };
  await service.post('/api/v1/customers', { id: 'else', name: 'Else' }, admin);
  const { code, stdout, stderr } = await countersign(['import', path, '--customer', 'else']).ended;
  expect([code, stdout]).toEqual([1, '0 added, 0 known before, 1 refused, 0 not verified.\n']);
  expect(stderr).toContain('Line 1: This licence is held by another customer.');
});

test('says what is wrong with the command', async () => {
  const missing = await countersign(['import', join(folder, 'none.jsonl')]).ended;
  expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('is no file')]);
  const path = file('one.jsonl', [ledgerLine(ledgerTerms(3))]);
  const stranger = await countersign(['import', path, '--customer', 'nobody']).ended;
  expect([stranger.code, stranger.stderr]).toEqual([1, expect.stringContaining('customer_not_found')]);
  expect((await countersign(['import']).ended).code).toBe(2);
});

test('does not write the lines that failed over the ledger, also by another name of it', async () => {
  const path = join(folder, 'kept.jsonl');
  const text = `${ledgerLine(ledgerTerms(1))}\n`;
  writeFileSync(path, text);
  symlinkSync(path, join(folder, 'link.jsonl'));
  for (const failures of [path, join(folder, 'link.jsonl')]) {
    const { code, stderr } = await countersign(['import', path, '--failures', failures]).ended;
    expect([code, stderr]).toEqual([1, `--failures would overwrite ${path} itself.\n`]);
  }
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('imports 10,000 lines in constant memory, is killed on the way, and adds each once', async () => {
  await importKilledOnTheWay(service, environment, join(folder, 'large.jsonl'), 10_000);
}, 180_000);
