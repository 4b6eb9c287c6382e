/** What requests leave behind besides answers: log lines, and whatever anybody prints. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { leakIn } from './judging.ts';

const LOG_MEMBERS = ['severity', 'message', 'request_id', 'method', 'route', 'status', 'code', 'latency_ms'];

/** Throws unless the line is that of a refusal: known members, no secret, no warning. */
export function checkLogLine(line: string, secrets: readonly string[]): void {
  const leaked = leakIn(line, secrets);
  if (leaked !== undefined) throw new Error(`a log line holds ${leaked}: ${line}`);
  const entry = JSON.parse(line) as Record<string, unknown>;
  const unknown = Object.keys(entry).filter((member) => !LOG_MEMBERS.includes(member));
  if (unknown.length > 0) throw new Error(`a log line has the members ${unknown.join()}: ${line}`);
  if (!['INFO', 'DEBUG'].includes(String(entry.severity)))
    throw new Error(`a refusal was logged so: ${line}`);
}

/**
 * Whatever the framework, Express or Node print from now on. vitest has its own console, so both ways out are
 * watched; `vi.restoreAllMocks()` ends it.
 */
export function capturePrinted(): string[] {
  const printed: string[] = [];
  const keep = (...args: unknown[]) => {
    printed.push(`${args.map(String).join(' ')}\n`);
    return true;
  };
  for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const)
    vi.spyOn(console, method).mockImplementation(keep);
  vi.spyOn(process.stdout, 'write').mockImplementation(keep as never);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep as never);
  return printed;
}

/** The lines of all private keys in a folder; none of them may ever be seen. */
export function privateKeyLines(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.pem'),
  );
  return files.flatMap((file) =>
    readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .filter((line) => line.length > 40),
  );
}
