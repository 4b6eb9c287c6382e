/** `countersign completion bash`, sourced by a real shell. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REPOSITORY, spawnProgram } from '../support/spawn-stack.ts';

const BIN = join(REPOSITORY, 'scripts', 'countersign.js');

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-completion-'));
  const { stdout } = await spawnProgram(BIN, ['completion', 'bash']).ended;
  writeFileSync(join(folder, 'completion.sh'), stdout);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the shell offers for the last word. */
async function offered(...words: string[]): Promise<string[]> {
  writeFileSync(
    join(folder, 'ask.sh'),
    `source "${folder}/completion.sh"
     COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
     _countersign; echo "\${COMPREPLY[@]}"`,
  );
  const { code, stdout, stderr } = await spawnProgram(join(folder, 'ask.sh'), [], { node: '/bin/bash' })
    .ended;
  expect([code, stderr]).toEqual([0, '']);
  return stdout.trim().split(' ');
}

test('offers commands, commands of commands, and their options', async () => {
  expect(await offered('countersign', 'cust')).toEqual(['customers']);
  expect(await offered('countersign', 'licenses', 're')).toEqual(['renew', 'reinstate', 'revoke']);
  expect(await offered('countersign', 'licenses', 'renew', 'some-id', '--d')).toEqual(['--days']);
  expect(await offered('countersign', 're')).toEqual(expect.arrayContaining(['renew', 'reminders']));
  expect(await offered('countersign', 'renew', '--f')).toEqual(expect.arrayContaining(['--from', '--file']));
});

test('offers commands that begin alike, of every group', async () => {
  expect(await offered('countersign', 'licenses', 'issue')).toEqual(['issue', 'issue-document']);
  expect(await offered('countersign', 'api-keys', '')).toEqual(['create', 'list', 'revoke', '--help']);
  expect(await offered('countersign', 'audit', '')).toEqual(['list', 'export', 'verify', '--help']);
  expect(await offered('countersign', 'licenses', 'change', 'some-id', '--if')).toEqual(['--if-match']);
});

test('offers a command’s own options only', async () => {
  expect(await offered('countersign', 'licenses', 'revoke', '--')).not.toContain('--days');
  expect(await offered('countersign', 'keys', 'activate', '--')).toContain('--sunset-days');
});

test('zsh gets the same behind its own loader, and another shell is refused', async () => {
  const { stdout } = await spawnProgram(BIN, ['completion', 'zsh']).ended;
  expect(stdout).toContain('bashcompinit');
  expect(stdout).toContain('complete -o default -F _countersign countersign');
  expect((await spawnProgram(BIN, ['completion', 'fish']).ended).code).toBe(2);
});

test('a reader that has seen enough ends the command without a word', async () => {
  const child = spawn(process.execPath, [BIN, 'completion', 'bash'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  const said: Buffer[] = [];
  child.stderr.on('data', (bytes: Buffer) => said.push(bytes));
  const [code] = await once(child, 'close');
  expect([code, Buffer.concat(said).toString()]).toEqual([141, '']);
});
