/** What the command asks and draws at a terminal, against a local stack. Python has pseudo-terminals, and Node has none. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { countersignOn } from '../support/countersign.ts';
import { ledgerLine, ledgerTerms } from '../support/ledger.ts';
import { REPOSITORY, type SpawnedStack, spawnProgram, spawnStack } from '../support/spawn-stack.ts';
import { atTerminal, KEYS, type Step } from './terminal.ts';

const QUESTION = 'Go ahead? [y/N] ';
const NOT_CONFIRMED = 3;
const SIGINT = -2;

let folder: string;
let stack: SpawnedStack;
const { answered, run } = countersignOn(() => ({
  url: stack.local.base_url,
  apiKey: stack.local.admin_api_key,
}));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-terminal-'));
  stack = await spawnStack({ home: join(folder, 'home') });
});
afterAll(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
});

const environment = () => ({ COUNTERSIGN_HOME: join(folder, 'home') });

/** Escape codes, and whatever else is no text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

/** The cursor goes to the first column, and the line may be cleared; a bar is drawn so. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const LINE_BEGUN_ANEW = /\u001b\[1G(?:\u001b\[2K)?/;
/** The rest of the line is cleared; the place of the cursor is kept, and taken again. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const CURSOR_KEPT = /\u001b(?:\[0K|[78])/g;

function atHome(
  context: TestContext,
  args: readonly string[],
  answers: readonly string[] = [],
  pipes: readonly (1 | 2)[] = [],
) {
  const steps = answers.map((type): Step => ({ see: QUESTION, type }));
  return atTerminal(context, args, { env: environment(), steps, pipes });
}

const keysCommand = (...args: string[]) =>
  spawnProgram(join(REPOSITORY, 'scripts', 'countersign.js'), ['keys', ...args], { env: environment() })
    .ended;

/** Everything that `keys` commands change, and how much was done. */
async function state() {
  const home = join(folder, 'home');
  const { SIGNING_KEYS_FILE } = JSON.parse(readFileSync(join(home, 'settings.json'), 'utf8'));
  const { stdout } = await keysCommand('status', '--json');
  const { total, events } = await answered('audit', 'list', '--page-size', '1');
  return {
    list: readFileSync(SIGNING_KEYS_FILE, 'utf8'),
    status: JSON.parse(stdout),
    total,
    last: events[0],
  };
}

describe('asked whether to publish the keys', () => {
  test.for([
    ['y', ['y', KEYS.enter]],
    ['YES in space', ['  YES ', KEYS.enter]],
    ['a no that is typed over', ['no', KEYS.erase, KEYS.erase, 'yes', KEYS.enter]],
  ] as const)('%s does it, and it is audited', async ([, typed], context) => {
    const before = await state();
    const { exit, screen } = await atHome(context, ['keys', 'publish'], [typed.join('')]);
    const after = await state();
    const version = before.status.manifest.version + 1;
    expect([exit, screen]).toEqual([0, expect.stringContaining(`\r\nPublished as version ${version}.\r\n`)]);
    expect(after.status.manifest.version).toBe(version);
    expect(after.total).toBe(before.total + 1);
    expect(after.last).toMatchObject({ action: 'keys.publish' });
  });

  test.for([
    ['n', `n${KEYS.enter}`],
    ['nothing', KEYS.enter],
    ['something that begins with yes', `yes, but not now${KEYS.enter}`],
    ['y and no Enter, and the end of input', `y${KEYS.ctrlD}${KEYS.ctrlD}`],
    ['the end of input', KEYS.ctrlD],
    ['a line of ten thousand letters', `${'y'.repeat(10_000)}${KEYS.enter}`],
    ['a y with the rest of the line far away', `y${' '.repeat(5000)}n${KEYS.enter}`],
  ] as const)('%s does not, and is told so', async ([, typed], context) => {
    const before = await state();
    const { exit, screen } = await atHome(context, ['keys', 'publish'], [typed]);
    expect([exit, screen.endsWith('\r\nNothing was changed.\r\n')], screen).toEqual([NOT_CONFIRMED, true]);
    expect(await state()).toEqual(before);
  });

  test('Ctrl-C ends the command', async (context) => {
    const before = await state();
    const { exit } = await atHome(context, ['keys', 'publish'], [KEYS.ctrlC]);
    expect(exit).toBe(SIGINT);
    expect(await state()).toEqual(before);
  });
});

