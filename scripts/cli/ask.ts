/** Asks whoever sits at the terminal for a line. */
import { createInterface } from 'node:readline';

/**
 * The line that is typed; undefined at the end of input. The question is on standard error, so that the answer of the command
 * alone is on standard output. The terminal edits the line: this program never changes the terminal's mode, so none is left
 * behind however it ends, and Ctrl-C ends it as any other.
 */
export function ask(question: string): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  return new Promise((resolve) => {
    const giveUp = () => {
      process.stderr.write('\n');
      resolve(undefined);
    };
    lines.once('close', giveUp);
    lines.question(question, (line) => {
      lines.off('close', giveUp).close();
      resolve(line);
    });
  });
}
