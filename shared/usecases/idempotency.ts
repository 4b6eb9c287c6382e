/**
 * `Idempotency-Key`: a request that is sent again with its key and body gets the same answer, and another body
 * under the same key is refused. The memory is written in the commit of the effect, so neither exists alone.
 * Refusals are not remembered: they had no effect, and a retry deserves a fresh look.
 */
import { canonicalJson } from '../canonical/jcs.ts';
import type { JsonObject, JsonValue } from '../canonical/strict-json.ts';
import { IDEMPOTENCY_TTL_SECONDS } from '../constants.ts';
import { CountersignError } from '../errors.ts';
import type { Fields, Snapshot, Write } from '../ports/document-store.ts';
import type { Hasher } from '../ports/hasher.ts';
import { idempotencyRecord } from '../records/idempotency.ts';
import { idempotencyPath } from '../records/paths.ts';
import { readRecord } from './read.ts';

/** The memory of one request; `path` is read together with the request's other documents. */
export interface Memory {
  readonly path: string;
  /** The answer given before, or undefined when the request is new. Throws `idempotency_conflict`. */
  recall(snapshot: Snapshot | undefined, now: number): Fields | undefined;
  /** The write that remembers the answer. Its demand makes two requests at once a conflict. */
  remember(answer: Fields, snapshot: Snapshot | undefined, now: number): Write;
}

/** What identifies a request: its key, whose it is, what it does and its body. */
export interface IdempotentRequest {
  readonly idempotencyKey: string | undefined;
  /** The hash of a licence, or who calls. */
  readonly owner: string;
  readonly operation: string;
  readonly body: JsonObject;
}

/** Undefined when the request carries no key. */
export function memoryOf(hasher: Hasher, request: IdempotentRequest): Memory | undefined {
  if (request.idempotencyKey === undefined) return undefined;
  const scope: JsonValue = [request.owner, request.operation, request.idempotencyKey];
  const path = idempotencyPath(hasher.hash('idempotency', canonicalJson(scope)));
  const requestHash = hasher.hash('request', canonicalJson(request.body));
  return {
    path,
    recall: (snapshot, now) => recall(snapshot, requestHash, now),
    remember: (answer, snapshot, now) => ({
      op: 'set',
      path,
      fields: { request_hash: requestHash, answer, expires_at: now + IDEMPOTENCY_TTL_SECONDS * 1000 },
      demand: snapshot === undefined ? 'absent' : { version: snapshot.version },
    }),
  };
}

function recall(snapshot: Snapshot | undefined, requestHash: string, now: number): Fields | undefined {
  const memory = readRecord(idempotencyRecord, snapshot)?.record;
  if (memory === undefined || now >= memory.expires_at) return undefined;
  if (memory.request_hash === requestHash) return memory.answer as Fields;
  throw new CountersignError(
    'idempotency_conflict',
    'This Idempotency-Key was used with another body. Use a new key for a new request.',
  );
}
