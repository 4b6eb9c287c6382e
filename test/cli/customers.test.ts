/** `countersign customers …` over HTTP, with keys that may and keys that may not. */

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AccessScope } from '../../shared/access/scopes.ts';
import { customerPath } from '../../shared/records/paths.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { type Ended, REPOSITORY, spawnProgram } from '../support/spawn-stack.ts';

const BIN = join(REPOSITORY, 'scripts', 'countersign.js');

let service: TestService;
let apiKey: string;

beforeAll(async () => {
  service = await startTestService();
  apiKey = await keyFor();
});
afterAll(() => service.stop());

async function keyFor(scopes?: readonly AccessScope[], customerId?: string): Promise<string> {
  return (await service.admin(scopes, customerId))['x-api-key'];
}

function run(args: readonly string[], key = apiKey): Promise<Ended> {
  const env = { COUNTERSIGN_URL: service.baseUrl, COUNTERSIGN_API_KEY: key };
  return spawnProgram(BIN, ['customers', ...args], { env }).ended;
}

async function answered(...args: string[]) {
  const { code, stdout, stderr } = await run([...args, '--json']);
  expect([code, stderr], stdout).toEqual([0, '']);
  return JSON.parse(stdout);
}

test('adds, changes, shows and removes a customer', async () => {
  const added = await answered('add', 'acme', '--name', 'ACME', '--email', 'it@acme.example', '--phone', '1');
  expect(added).toMatchObject({ id: 'acme', name: 'ACME', phone: '1', company: null, is_active: true });
  const changed = await answered('change', 'acme', '--phone', '', '--active', 'no', '--company', 'ACME GmbH');
  expect(changed).toMatchObject({ name: 'ACME', phone: null, company: 'ACME GmbH', is_active: false });
  expect(await answered('show', 'acme')).toMatchObject(changed);

  const asked = await run(['remove', 'acme']);
  expect([asked.code, asked.stderr]).toEqual([3, expect.stringContaining('Give --yes')]);
  expect(await answered('show', 'acme')).toMatchObject(changed);
  await answered('remove', 'acme', '--yes');
  const gone = await run(['show', 'acme']);
  expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining('(customer_not_found)')]);
});

test('lists as a table that a name cannot break', async () => {
  await answered('add', 'list-1', '--name', 'Société 東京', '--email', 'list@example.com');
  // From before the service refused control characters.
  const name = 'Société 東京\u001b[2J';
  await service.ports.store.commit([{ op: 'update', path: customerPath('list-1'), fields: { name } }]);
  await answered('add', 'list-2', '--name', 'Second', '--email', 'list@example.com', '--active', 'no');
  const { stdout } = await run(['list', '--email', 'LIST@example.com']);
  expect(stdout.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^ID +NAME +E-MAIL +ACTIVE$/),
    expect.stringMatching(/^list-1 +Société 東京\ufffd\[2J +list@example\.com +yes$/),
    expect.stringMatching(/^list-2 +Second +list@example\.com +no$/),
    '',
    'Page 1 of 1; 2 in all.',
  ]);
  const { customers, total } = await answered('list', '--email', 'list@example.com', '--active', 'no');
  expect([customers.map(({ id }: { id: string }) => id), total]).toEqual([['list-2'], 1]);
  const second = await answered('list', '--email', 'list@example.com', '--page', '2', '--page-size', '1');
  expect([second.customers[0].id, second.total_pages]).toEqual(['list-2', 2]);
});

test('every field that the service refuses is named', async () => {
  const { code, stderr } = await run(['add', 'no id', '--name', '', '--email', 'none']);
  expect(code).toBe(1);
  for (const pointer of ['/id', '/name', '/email']) expect(stderr).toContain(`  ${pointer}: `);
});

test.each([
  ['an id that is missing', ['add', '--name', 'A']],
  ['an option that nobody knows', ['list', '--emial', 'a@example.com']],
  ['a page that is no number', ['list', '--page', '0']],
  ['a word that is neither yes nor no', ['change', 'acme', '--active', 'maybe']],
])('%s is a wrong command line', async (_, args) => {
  const { code, stdout, stderr } = await run(args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^error: /);
});

test('nothing to change, and no name to add, are sentences', async () => {
  const [change, add] = [await run(['change', 'acme']), await run(['add', 'nameless'])];
  expect([change.code, change.stderr]).toEqual([1, expect.stringContaining('Say what to change')]);
  expect([add.code, add.stderr]).toEqual([1, expect.stringContaining('needs a name')]);
});

test('a key that may only read adds nothing, and one of another customer finds nothing', async () => {
  await answered('add', 'owned', '--name', 'Owned');
  const refused = await run(['add', 'x', '--name', 'X'], await keyFor(['customers:read']));
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('(forbidden)')]);
  const stranger = await keyFor(['customers:read', 'customers:write'], 'somebody-else');
  for (const args of [
    ['show', 'owned'],
    ['change', 'owned', '--name', 'Mine'],
    ['remove', 'owned', '--yes'],
  ]) {
    const { code, stderr } = await run(args, stranger);
    expect([code, stderr]).toEqual([1, expect.stringContaining('(customer_not_found)')]);
  }
  expect((await run(['list'], stranger)).stdout).toContain('0 in all');
  expect(await answered('show', 'owned')).toMatchObject({ name: 'Owned' });
});
