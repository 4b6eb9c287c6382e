/** The progress bar, on a stream that says whether it is a terminal. */
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { showProgress } from '../../../scripts/cli/progress.ts';

/** A stream as wide as a terminal, and what was written to it. */
function screen(isTTY: boolean) {
  const stream = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY, columns: 120 });
  return { stream, written: () => String(stream.read() ?? '') };
}

test('a terminal sees how far it is, from the first to the last', () => {
  const { stream, written } = screen(true);
  const progress = showProgress({ total: 4, what: 'Re-issue', stream });
  expect(written()).toMatch(/Re-issue ░+ 0 % \| 0 of 4 \|/);
  progress.step();
  progress.reach(4);
  progress.end();
  const drawn = written();
  expect(drawn).toMatch(/Re-issue █+ 100 % \| 4 of 4 \|/);
});

test('a bar of bytes has a percentage and no numbers', () => {
  const { stream, written } = screen(true);
  const progress = showProgress({ total: 3_000_000, what: 'Import', isCounted: false, stream });
  progress.reach(1_500_000);
  progress.end();
  expect(written()).toMatch(/Import █+░+ 50 % \|/);
  expect(written()).not.toContain('1500000');
});

test('no mode of the terminal is changed, so a program that is killed leaves none behind', () => {
  const { stream, written } = screen(true);
  const progress = showProgress({ total: 1, what: 'Import', stream });
  progress.say('Line 1: no');
  progress.end();
  expect(written()).not.toContain('\u001b[?');
});

test('a line is said above the bar, which goes on where it was', () => {
  const { stream, written } = screen(true);
  const progress = showProgress({ total: 4, what: 'Import', stream });
  progress.reach(2);
  written();
  progress.say('Line 2: no');
  const [before = '', after = ''] = written().split('Line 2: no\n');
  expect(before.endsWith('\u001b[1G\u001b[2K')).toBe(true);
  expect(after).toMatch(/Import █+░+ 50 % \| 2 of 4 \|/);
  progress.step();
  progress.end();
  expect(written()).toMatch(/ 75 % \| 3 of 4 \|/);
});

test.each([
  ['that is no terminal', false, false],
  ['that is a terminal, of a command with --json', true, true],
])('nothing is written to a stream %s', (_, isTTY, json) => {
  const { stream, written } = screen(isTTY);
  const progress = showProgress({ total: 2, what: 'Import', json, stream });
  progress.step();
  progress.reach(2);
  progress.end();
  expect(written()).toBe('');
  progress.say('Line 2: no');
  expect(written()).toBe('Line 2: no\n');
});