describe('asked twice by one command', () => {
  const made = /Made (\S+\/cryptoKeyVersions\/\d+)\. /;

  async function stage(context: TestContext, ...answers: string[]) {
    const { keys } = (await state()).status;
    const [name] = keys
      .find(({ state }: { state: string }) => state === 'active')
      .name.split('/cryptoKeyVersions/');
    return atHome(context, ['keys', 'stage', '--new-version-of', name], answers);
  }

  test('no to the first makes nothing', async (context) => {
    const before = await state();
    const { exit, screen } = await stage(context, `n${KEYS.enter}`);
    expect([exit, made.test(screen)], screen).toEqual([NOT_CONFIRMED, false]);
    expect(await state()).toEqual(before);
  });

  test('no to the second says what was made, and it can be put into the list another time', async (context) => {
    const before = await state();
    const { exit, screen } = await stage(context, `y${KEYS.enter}`, `n${KEYS.enter}`);
    expect(exit, screen).toBe(NOT_CONFIRMED);
    expect(await state()).toEqual(before);
    const [, name = ''] = made.exec(screen) ?? [];
    const { code, stderr } = await keysCommand('stage', '--name', name, '--yes');
    expect([code, stderr]).toEqual([0, '']);
  });

  test('yes to both does both', async (context) => {
    const { exit, screen } = await stage(context, `y${KEYS.enter}`, `y${KEYS.enter}`);
    expect(exit, screen).toBe(0);
    const [, name] = made.exec(screen) ?? [];
    const { status, last } = await state();
    expect(status.keys).toContainEqual(expect.objectContaining({ name, state: 'staged' }));
    expect(last).toMatchObject({ action: 'keys.stage' });
  });
});

describe('asked before an object of the service is changed', () => {
  const customer = async (id: string) => (await run(['customers', 'show', id])).code;

  test('no leaves it, yes deletes it, and the trail has the one event', async (context) => {
    await answered('customers', 'add', 'acme', '--name', 'ACME');
    const remove = (answer: string) => atHome(context, ['customers', 'remove', 'acme'], [answer]);
    expect((await remove(KEYS.enter)).exit).toBe(NOT_CONFIRMED);
    expect(await customer('acme')).toBe(0);
    const { exit, screen } = await remove(`y${KEYS.enter}`);
    expect([exit, screen]).toEqual([0, expect.stringContaining('acme is deleted.\r\n')]);
    expect(await customer('acme')).toBe(1);
    const { events } = await answered('audit', 'list', '--target', 'acme');
    expect(events.map(({ action }: { action: string }) => action)).toEqual([
      'customers.delete',
      'customers.create',
    ]);
  });
});

describe('where not all is a terminal', () => {
  test('the question is on the terminal, and the answer in the pipe has no control character', async (context) => {
    const { exit, screen, pipes } = await atHome(
      context,
      ['keys', 'publish', '--json'],
      [`y${KEYS.enter}`],
      [1],
    );
    expect(exit, screen).toBe(0);
    expect(screen).toContain(QUESTION);
    expect(pipes['1']).toMatch(/^\{"manifest_version":\d+\}\n$/);
  });

  test('nobody is asked whose screen does not show the question', async (context) => {
    const before = await state();
    const { exit, pipes } = await atHome(context, ['keys', 'publish'], [], [2]);
    expect([exit, pipes['2']]).toEqual([
      NOT_CONFIRMED,
      'Nothing was changed: nobody can be asked here. Give --yes to go ahead.\n',
    ]);
    expect(await state()).toEqual(before);
  });

  test.for([
    ['--help'],
    ['customers', 'list'],
    ['keys', 'status'],
    ['licenses', 'show', 'no-such-licence'],
    ['no-such-command'],
  ])('countersign %s writes text alone into pipes, also with colours asked for', async (args, context) => {
    const { pipes } = await atHome(context, args, [], [1, 2]);
    expect(`${pipes['1']}${pipes['2']}`).not.toBe('');
    expect([pipes['1'], pipes['2']]).not.toContainEqual(expect.stringMatching(CONTROL));
  });
});

