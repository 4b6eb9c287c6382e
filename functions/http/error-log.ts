/** What a log line says of an error: names and codes, never a message that might quote a request. */
import { createHash } from 'node:crypto';
import { CountersignError } from '../../shared/errors.ts';
import type { LogEntry } from '../../shared/ports/log.ts';

const MAX_CAUSES = 8;
const MAX_FRAMES = 8;

export function describeError(error: unknown): Pick<LogEntry, 'error_chain' | 'error_frames'> {
  const chain = causes(error);
  if (error instanceof CountersignError) return { error_chain: chain.map(nameOf) };
  return { error_chain: chain.map(nameOf), error_frames: framesOf(error) };
}

/** The log names no path: ids in it are customers' and hashes of keys. Whoever has the store finds it by its hash. */
export function describeDamage(paths: readonly string[]): LogEntry {
  const records = paths.map((path) => createHash('sha256').update(path).digest('hex'));
  return { severity: 'ERROR', message: 'damaged records', damaged: paths.length, records };
}

function causes(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let next = error; next !== undefined && chain.length < MAX_CAUSES; next = (next as Error).cause) {
    chain.push(next);
    if (!(next instanceof Error)) break;
  }
  return chain;
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const { code } = error as { code?: unknown };
  const isPlain = typeof code === 'number' || (typeof code === 'string' && /^[A-Za-z0-9_]{1,64}$/.test(code));
  return isPlain ? `${error.name} ${code}` : error.name;
}

function framesOf(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return frames.slice(0, MAX_FRAMES).map((frame) => frame.trim());
}
