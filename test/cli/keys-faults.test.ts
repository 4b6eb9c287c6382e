/** `countersign keys …` where something is in the way: a sentence, an exit code, and nothing half done that stays so. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestKms, type TestKms } from '../support/kms.ts';
import { TEST_ARNS, type TestOperator } from '../support/operator.ts';
import {
  ACTIVE,
  type BeforeRotation,
  carryOut,
  ROOT,
  startBeforeRotation,
} from '../support/rotation-operator.ts';

const NOBODY_ASKED = 'Nothing was changed: nobody can be asked here. Give --yes to go ahead.\n';

let kms: TestKms;
let operator: TestOperator;
let next: BeforeRotation['next'];
let kid: string;

beforeAll(async () => {
  kms = await startTestKms();
});
afterAll(() => kms.stop());

beforeEach(async () => {
  ({ operator, next, kid } = await startBeforeRotation(kms));
});
afterEach(() => operator.stop());

const done = (...args: string[]) => carryOut(operator, args);

/** What is said when the command is refused; it changes nothing, and shows no stack. */
async function refused(
  args: readonly string[],
  { exitCode = 1, environment = {} }: { exitCode?: number; environment?: Record<string, string> } = {},
): Promise<string> {
  const before = await operator.everything();
  const { code, stderr } = await operator.run(['keys', ...args], environment);
  expect(code, stderr).toBe(exitCode);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(await operator.everything()).toBe(before);
  return stderr;
}

describe('a key that cannot be meant is refused', () => {
  test('a kid that no key has, and a beginning that is too short', async () => {
    for (const typed of ['unknown-kid', kid.slice(0, 5), '']) {
      expect(await refused(['retire', `kid=${typed}`, '--yes'])).toBe(
        `No key has a kid that begins with ${typed}. See: countersign keys status\n`,
      );
    }
  });

  test('a key that its KMS does not give is named, for it may be the one', async () => {
    operator.write([ACTIVE, ROOT]);
    const environment = { KMS_ENDPOINT: '127.0.0.1:1' };
    expect(await refused(['retire', kid, '--yes'], { environment })).toBe(
      `No key has a kid that begins with ${kid}. See: countersign keys status\n` +
        `Not known is the kid of ${ACTIVE.name}, which its KMS does not give.\n`,
    );
  });

  test('a beginning that two keys have', async () => {
    const twin = `${kid.slice(0, 20)}${'A'.repeat(23)}`;
    operator.write([
      { ...ACTIVE, fingerprint: kid },
      { ...ACTIVE, name: next.name, state: 'retired', fingerprint: twin },
      ROOT,
    ]);
    expect(await refused(['compromise', `kid=${kid.slice(0, 20)}`, '--yes'])).toBe(
      `Several keys have a kid that begins with ${kid.slice(0, 20)}. Give more of it.\n`,
    );
    await done('compromise', `kid=${twin.slice(0, 21)}`);
    expect(operator.states()[next.name]).toBe('compromised');
  });
});

test('a kid that begins with a hyphen is no option', async () => {
  const hyphened = `-${'A'.repeat(42)}`;
  operator.write([
    { ...ACTIVE, fingerprint: kid },
    { ...ACTIVE, name: next.name, state: 'retired', fingerprint: hyphened },
    ROOT,
  ]);
  await done('compromise', hyphened);
  expect(operator.states()[next.name]).toBe('compromised');
  expect(await refused(['retire', hyphened, '--yes'])).toBe('This key is compromised, which is final.\n');
});

describe('a change that must not be is refused', () => {
  test('a key that was published a moment ago, or never, does not sign', async () => {
    await done('stage', '--name', next.name);
    expect(await refused(['activate', next.kid, '--yes'])).toMatch(
      /^This key was published \d+ s ago, and caches may not have it\. Wait \d+ s, or give --urgent\.\n$/,
    );
    await operator.publishedAgo(30);
    expect(await refused(['activate', next.kid, '--yes'])).toContain('s ago, and caches may not have it');
    await operator.store.commit([{ op: 'delete', path: 'signing_keys/manifest' }]);
    expect(await refused(['activate', next.kid, '--yes'])).toBe(
      'This key is not in the published manifest yet. Publish it first: countersign keys publish\n',
    );
  });

  test('the active key is neither retired nor compromised without a successor', async () => {
    expect(await refused(['retire', kid, '--yes'])).toBe('This key signs. Activate another one first.\n');
    expect(await refused(['compromise', kid, '--yes'])).toBe(
      'This key signs, and no other one does. Name a staged or retiring key that takes over.\n',
    );
    expect(await refused(['compromise', kid, '--yes', '--disable-version'])).toContain('This key signs');
    expect(await operator.kidOf(ACTIVE.name)).toBe(kid);
  });

  test('a key that the KMS does not have, or that it has no version of, is not staged', async () => {
    const absent = `${next.name}7`;
    expect(await refused(['stage', '--name', absent, '--yes'])).toContain(`${absent} not found`);
    const key = absent.replace(/\/cryptoKeyVersions.*/, '-absent');
    expect(await refused(['stage', '--new-version-of', key, '--yes'])).toMatch(
      /^The KMS made no version of .+ not found\.\n$/,
    );
    expect(await refused(['stage', '--name', TEST_ARNS.rsa, '--use', 'download', '--yes'])).toBe(
      'This key is in the list already, and it is active.\n',
    );
  });
});