describe('a progress bar', () => {
  const LINES = 1200;
  let ledger: string;

  beforeAll(async () => {
    await answered('customers', 'add', 'datatools', '--name', 'Buyers');
    ledger = join(folder, 'ledger.jsonl');
    const lines = Array.from({ length: LINES }, (_, n) => ledgerLine(ledgerTerms(n + 1)));
    lines[700] = '{"no":"licence"}';
    writeFileSync(ledger, `${lines.join('\n')}\n`);
  });

  /** The lines of the screen as they stand in the end, without what was drawn over. */
  const standing = (screen: string) =>
    screen.split('\r\n').map((line) => line.split(LINE_BEGUN_ANEW).at(-1)?.replaceAll(CURSOR_KEPT, ''));

  test('that Ctrl-C ends leaves the terminal as it was', async (context) => {
    const steps = [
      { see: 'Import', type: '' },
      { see: ' %', type: KEYS.ctrlC },
    ];
    const { exit, screen } = await atTerminal(context, ['import', ledger], { env: environment(), steps });
    expect(exit).toBe(SIGINT);
    expect(screen).not.toContain('\u001b[?');
  });

  test('is drawn on a terminal, and lines about failures stand above it', async (context) => {
    const { exit, screen } = await atHome(context, ['import', ledger]);
    expect(exit, screen).toBe(1);
    expect(screen).toMatch(/Import █+ 100 % \|/);
    expect(screen).not.toContain('\u001b[?');
    const [first, second] = standing(screen);
    expect([first, second]).toEqual([
      expect.stringMatching(/^Line 701: /),
      expect.stringMatching(/^\d+ added, \d+ known before, 1 refused/),
    ]);
    expect(standing(screen).join()).not.toContain('Import');
  });

  test('is not drawn into a pipe', async (context) => {
    const { exit, screen, pipes } = await atHome(context, ['import', ledger], [], [2]);
    expect(exit, screen).toBe(1);
    expect(pipes['2']).toMatch(/^Line 701: /);
    expect(pipes['2']).not.toMatch(CONTROL);
    expect(screen.startsWith(`0 added, ${LINES - 1} known before, 1 refused`), screen).toBe(true);
    for (const drawn of ['\u001b', 'Import']) expect(screen).not.toContain(drawn);
  });

  test('does not keep a command alive whose report cannot be written', async (context) => {
    const failures = join(folder, 'no', 'such', 'folder');
    const { exit, screen } = await atHome(context, ['import', ledger, '--failures', failures]);
    expect([exit, screen]).toEqual([1, expect.stringContaining('no/such/folder cannot be written: ENOENT')]);
  });
});

describe('a licence key of the operator’s own', () => {
  const TERMS = [
    '--customer',
    'typist',
    '--module',
    'cad',
    '--type',
    'perpetual',
    '--seats',
    '1',
    '--format',
    '',
  ];
  const PROMPT = 'Licence key: ';

  const issue = (context: TestContext, type: string) =>
    atTerminal(context, ['licenses', 'issue', ...TERMS, '--key-file', '-', '--json'], {
      env: environment(),
      steps: [{ see: PROMPT, type }],
      pipes: [1],
    });

  const issued = async () => (await answered('licenses', 'list', '--customer', 'typist')).total;

  beforeAll(() => answered('customers', 'add', 'typist', '--name', 'Typist'));

  test('is asked for, and taken as it is typed', async (context) => {
    const key = 'TYPED-5DD8E1DB-D90C4656-77AA01';
    const { exit, screen, pipes } = await issue(context, ` ${key}${KEYS.enter}`);
    expect(exit, screen).toBe(0);
    expect(JSON.parse(pipes['1'] ?? '')).toMatchObject({ license_key: key });
    expect(await issued()).toBe(1);
  });

  test.for([
    ['nothing', KEYS.ctrlD, 1],
    ['an empty line', KEYS.enter, 1],
    ['Ctrl-C', `ONE-KEY${KEYS.ctrlC}`, SIGINT],
  ] as const)('that is %s issues nothing', async ([, type, expected], context) => {
    const before = await issued();
    const { exit, screen } = await issue(context, type);
    expect(exit, screen).toBe(expected);
    if (exit === 1) expect(screen).toContain('Standard input must hold one line: the licence key.\r\n');
    expect(await issued()).toBe(before);
  });
});
