/** Which left-over files are removed, with processes that are killed and others that still write. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryFor } from '../../../infra/temporary-file.ts';
import { leaveOver, startWriter } from '../../support/left-over.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-temporary-'));
  path = join(folder, 'report.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('names are beside the file, and never the same twice', () => {
  const [one, two] = [temporaryFor(path), temporaryFor(path)];
  expect(one).toMatch(new RegExp(`^${path}\\.[0-9a-f]{8}\\.${process.pid}\\.[0-9a-f]{8}\\.tmp$`));
  expect(two).not.toBe(one);
  expect(readdirSync(folder)).toEqual([]);
});

test('what killed processes left of the same file is removed, and what others are writing stays', async () => {
  const dead = [await leaveOver(path), await leaveOver(join(folder, 'other.jsonl'))];
  const alive = await startWriter(path);
  try {
    // The writer removed the first one.
    expect(dead.map((name) => existsSync(name))).toEqual([false, true]);
    const killed = await leaveOver(path);
    expect(existsSync(killed)).toBe(true);
    temporaryFor(path);
    expect([existsSync(killed), existsSync(alive.temporary)]).toEqual([false, true]);
    expect(readdirSync(folder).sort()).toEqual([basename(dead[1] ?? ''), basename(alive.temporary)].sort());
  } finally {
    await alive.kill();
  }
});

test('names that are no left-overs stay, whoever they are of', async () => {
  const [, place = ''] = /report\.jsonl\.([0-9a-f]{8})\./.exec(await leaveOver(path)) ?? [];
  temporaryFor(path);
  const nobody = 2 ** 22 + 1;
  const names = [
    `report.jsonl.${nobody}.tmp`,
    `report.jsonl.00000000.${nobody}.aaaaaaaa.tmp`,
    `report.jsonl.${place}.${nobody}.aaaaaaaa.tmp.kept`,
    `report.jsonl.${place}.${nobody}.mine.tmp`,
    `my-report.jsonl.${place}.${nobody}.aaaaaaaa.tmp`,
    `report.jsonl.${place}.${process.pid}.aaaaaaaa.tmp`,
  ];
  for (const name of names) writeFileSync(join(folder, name), '');
  const leftOver = join(folder, `report.jsonl.${place}.${nobody}.aaaaaaaa.tmp`);
  writeFileSync(leftOver, '');
  temporaryFor(path);
  expect(readdirSync(folder).sort()).toEqual(names.sort());
});

test('a folder or a device is not replaced, also behind a link', () => {
  mkdirSync(join(folder, 'a-folder'));
  symlinkSync('/dev/null', join(folder, 'a-link'));
  for (const name of ['a-folder', 'a-link'])
    expect(() => temporaryFor(join(folder, name))).toThrow(
      /a-(folder|link) cannot be written: .* is no file\./,
    );
  expect(() => temporaryFor(join(folder, 'no', 'folder'))).not.toThrow();
});