describe('without a terminal', () => {
  test('and without --yes nothing is changed, and the exit code is 3', async () => {
    await done('stage', '--name', next.name);
    const versions = next.name.replace(/\/cryptoKeyVersions.*/, '');
    const commands = [
      ['publish'],
      ['stage', '--new-version-of', versions],
      ['activate', next.kid, '--urgent'],
      ['retire', next.kid],
      ['compromise', kid, '--successor', next.kid, '--disable-version'],
      ['reissue', '--from', next.kid, '--to', kid],
    ];
    const answers = await Promise.all(commands.map((args) => refused(args, { exitCode: 3 })));
    expect(answers).toEqual(commands.map(() => NOBODY_ASKED));
    await expect(operator.kidOf(`${versions}/cryptoKeyVersions/2`)).rejects.toThrow();
  });
});

describe('a wrong command line has exit code 2', () => {
  test('and says which part of it', async () => {
    const lines: [args: string[], sentence: string][] = [
      [['actvate'], "unknown command 'actvate'"],
      [['activate'], "missing required argument 'kid'"],
      [['status', '--jsn'], "unknown option '--jsn'"],
      [['activate', 'k', '--sunset-days', '0'], 'from 1 to 36500'],
      [['publish', '--manifest-days', 'ten'], 'from 1 to 36500'],
      [['reissue', '--from', 'k'], "required option '--to <kid>' not specified"],
      [['reissue', '--from', 'k', '--to', 'l', '--rate', '0'], 'above 0'],
    ];
    const answers = await Promise.all(lines.map(([args]) => refused(args, { exitCode: 2 })));
    for (const [i, [, sentence]] of lines.entries()) expect(answers[i]).toContain(sentence);
  });

  test('stage wants one of two, and a use that there is', async () => {
    const either = 'Give either --name, or --new-version-of.\n';
    expect(await refused(['stage', '--yes'])).toBe(either);
    expect(await refused(['stage', '--name', next.name, '--new-version-of', 'k', '--yes'])).toBe(either);
    expect(await refused(['stage', '--name', next.name, '--use', 'verify', '--yes'])).toBe(
      '--use must be one of license, root, download.\n',
    );
  });
});

describe('a deployment that cannot be worked on', () => {
  test('none is described', async () => {
    const home = join(operator.folder, 'home');
    const sentence = await refused(['status'], {
      environment: { SIGNING_KEYS_FILE: '', COUNTERSIGN_HOME: home },
    });
    expect(sentence).toContain(`there is no local stack in ${home}. Start one with npm start.`);
  });

  test('a list that is a variable, and settings that contradict each other', async () => {
    const environment = { SIGNING_KEYS_FILE: '', SIGNING_KEYS_JSON: JSON.stringify([ACTIVE]) };
    expect(await refused(['status'], { environment })).toMatch(/^SIGNING_KEYS_FILE is not set: /);
    expect(await refused(['status'], { environment: { STORE: 'firestore' } })).toContain(
      'FIRESTORE_PROJECT is not set.',
    );
  });

  test('settings of a local stack that are damaged', async () => {
    const home = join(operator.folder, 'damaged');
    mkdirSync(home);
    writeFileSync(join(home, 'settings.json'), '{"STORE":');
    const sentence = await refused(['status'], {
      environment: { SIGNING_KEYS_FILE: '', COUNTERSIGN_HOME: home },
    });
    expect(sentence).toContain(join(home, 'settings.json'));
  });

  test('a list that is damaged, wrong or missing', async () => {
    for (const text of ['[{"name":', '[]', JSON.stringify([{ ...ACTIVE, stat: 'retired' }, ROOT])]) {
      writeFileSync(operator.keysFile, text);
      expect(await refused(['publish', '--yes'])).toContain(
        `The list of keys in ${operator.keysFile} cannot be used: `,
      );
    }
    const absent = join(operator.folder, 'absent.json');
    expect(await refused(['status'], { environment: { SIGNING_KEYS_FILE: absent } })).toContain(
      `The list of keys in ${absent} cannot be used: ENOENT`,
    );
  });

  test('a list without a root', async () => {
    operator.write([ACTIVE]);
    expect(await refused(['publish', '--yes'])).toBe(
      'The list of keys has no active key with "use": "root", so nothing can be published.\n',
    );
  });

  test('a store that cannot be opened', async () => {
    const path = join(operator.folder, 'absent', 'store.sqlite');
    expect(await refused(['status'], { environment: { SQLITE_PATH: path } })).toContain(
      '(store_unavailable)',
    );
  });
});

test('help is no failure, and says what the exit codes mean', async () => {
  rmSync(operator.keysFile);
  const { code, stdout } = await operator.run(['--help']);
  expect(code).toBe(0);
  expect(stdout).toContain('0 done, 1 refused or failed, 2 wrong command line, 3 not confirmed');
});
