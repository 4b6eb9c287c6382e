/** How long the command `countersign` takes to answer `--help`, beside a Node that does nothing. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { ColdStarts } from './cold-start.ts';
import { median } from './statistics.ts';

const COMMAND = join(import.meta.dirname, '../countersign.js');

/** Both in turn, so that both meet the same machine. */
export function measureCommandStarts(runs: number): ColdStarts {
  const subjectMs: number[] = [];
  const baselineMs: number[] = [];
  for (let run = 0; run < runs; run++) {
    baselineMs.push(millisecondsOf(['--eval', '0']));
    subjectMs.push(millisecondsOf([COMMAND, '--help']));
  }
  return { subjectMs, baselineMs, ratio: median(subjectMs) / median(baselineMs) };
}

function millisecondsOf(args: readonly string[]): number {
  const startedAt = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with exit code ${status}`);
  return performance.now() - startedAt;
}
