/**
 * A progress bar on a terminal; elsewhere nothing, so that logs and pipes hold lines only.
 *
 *   const progress = showProgress({ total: 3, what: 'Re-issue' });
 *   progress.reach(1);
 *   progress.end();
 */
import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  /** One more is done. */
  step(): void;
  /** So much is done. */
  reach(done: number): void;
  /** A line for the reader, above the bar. */
  say(line: string): void;
  end(): void;
}

export interface ProgressOptions {
  readonly total: number;
  readonly what: string;
  /** A program that reads the answer watches no bar. */
  readonly json?: boolean | undefined;
  /** Numbers that say nothing to a person, such as bytes, are left out. */
  readonly isCounted?: boolean;
  readonly stream?: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

export function showProgress({
  total,
  what,
  json = false,
  isCounted = true,
  stream = process.stderr,
}: ProgressOptions): Progress {
  const write = (line: string) => void stream.write(`${line}\n`);
  if (json || !stream.isTTY) return { step: () => {}, reach: () => {}, say: write, end: () => {} };
  const numbers = isCounted ? ' | {value} of {total}' : '';
  const format = `${what} {bar} {percentage} %${numbers} | {eta_formatted} left`;
  // Neither hides the cursor nor stops lines from wrapping: a program that is killed could not undo it.
  const bar = new SingleBar(
    { format, stream, hideCursor: false, linewrap: true, clearOnComplete: true },
    Presets.shades_classic,
  );
  let done = 0;
  const reach = (now: number) => {
    done = now;
    bar.update(done);
  };
  bar.start(total, done);
  return {
    step: () => reach(done + 1),
    reach,
    say(line) {
      bar.stop();
      write(line);
      bar.start(total, done);
    },
    end: () => bar.stop(),
  };
}
