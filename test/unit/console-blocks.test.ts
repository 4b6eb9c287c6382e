import { describe, expect, test } from 'vitest';
import { consoleBlocks, departure } from '../support/console-blocks.ts';

const page = (...lines: string[]) => ['# A page', '', ...lines].join('\n');

describe('consoleBlocks', () => {
  test('gives each command with its output, its exit code and its line', () => {
    const text = page('```console', '$ echo a', 'a', '', 'b', '$ false', '[exit 1]', '```', '');
    expect(consoleBlocks(text)).toEqual([
      {
        isCloud: false,
        steps: [
          { command: 'echo a', expected: ['a', '', 'b'], exit: 0, line: 4 },
          { command: 'false', expected: [], exit: 1, line: 8 },
        ],
      },
    ]);
  });

  test('joins the lines of a long command', () => {
    const [block] = consoleBlocks(page('```console', '$ echo a \\', '>   b', '> c', 'a b', '```'));
    expect(block?.steps).toMatchObject([{ command: 'echo a \\\n  b\nc', expected: ['a b'] }]);
  });

  test('tells blocks for a real cloud apart, and leaves other languages alone', () => {
    const text = page(
      '```sh',
      'ls',
      '```',
      '```console cloud',
      '$ gcloud',
      '```',
      '```console',
      '$ ls',
      '```',
    );
    expect(consoleBlocks(text).map(({ isCloud, steps }) => [isCloud, steps[0]?.command])).toEqual([
      [true, 'gcloud'],
      [false, 'ls'],
    ]);
  });

  test('refuses a block that begins with output, and one of an unknown kind', () => {
    expect(() => consoleBlocks(page('```console', 'a', '$ echo a', '```'))).toThrow('line 4');
    expect(() => consoleBlocks(page('```console clouds', '$ ls', '```'))).toThrow('clouds');
  });
});

describe('departure', () => {
  test.each([
    ['the same lines', ['a', 'b'], 'a\nb\n'],
    ['no output', [], ''],
    ['something in a line', ['kid … is … until …'], 'kid x.y is active until 2027-01-01\n'],
    ['any lines at the end', ['a', '…'], 'a\nb\n\nc\n'],
    ['no lines at all', ['…'], ''],
    ['any lines in between', ['…', 'c', '…', 'e'], 'a\nb\nc\nd\ne'],
    ['white space at the end of a line', ['a'], 'a  \n\n'],
    ['characters that mean something in a pattern', ['(a|b) [c].* $'], '(a|b) [c].* $'],
  ])('%s: there is none', (_, expected, output) => {
    expect(departure(expected, output)).toBeUndefined();
  });

  test.each([
    ['another line', ['a', 'b'], 'a\nc\n', 'expected next: b'],
    ['a line that is missing', ['a', 'b'], 'a\n', 'expected next: b'],
    ['a line too many', ['a'], 'a\nb\n', 'nothing more is expected'],
    ['nothing where something varies', ['kid …'], 'kid\n', 'expected next: kid …'],
    ['a pattern that is no pattern', ['a.c'], 'abc', 'expected next: a.c'],
    ['something that would run over a line', ['a … d'], 'a b\nc d', 'expected next: a … d'],
    ['another end', ['…', 'z'], 'a\nb', 'expected next: z'],
  ])('%s: it is told with the output', (_, expected, output, reason) => {
    const told = departure(expected, output);
    expect(told).toContain(reason);
    expect(told).toContain(`the output:\n${output.trimEnd()}`);
  });
});
