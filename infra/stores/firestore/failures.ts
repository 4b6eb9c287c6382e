/** What a failed call means to the caller: one row a gRPC status, and the exceptions of Commit. */

import { CountersignError } from '../../../shared/errors.ts';
import {
  CommitInterruptedError,
  ConflictError,
  type DocumentPath,
  type Write,
} from '../../../shared/ports/document-store.ts';
import { DOCUMENT_TOO_LARGE } from '../validate.ts';
import { FirestoreCallError, type GrpcStatus } from './client.ts';
import type { Names } from './names.ts';
import { DamagedDocumentError } from './values.ts';
import { hasDemand } from './writes.ts';

interface Meaning {
  /** The same call may succeed a moment later. A commit may have happened. */
  readonly passes: boolean;
  /** What the service's client is told; nothing of Google's messages, which name projects and documents. */
  readonly detail: string;
  readonly retryAfterSeconds: number;
}

const UNREACHABLE: Meaning = {
  passes: true,
  detail: 'The store did not answer in time; try again shortly.',
  retryAfterSeconds: 2,
};
const EXHAUSTED: Meaning = {
  passes: true,
  detail: 'The store is at its limit; try again in 10 seconds.',
  retryAfterSeconds: 10,
};
const REFUSED: Meaning = {
  passes: false,
  detail: 'The store refused; the operator has to look at the log.',
  retryAfterSeconds: 60,
};
const DAMAGED: Meaning = {
  passes: false,
  detail: 'A stored document is damaged; the operator has to look at the log.',
  retryAfterSeconds: 60,
};

/** A status that is not here is a refusal. https://cloud.google.com/firestore/docs/understand-error-codes */
const MEANINGS: Partial<Record<GrpcStatus, Meaning>> = {
  UNAVAILABLE: UNREACHABLE,
  DEADLINE_EXCEEDED: UNREACHABLE,
  // A connection that broke under the call.
  INTERNAL: UNREACHABLE,
  UNKNOWN: UNREACHABLE,
  CANCELLED: UNREACHABLE,
  // Contention: other commits locked the documents.
  ABORTED: UNREACHABLE,
  RESOURCE_EXHAUSTED: EXHAUSTED,
};

/** The answer to a demand that does not hold: absent (6), present (5), a version (9, also where nothing is). */
const CONFLICTS: readonly GrpcStatus[] = ['ALREADY_EXISTS', 'NOT_FOUND', 'FAILED_PRECONDITION'];

/** The same statuses, said of the database or the project: it does not exist, or is of another kind. */
const NOT_OF_A_DOCUMENT =
  /\b(?:database|project|api)\b[^/]*\b(?:not exist|not found|not available|disabled|mode)\b/i;

const TOO_LARGE = /\bexceeds the maximum allowed size\b/;

export function meaningOf(failure: unknown): Meaning {
  if (failure instanceof DamagedDocumentError) return DAMAGED;
  return (failure instanceof FirestoreCallError && MEANINGS[failure.status]) || REFUSED;
}

/** `failures` are all attempts of one read; the last one decides. */
export function storeUnavailable(failures: readonly unknown[]): CountersignError {
  const last = failures.at(-1);
  if (last instanceof CountersignError) return last;
  const { detail, retryAfterSeconds } = meaningOf(last);
  const messages = failures.map((error) => (error instanceof Error ? error.message : String(error)));
  const cause = failures.length === 1 ? last : new AggregateError(failures, messages.join('; then '));
  return new CountersignError('store_unavailable', detail, { cause, retryAfterSeconds });
}

/** What a commit rejects with. A `FirestoreCallError` that was not sent is no interruption: nothing happened. */
export function commitFailure(failure: unknown, writes: readonly Write[], names: Names): Error {
  if (!(failure instanceof FirestoreCallError) || !failure.sent) return storeUnavailable([failure]);
  if (meaningOf(failure).passes) return new CommitInterruptedError({ cause: failure });
  if (isConflict(failure, writes)) {
    return new ConflictError(pathIn(failure.message, writes, names), { cause: failure });
  }
  if (failure.status === 'INVALID_ARGUMENT' && TOO_LARGE.test(failure.message)) {
    return new TypeError(`${DOCUMENT_TOO_LARGE}.`, { cause: failure });
  }
  return storeUnavailable([failure]);
}

function isConflict({ status, message }: FirestoreCallError, writes: readonly Write[]): boolean {
  const isOfDocument = message.includes('/documents/') || !NOT_OF_A_DOCUMENT.test(message);
  return CONFLICTS.includes(status) && writes.some(hasDemand) && isOfDocument;
}

/** The longest, because one path can begin another. */
function pathIn(message: string, writes: readonly Write[], names: Names): DocumentPath | undefined {
  const named = writes.map(({ path }) => path).filter((path) => message.includes(names.nameOf(path)));
  return named.toSorted((a, b) => b.length - a.length)[0];
}
