/** Structured logs: one JSON object a line on standard output, in the form that Google Cloud Logging reads. */
import type { Log, LogEntry } from '../shared/ports/log.ts';

export const SEVERITIES = ['DEBUG', 'INFO', 'WARNING', 'ERROR'] as const;

type Member = keyof LogEntry;

/** The allow-list. A member that is not here is dropped, whatever an entry holds at run time. */
const MEMBERS: readonly Member[] = [
  'severity',
  'message',
  'request_id',
  'method',
  'route',
  'status',
  'code',
  'latency_ms',
  'error_chain',
  'error_frames',
  'sessions_ended',
  'idempotency_keys_forgotten',
  'licenses_looked_at',
  'left',
  'damaged',
  'records',
  'complete',
];

/** A log that drops entries below `level`. `write` is where lines go. */
export function createLog(
  level: LogEntry['severity'],
  write: (line: string) => void = (line) => process.stdout.write(line),
): Log {
  const lowest = SEVERITIES.indexOf(level);
  return {
    write(entry) {
      if (SEVERITIES.indexOf(entry.severity) < lowest) return;
      write(`${JSON.stringify(entry, ['time', ...MEMBERS])}\n`);
    },
  };
}
