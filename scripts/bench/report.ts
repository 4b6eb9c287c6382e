/** Prints what was measured, as Markdown, so that it can be pasted into docs/performance.md. */
import { availableParallelism, cpus, loadavg } from 'node:os';
import type { ColdStarts } from './cold-start.ts';
import type { Measurement } from './load.ts';
import type { Scenario } from './scenarios.ts';
import { median, percentile } from './statistics.ts';

/** One run of the baseline and, right after it, one of the subject, with the same requests. */
export interface Pair {
  readonly baseline: Run;
  readonly subject: Run;
}

export interface Run extends Measurement {
  /** Processor time of the function's process, in microseconds a request. */
  readonly cpuMicroseconds: number;
}

export function describeMachine(): string {
  const [cpu] = cpus();
  const load = loadavg().map((value) => value.toFixed(2));
  return `${availableParallelism()} cores, ${cpu?.model.trim()}, Node ${process.version}, load ${load.join(' ')}`;
}

export function describeFsync(latenciesMs: readonly number[]): string {
  return `fsync of 4 KiB in the store's folder: p50 ${ms(median(latenciesMs))}, p99 ${ms(percentile(latenciesMs, 0.99))}`;
}

export function tableOf(measured: ReadonlyMap<Scenario, readonly Pair[]>): string {
  const rows = [...measured].map(([{ name }, pairs]) => {
    const of = (pick: (pair: Pair) => number) => median(pairs.map(pick));
    const ratios = pairs.map(ratio);
    return [
      name,
      of(({ subject }) => subject.requestsPerSecond).toFixed(0),
      of(({ subject }) => subject.p50Ms).toFixed(1),
      of(({ subject }) => subject.p99Ms).toFixed(1),
      of(({ baseline }) => baseline.requestsPerSecond).toFixed(0),
      of(({ baseline }) => baseline.p50Ms).toFixed(1),
      of(({ baseline }) => baseline.p99Ms).toFixed(1),
      median(ratios).toFixed(2),
      `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`,
      of(({ subject }) => subject.cpuMicroseconds).toFixed(0),
      of(({ baseline }) => baseline.cpuMicroseconds).toFixed(0),
      median(
        pairs.map(({ baseline, subject }) => baseline.cpuMicroseconds / subject.cpuMicroseconds),
      ).toFixed(2),
      String(failuresOf(pairs)),
    ];
  });
  const header = [
    '',
    'req/s',
    'p50 ms',
    'p99 ms',
    'echo req/s',
    'echo p50',
    'echo p99',
    'ratio',
    'ratios',
    'CPU µs',
    'echo CPU',
    'CPU ratio',
    'errors',
  ];
  return [header, header.map((_, i) => (i === 0 ? '---' : '---:')), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}

export function describeColdStarts(starts: ColdStarts): string {
  return `cold start to the first acquire, Ed25519: ${beside('echo', starts)}`;
}

export function describeCommandStarts(starts: ColdStarts): string {
  return `countersign --help: ${beside('node --eval 0', starts)}`;
}

function beside(baseline: string, { subjectMs, baselineMs, ratio }: ColdStarts): string {
  const spread = (values: readonly number[]) =>
    `${ms(median(values))} (${ms(Math.min(...values))}–${ms(Math.max(...values))})`;
  return `${spread(subjectMs)}; ${baseline}: ${spread(baselineMs)}; ratio ${ratio.toFixed(2)}, ${subjectMs.length} runs each`;
}

export function failuresOf(pairs: readonly Pair[]): number {
  return pairs.reduce((sum, { baseline, subject }) => sum + baseline.failures + subject.failures, 0);
}

function ratio({ subject, baseline }: Pair): number {
  return subject.requestsPerSecond / baseline.requestsPerSecond;
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`;
}
