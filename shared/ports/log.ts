import type { SweepReport } from '../wire/maintenance.ts';

/**
 * One log line. There is no free-form member on purpose: what is not listed here cannot be logged, so no
 * licence key, token, hardware id or address ever is.
 */
export interface LogEntry extends Partial<Readonly<SweepReport>> {
  readonly severity: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';
  readonly message: string;
  readonly request_id?: string;
  readonly method?: string;
  /** The route's pattern, never the URL. */
  readonly route?: string;
  readonly status?: number;
  readonly code?: string;
  readonly latency_ms?: number;
  /** Names and codes of an error and of its causes, outermost first. */
  readonly error_chain?: readonly string[];
  /** Where an unexpected error was thrown: stack frames, without its message. */
  readonly error_frames?: readonly string[];
  /** SHA-256 of the paths of damaged records, in hex. */
  readonly records?: readonly string[];
}

export interface Log {
  write(entry: LogEntry): void;
}
