import { CountersignError } from '../../../shared/errors.ts';
import { CommitInterruptedError } from '../../../shared/ports/document-store.ts';

interface Failure {
  readonly detail: string;
  /** Absent where only an operator can help. */
  readonly retryAfterSeconds?: number;
}

/** By primary result code: https://www.sqlite.org/rescode.html */
const FAILURES: Readonly<Record<number, Failure>> = {
  5: { detail: 'Another process kept the database locked for too long; try again.', retryAfterSeconds: 1 },
  6: { detail: 'The database is locked by this process; try again.', retryAfterSeconds: 1 },
  8: { detail: 'The database file is read-only; make it writable for this user.', retryAfterSeconds: 60 },
  10: { detail: 'The disk failed while the database was used; check the disk.', retryAfterSeconds: 60 },
  11: { detail: 'The database file is damaged; restore it from a backup.' },
  13: { detail: 'The disk is full; free some space.', retryAfterSeconds: 60 },
  14: { detail: 'The database file cannot be opened; check that its folder exists and is writable.' },
  26: { detail: 'The file is not a database; restore it from a backup or choose another path.' },
};

const CLOSED: Failure = { detail: 'The store was closed.', retryAfterSeconds: 1 };
const UNKNOWN: Failure = {
  detail: 'The database could not answer; see the log for the cause.',
  retryAfterSeconds: 5,
};

/** Turns what `node:sqlite` throws into `store_unavailable`; the original is its `cause`. */
export function storeFailure(cause: unknown): CountersignError {
  if (cause instanceof CountersignError) return cause;
  const { detail, retryAfterSeconds } = failureOf(cause);
  return new CountersignError('store_unavailable', detail, {
    cause,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

function failureOf(cause: unknown): Failure {
  if (cause instanceof CommitInterruptedError) return failureOf(cause.cause);
  if (cause instanceof AggregateError) return failureOf(cause.errors[0]);
  if (!(cause instanceof Error)) return UNKNOWN;
  if ('errcode' in cause && typeof cause.errcode === 'number')
    return FAILURES[cause.errcode & 0xff] ?? UNKNOWN;
  return 'code' in cause && cause.code === 'ERR_INVALID_STATE' ? CLOSED : UNKNOWN;
}
