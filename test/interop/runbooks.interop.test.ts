/** docs/runbooks/, executed from start to end: each runbook in one bash session, against a local stack of its own. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { afterAll, describe, expect, test } from 'vitest';
import { addKeysCommands } from '../../scripts/cli/keys/commands.ts';
import { type ConsoleBlock, consoleBlocks, departure } from '../support/console-blocks.ts';
import { REPOSITORY, spawnStack } from '../support/spawn-stack.ts';
import { CLOUD_STAND_INS, type Cloud, cloudOfStack } from './runbooks-cloud.ts';
import { type CommandResult, openShell, type Shell } from './runbooks-shell.ts';

const FOLDER = 'docs/runbooks';
const INDEX = readFileSync(join(REPOSITORY, FOLDER, 'README.md'), 'utf8');
const NAMES = readdirSync(join(REPOSITORY, FOLDER)).filter(
  (name) => name.endsWith('.md') && name !== 'README.md',
);
const RUNBOOKS = NAMES.map((name) => ({ name, page: readFileSync(join(REPOSITORY, FOLDER, name), 'utf8') }));

/** What a checkout has that the commands need; what they write stays beside it. */
const CHECKOUT = ['package.json', 'node_modules', 'scripts', 'infra', 'shared', 'functions', 'docs'];
const DEFAULT_URL = 'http://127.0.0.1:8080';
const RUNBOOK_LIMIT_MS = 600_000;

const root = mkdtempSync(join(tmpdir(), 'countersign-runbooks-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Session {
  readonly shell: Shell;
  readonly cloud: Cloud;
  readonly baseUrl: string;
}

// At once: each has a stack of its own, and most of their time they wait.
describe.concurrent('executed on a local stack', () => {
  test.each(RUNBOOKS)(
    '$name prints what it says, step by step',
    async ({ name, page }) => {
      const folder = join(root, name);
      const home = join(folder, '.countersign');
      mkdirSync(folder);
      for (const entry of CHECKOUT) symlinkSync(join(REPOSITORY, entry), join(folder, entry));
      const stack = await spawnStack({ home });
      const shell = openShell({ cwd: folder, env: operatorsEnvironment() });
      const session = { shell, cloud: cloudOfStack(home), baseUrl: stack.local.base_url };
      try {
        for (const block of consoleBlocks(page)) await perform(block, name, session);
      } finally {
        await shell.close();
        await stack.stop();
      }
    },
    RUNBOOK_LIMIT_MS,
  );
});

/** Nothing of this process's environment that would change what commands do or print. */
function operatorsEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '', TMPDIR = tmpdir() } = process.env;
  return {
    PATH: `${dirname(process.execPath)}:${PATH}`,
    HOME,
    TMPDIR,
    LC_ALL: 'C.UTF-8',
    // What npm has to say about its own settings is not what a command prints.
    NPM_CONFIG_LOGLEVEL: 'error',
  };
}

async function perform({ isCloud, steps }: ConsoleBlock, name: string, session: Session): Promise<void> {
  for (const { command, expected, exit, line } of steps) {
    const where = `${FOLDER}/${name}:${line}: ${command}`;
    if (isCloud) await standIn(command, where, session);
    else {
      const result = await session.shell.run(command.replaceAll(DEFAULT_URL, session.baseUrl));
      expect(departure(expected, result.output), where).toBeUndefined();
      expect(result.exit, where).toBe(exit);
    }
  }
}

/** A step in a cloud that no later step builds on is left out. */
async function standIn(command: string, where: string, { shell, cloud }: Session): Promise<void> {
  const found = CLOUD_STAND_INS.find(({ of }) => of.test(command));
  if (found === undefined) return;
  const done: CommandResult = { exit: 0, output: '' };
  expect(await shell.run(await found.perform(cloud, command)), where).toEqual(done);
}

test('each stand-in for a cloud stands in for a command of a runbook', () => {
  const commands = RUNBOOKS.flatMap(({ page }) => consoleBlocks(page))
    .filter(({ isCloud }) => isCloud)
    .flatMap(({ steps }) => steps.map(({ command }) => command));
  const idle = CLOUD_STAND_INS.filter(({ of }) => !commands.some((command) => of.test(command)));
  expect(idle).toEqual([]);
});

test('the index links every runbook', () => {
  const linked = [...INDEX.matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, name]) => name);
  expect([...new Set(linked)].sort()).toEqual([...NAMES].sort());
});

describe('every command of Countersign in a page is one that exists', () => {
  const pages = [{ name: 'README.md', page: INDEX }, ...RUNBOOKS];

  test.each(pages)('$name', async ({ page }) => {
    const commands = [...page.matchAll(/npx countersign ([^\n`|;)]+)/g)].map(([, words = '']) =>
      words.trim(),
    );
    for (const words of commands) {
      await expect(parse(words.split(/\s+/)), `npx countersign ${words}`).resolves.toBe('parsed');
    }
  });

  test('and one that does not exist is noticed', async () => {
    await expect(parse(['keys', 'rotate'])).rejects.toThrow();
    await expect(parse(['keys', 'retire', '--now', 'kid'])).rejects.toThrow();
    await expect(parse(['keys', 'reissue', '--from', 'kid'])).rejects.toThrow();
  });
});

/** Reads a command line as the program does, and carries nothing out. */
async function parse(words: readonly string[]): Promise<string> {
  const program = new Command('countersign');
  addKeysCommands(program);
  for (const command of withSubcommands(program)) {
    command.exitOverride().configureOutput({ writeErr: () => {} });
    if (command.commands.length === 0) command.action(() => {});
  }
  await program.parseAsync(words, { from: 'user' });
  return 'parsed';
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}
