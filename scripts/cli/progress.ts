/** A progress bar on a terminal; elsewhere nothing, so that logs and pipes hold lines only. */
import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  step(): void;
  end(): void;
}

export function showProgress(total: number, what: string): Progress {
  if (!process.stderr.isTTY) return { step: () => {}, end: () => {} };
  const format = `${what} {bar} {percentage} % | {value} of {total} | {eta_formatted} left`;
  const bar = new SingleBar({ format, stream: process.stderr, hideCursor: true }, Presets.shades_classic);
  bar.start(total, 0);
  return { step: () => bar.increment(), end: () => bar.stop() };
}
