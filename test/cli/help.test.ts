/** All commands of `countersign`: each explains itself, answers as JSON, and is on the page. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { changesOf } from '../../scripts/cli/licenses/change.ts';
import { requestOf } from '../../scripts/cli/licenses/issue.ts';
import { createProgram } from '../../scripts/cli/program.ts';
import { addStoreCommands } from '../../scripts/cli/store-commands.ts';
import { NOTHING } from '../../scripts/cli/values.ts';
import { changeLicenseRequest, issueLicenseRequest } from '../../shared/wire/admin-licenses.ts';
import { createApiKeyRequest } from '../../shared/wire/api-keys.ts';
import { changeCustomerRequest } from '../../shared/wire/customers.ts';
import { REPOSITORY } from '../support/spawn-stack.ts';

interface Listed {
  /** `licenses renew` */
  readonly path: string;
  readonly command: Command;
}

function commandsOf(command: Command, path: readonly string[] = []): Listed[] {
  return command.commands.flatMap((child) => {
    const own = [...path, child.name()];
    return [{ path: own.join(' '), command: child }, ...commandsOf(child, own)];
  });
}

const whole = () => addStoreCommands(createProgram());
const commands = commandsOf(whole());
const leaves = commands.filter(({ command }) => command.commands.length === 0);

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

/** What follows `countersign` in the examples of a help text, as a shell would split it. */
function examplesIn(help: string): string[][] {
  return [...help.matchAll(/^ {2}(?:source <\()?countersign (.+?)\)?$/gm)].map(([, line = '']) =>
    [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? ''),
  );
}

/** The command that a line means, and the options it gets there. Nothing is carried out. */
function parsed(words: readonly string[]) {
  const program = whole();
  let found: { path: string; options: Record<string, unknown> } | undefined;
  for (const { path, command } of [{ path: '', command: program }, ...commandsOf(program)]) {
    command.exitOverride().configureOutput({ writeErr: () => {} });
    if (command.commands.length === 0)
      command.action(() => {
        found = { path, options: command.opts() };
      });
  }
  program.parse([...words], { from: 'user' });
  return found;
}

test.each(commands)('$path says what it does, and so does each of its options', ({ command }) => {
  expect(command.description()).toMatch(/^\S.{5,}/);
  for (const { long, description } of command.options)
    expect([long, description]).toEqual([long, expect.stringMatching(/\S/)]);
});

test.each(commands)('$path has an example that is a right command line', ({ path, command }) => {
  const examples = examplesIn(helpOf(command));
  expect(examples.length).toBeGreaterThan(0);
  const means = examples.map((words) => parsed(words)?.path ?? '');
  expect(means).toContainEqual(expect.stringMatching(new RegExp(`^${path}( |$)`)));
});

test('the examples of the program itself are right command lines', () => {
  const examples = examplesIn(helpOf(whole()));
  expect(examples.length).toBeGreaterThan(2);
  for (const words of examples) expect(parsed(words)).toBeDefined();
});

test('an example that is wrong would be noticed', () => {
  expect(() => parsed(['licenses', 'renew', 'X'])).toThrow('--days');
  expect(() => parsed(['licenses', 'renwe', 'X'])).toThrow('unknown command');
  expect(() => parsed(['mint', '--name', 'A', '--email', 'a@example.com', '--tier', 'gold'])).toThrow('gold');
});

test.each(leaves)('$path answers as JSON', ({ command }) => {
  expect(command.options.map(({ long }) => long)).toContain('--json');
});

/** `customers add|show ID` in the tables of a page; `prefix` goes before the commands of a page about one group. */
function pageCommands(page: string, prefix = ''): string[] {
  const cells = readFileSync(join(REPOSITORY, 'docs', page), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split(/(?<!\\)\|/)[1] ?? '');
  const spans = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, span]) => span ?? ''));
  return spans.flatMap((span) => {
    const words = `${prefix}${span}`.replaceAll('\\|', '|').split(' ');
    const end = words.findIndex((word) => !/^[a-z][a-z|-]*$/.test(word));
    const names = (end === -1 ? words : words.slice(0, end)).map((word) => word.split('|'));
    const [groups = [], verbs] = names;
    return groups.flatMap((group) =>
      verbs === undefined ? [group] : verbs.map((verb) => `${group} ${verb}`),
    );
  });
}

