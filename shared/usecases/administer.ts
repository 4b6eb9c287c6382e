/**
 * A change that an operator makes: decided on fresh reads, committed together with its audit event and, where the request
 * carries an `Idempotency-Key`, with the memory of its answer.
 */
import type { Caller } from '../access/caller.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import { LOST_TURN_PAUSE_MS, MAX_TURN_WAIT_MS } from '../constants.ts';
import type { Fields, Write } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { type Act, beginRecording } from './audit-chain.ts';
import { memoryOf } from './idempotency.ts';
import { inTurn } from './in-turn.ts';
import { retryCommits } from './retry.ts';

export interface AdminRequest {
  readonly caller: Caller;
  /** What the request does, so that one key is not taken for another request's. */
  readonly operation: string;
  readonly idempotencyKey: string | undefined;
  /** The body as it was sent, and what else tells one request from another. */
  readonly body: JsonObject;
}

/**
 * What a decision comes to. Without writes nothing changes, and nothing is recorded; the answer is remembered all the same:
 * repeated after somebody else's change, the request would undo that.
 */
export interface Change<Answer> {
  readonly answer: Answer;
  readonly writes: readonly Write[];
  readonly act: Act;
}

type Administering = Pick<Ports, 'store' | 'clock' | 'random' | 'hasher'>;

/**
 * Carries out what `decide` answers; it is asked again after a lost race.
 * @throws CountersignError `idempotency_conflict`, `store_unavailable`, and what `decide` throws
 */
export async function administer<Answer extends Fields>(
  ports: Administering,
  { caller, operation, idempotencyKey, body }: AdminRequest,
  decide: (now: number) => Promise<Change<Answer>>,
): Promise<{ readonly answer: Answer; readonly replayed: boolean }> {
  const recording = beginRecording(ports, caller);
  const memory = memoryOf(ports.hasher, { idempotencyKey, owner: caller.actor, operation, body });
  let committing: Answer | undefined;
  const attempt = async (number: number) => {
    // Of two processes in step with each other, one would lose every time.
    if (number > 0) await ports.clock.pause(((ports.random.bytes(1)[0] ?? 0) / 256) * LOST_TURN_PAUSE_MS);
    const audit = recording.paths();
    const found = await ports.store.get([...audit, ...(memory === undefined ? [] : [memory.path])]);
    const chain = found.slice(0, audit.length);
    if (committing !== undefined && recording.hasHappened(chain))
      return { answer: committing, replayed: false };
    const now = ports.clock.now();
    const remembered = memory?.recall(found[audit.length], now);
    if (remembered !== undefined) return { answer: remembered as Answer, replayed: true };
    const { answer, writes, act } = await decide(now);
    const remember = memory === undefined ? [] : [memory.remember(answer, found[audit.length], now)];
    if (writes.length > 0) {
      const events = await recording.writes(act, chain);
      committing = answer;
      await ports.store.commit([...writes, ...events, ...remember]);
    } else if (remember.length > 0) await ports.store.commit(remember);
    return { answer, replayed: false };
  };
  // All of them compete for the end of the chain, and whoever has just won would win again.
  return inTurn(ports.clock, ports.store, MAX_TURN_WAIT_MS, () => retryCommits(ports, attempt));
}
