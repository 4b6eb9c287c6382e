/** What to type: examples below the help of a command. */
import type { Command } from 'commander';

/** @param lines without the `countersign` in front; a test has each of them parsed */
export function examples(command: Command, ...lines: readonly string[]): Command {
  const title = lines.length === 1 ? 'Example:' : 'Examples:';
  return command.addHelpText(
    'after',
    ['', title, ...lines.map((line) => `  countersign ${line}`)].join('\n'),
  );
}
