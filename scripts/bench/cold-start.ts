/** How long a function takes from the start of its process to its first good answer. */
import { type FunctionToServe, startFunction } from './function-process.ts';
import { median } from './statistics.ts';

export interface FirstRequest {
  readonly path: string;
  readonly body: string;
}

export interface ColdStarts {
  readonly subjectMs: readonly number[];
  readonly baselineMs: readonly number[];
  readonly ratio: number;
}

/** Starts both in turn, so that both meet the same machine. */
export async function measureColdStarts(
  subject: FunctionToServe,
  baseline: FunctionToServe,
  request: FirstRequest,
  runs: number,
): Promise<ColdStarts> {
  const subjectMs: number[] = [];
  const baselineMs: number[] = [];
  for (let run = 0; run < runs; run++) {
    baselineMs.push(await coldStart(baseline, request));
    subjectMs.push(await coldStart(subject, request));
  }
  return { subjectMs, baselineMs, ratio: median(subjectMs) / median(baselineMs) };
}

async function coldStart(served: FunctionToServe, { path, body }: FirstRequest): Promise<number> {
  const startedAt = performance.now();
  const { url, stop } = await startFunction(served);
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(new URL(path, url), { method: 'POST', headers, body });
    const text = await response.text();
    if (!response.ok) throw new Error(`The first answer of ${served.target} is ${response.status}: ${text}`);
    return performance.now() - startedAt;
  } finally {
    await stop();
  }
}
