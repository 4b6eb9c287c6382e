/** The progress bar, on a stream that says whether it is a terminal. */
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { showProgress } from '../../../scripts/cli/progress.ts';

/** A stream as wide as a terminal, and what was written to it. */
function screen(isTTY: boolean) {
  const stream = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY, columns: 120 });
  return { stream, written: () => String(stream.read() ?? '') };
}

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';

test('a terminal sees how far it is, from the first to the last', () => {
  const { stream, written } = screen(true);
  const progress = showProgress({ total: 4, what: 'Re-issue', stream });
  expect(written()).toMatch(/Re-issue ░+ 0 % \| 0 of 4 \|/);
  progress.step();
  progress.reach(4);
  progress.end();
  const drawn = written();
  expect(drawn).toMatch(/Re-issue █+ 100 % \| 4 of 4 \|/);
  expect(drawn.endsWith('\n')).toBe(true);
});

test('a bar of bytes has a percentage and no numbers', () => {
  const { stream, written } = screen(true);
  const progress = showProgress({ total: 3_000_000, what: 'Import', isCounted: false, stream });
  progress.reach(1_500_000);
  progress.end();
  expect(written()).toMatch(/Import █+░+ 50 % \|/);
  expect(written()).not.toContain('1500000');
});

test('the cursor is hidden only while the bar runs', () => {
  const { stream, written } = screen(true);
  const progress = showProgress({ total: 1, what: 'Import', stream });
  const begun = written();
  progress.end();
  expect([begun.includes(HIDE_CURSOR), begun.includes(SHOW_CURSOR)]).toEqual([true, false]);
  expect(written()).toContain(SHOW_CURSOR);
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
});
