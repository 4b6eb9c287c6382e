/**
 * Console blocks of a page: commands with the output that is expected of them, and whether it came.
 *
 *   ```console
 *   $ npx countersign keys publish --yes
 *   …
 *   Published as version ….
 *   ```
 *
 * A line of `> ` goes on with the command before it. `…` stands for at least one character of a line, and as a line of its
 * own for any lines. A last line `[exit 1]` is the exit code; without one it is 0. A block ```` ```console cloud ```` is for a
 * real cloud.
 */

export interface ConsoleStep {
  readonly command: string;
  /** Lines, with `…` for what varies. */
  readonly expected: readonly string[];
  readonly exit: number;
  /** Where the command is in the page, from 1. */
  readonly line: number;
}

export interface ConsoleBlock {
  readonly isCloud: boolean;
  readonly steps: readonly ConsoleStep[];
}

export const ANYTHING = '…';

const FENCE = /^```console(?: (\w+))?\n([\s\S]*?)^```$/gm;
const EXIT = /^\[exit (\d+)\]$/;

/** @throws Error when a block begins with output, or is of a kind that does not exist */
export function consoleBlocks(page: string): ConsoleBlock[] {
  return [...page.matchAll(FENCE)].map(({ 1: kind, 2: body = '', index }) => {
    const line = page.slice(0, index).split('\n').length;
    if (kind !== undefined && kind !== 'cloud')
      throw new Error(`The console block at line ${line} is of the kind ${kind}, which does not exist.`);
    return { isCloud: kind === 'cloud', steps: stepsOf(body.trimEnd().split('\n'), line + 1) };
  });
}

function stepsOf(lines: readonly string[], firstLine: number): ConsoleStep[] {
  const starts = lines.flatMap((line, place) => (line.startsWith('$ ') ? [place] : []));
  if (starts[0] !== 0)
    throw new Error(`The console block at line ${firstLine} does not begin with a command.`);
  return starts.map((start, i) => stepOf(lines.slice(start, starts[i + 1]), firstLine + start));
}

function stepOf([first = '', ...rest]: readonly string[], line: number): ConsoleStep {
  const more = rest.findIndex((text) => !text.startsWith('> '));
  const length = more === -1 ? rest.length : more;
  const command = [first, ...rest.slice(0, length)].map((text) => text.slice(2)).join('\n');
  const output = rest.slice(length);
  const exit = EXIT.exec(output.at(-1) ?? '')?.[1];
  const expected = exit === undefined ? output : output.slice(0, -1);
  return { command, expected, exit: Number(exit ?? 0), line };
}

/** Where the output departs from what is expected, for people; undefined when it does not. */
export function departure(expected: readonly string[], output: string): string | undefined {
  const actual = linesOf(output);
  if (matches(expected, actual)) return undefined;
  let met = expected.length;
  while (!matches([...expected.slice(0, met), ANYTHING], actual)) met -= 1;
  const wanted = met < expected.length ? `expected next: ${expected[met]}` : 'nothing more is expected';
  return [`${met} of ${expected.length} expected lines came; ${wanted}`, 'the output:', ...actual].join('\n');
}

function linesOf(output: string): string[] {
  const text = output.trimEnd();
  return text === '' ? [] : text.split('\n').map((line) => line.trimEnd());
}

function matches(expected: readonly string[], actual: readonly string[]): boolean {
  const pattern = expected
    .map((line) => (line === ANYTHING ? '(?:.*\n)*?' : `${patternOf(line)}\n`))
    .join('');
  return new RegExp(`^${pattern}$`).test(actual.map((line) => `${line}\n`).join(''));
}

const patternOf = (line: string) => line.trimEnd().split(ANYTHING).map(RegExp.escape).join('.+');
