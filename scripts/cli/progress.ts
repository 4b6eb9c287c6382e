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

const NOTHING: Progress = { step: () => {}, reach: () => {}, end: () => {} };

export function showProgress({
  total,
  what,
  json = false,
  isCounted = true,
  stream = process.stderr,
}: ProgressOptions): Progress {
  if (json || !stream.isTTY) return NOTHING;
  const numbers = isCounted ? ' | {value} of {total}' : '';
  const format = `${what} {bar} {percentage} %${numbers} | {eta_formatted} left`;
  const bar = new SingleBar({ format, stream, hideCursor: true }, Presets.shades_classic);
  bar.start(total, 0);
  return { step: () => bar.increment(), reach: (done) => bar.update(done), end: () => bar.stop() };
}