test('docs/cli.md lists every command, and no other', () => {
  const listed = pageCommands('cli.md');
  const known = leaves.map(({ path }) => path.replace(/^completion$/, 'completion bash'));
  expect(listed.filter((path) => path !== 'completion zsh').sort()).toEqual(known.sort());
});

test('docs/keys.md explains every command of keys', () => {
  const listed = pageCommands('keys.md', 'keys ');
  const known = leaves.map(({ path }) => path).filter((path) => path.startsWith('keys '));
  expect(known.length).toBeGreaterThan(5);
  expect(listed).toEqual(expect.arrayContaining(known));
});

/** Each option of the two with some value, as commander hands them on. */
const TERMS = {
  features: ['a'],
  seats: 1,
  versions: [1],
  withoutLimits: true,
  hardware: ['h'],
  expiryStrategy: 'restrict',
  strictOnline: true,
  notes: 'n',
} as const;

test('every member of a licence that can be changed is an option', () => {
  const lists = { features: ['a'], versions: [1], hardware: ['h'] };
  const changes = changesOf({ ...TERMS, ...lists, expires: NOTHING, acceptUnverified: true });
  expect(Object.keys(changes).sort()).toEqual(Object.keys(changeLicenseRequest.shape).sort());
});

test('every member of a licence that is issued is an option', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-help-'));
  const keyFile = join(folder, 'key.txt');
  writeFileSync(keyFile, 'DT1-OWN');
  const request = await requestOf({
    ...TERMS,
    features: ['a'],
    versions: [1],
    hardware: ['h'],
    customer: 'c',
    module: 'm',
    type: 'trial',
    days: 1,
    fingerprint: 'f',
    tier: 'pro',
    addFeatures: ['b'],
    holderName: 'n',
    holderEmail: 'e',
    keyFile,
    keyPrefix: 'LIC',
    keyStyle: 'standard',
    algorithm: 'EC_SIGN_ED25519',
    format: ['aegis'],
  });
  rmSync(folder, { recursive: true });
  expect(Object.keys(request).sort()).toEqual(Object.keys(issueLicenseRequest.shape).sort());
});

test('every member of a customer and of an API key is an option', () => {
  const optionsOf = (path: string) =>
    leaves.find((leaf) => leaf.path === path)?.command.options.map(({ long }) => long) ?? [];
  const named = (members: object, names: Readonly<Record<string, string>> = {}) =>
    Object.keys(members).map((member) => `--${names[member] ?? member}`);
  expect(optionsOf('customers change')).toEqual(
    expect.arrayContaining(named(changeCustomerRequest.shape, { is_active: 'active' })),
  );
  const names = { customer_id: 'customer', expires_at: 'expires' };
  expect(optionsOf('api-keys create')).toEqual(
    expect.arrayContaining(named(createApiKeyRequest.shape, names)),
  );
});

test('words that stand for nothing, and values that are none, are told apart', () => {
  const change = (...words: string[]) => parsed(['licenses', 'change', 'X', ...words])?.options;
  expect(
    change('--seats', 'unlimited', '--versions', 'all', '--hardware', 'any', '--expires', 'never'),
  ).toEqual({
    seats: NOTHING,
    versions: NOTHING,
    hardware: NOTHING,
    expires: NOTHING,
  });
  expect(change('--features', '', '--expires', '2027-01-31')).toEqual({
    features: [],
    expires: '2027-01-31T00:00:00Z',
  });
  for (const wrong of [
    ['--seats', '0'],
    ['--seats', 'none'],
    ['--versions', '16;17'],
    ['--expires', 'tomorrow'],
    ['--expires', '2027-13-01'],
    ['--expires', '2027-01-31T12:00:00'],
    ['--strict-online', 'true'],
    ['--expiry-strategy', 'forgive'],
  ])
    expect(() => change(...wrong)).toThrow('is invalid');
});
