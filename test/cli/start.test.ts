/** What the command loads: asking for help is no reason to load stores, certificates and the SDKs of two clouds. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HEAVY, loadedBy } from '../support/loaded-modules.ts';
import { REPOSITORY } from '../support/spawn-stack.ts';

const BIN = join(REPOSITORY, 'scripts', 'countersign.js');
const loaded = (args: readonly string[]) =>
  loadedBy(BIN, args, { COUNTERSIGN_HOME: join(REPOSITORY, 'no-such-folder') });

test.each([
  [['--help']],
  [['--version']],
  [['keys', '--help']],
  [['keys', 'activate', '--help']],
  [['audit', 'verify', '--help']],
  [['completion', 'bash']],
  [['customers', 'list']],
  [['status']],
])('%j loads no store, no KMS and no SDK of a cloud', async (args) => {
  const urls = await loaded(args);
  expect(urls).toContainEqual(expect.stringContaining('/node_modules/commander/'));
  expect(urls.filter((url) => HEAVY.test(url))).toEqual([]);
});

test('the commands that work on a KMS and a store do load them', async () => {
  for (const args of [
    ['keys', 'status'],
    ['audit', 'verify'],
  ])
    expect((await loaded(args)).filter((url) => HEAVY.test(url)).length).toBeGreaterThan(0);
});
