/** What the command loads: asking for help is no reason to load stores, certificates and the SDKs of two clouds. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { REPOSITORY, spawnProgram } from '../support/spawn-stack.ts';

const BIN = join(REPOSITORY, 'scripts', 'countersign.js');
const HEAVY =
  /node_modules\/(?:@google-cloud|google-gax|@grpc|@aws-sdk|@smithy|google-auth-library|node-forge)\/|\/infra\/(?:kms|stores)\//;

/** Prints the URL of each module that is loaded, of ES modules and of CommonJS, when the process ends. */
const RECORDER = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  const urls = [];
  registerHooks({ load(url, context, next) { urls.push(url); return next(url, context); } });
  process.on('exit', () => process.stderr.write('LOADED ' + JSON.stringify(urls)));
`)}`;

async function loadedBy(...args: string[]): Promise<string[]> {
  const env = { COUNTERSIGN_HOME: join(REPOSITORY, 'no-such-folder') };
  const { stderr } = await spawnProgram(BIN, args, { nodeArgs: ['--import', RECORDER], env }).ended;
  return JSON.parse(/LOADED (\[.*\])$/.exec(stderr)?.[1] ?? 'null');
}

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
  const loaded = await loadedBy(...args);
  expect(loaded).toContainEqual(expect.stringContaining('/node_modules/commander/'));
  expect(loaded.filter((url) => HEAVY.test(url))).toEqual([]);
});

test('the commands that work on a KMS and a store do load them', async () => {
  for (const args of [
    ['keys', 'status'],
    ['audit', 'verify'],
  ])
    expect((await loadedBy(...args)).filter((url) => HEAVY.test(url)).length).toBeGreaterThan(0);
});
