/**
 * A change that an operator makes: decided on fresh reads, committed together with its audit event and, where the request
 * carries an `Idempotency-Key`, with the memory of its answer.
 */
import type { Caller } from '../access/caller.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import { LOST_TURN_PAUSE_MS, MAX_REQUEST_SECONDS, MAX_TURN_WAIT_MS } from '../constants.ts';
import type { Fields, Snapshot, Write } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { type Act, beginRecording } from './audit-chain.ts';
import { memoryOf } from './idempotency.ts';
import { inTurn } from './in-turn.ts';
import { retryCommits, unavailable } from './retry.ts';

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
  /** Several are events that follow each other. */
  readonly act: Act | readonly Act[];
}

/** `now` is when the request was first decided, in milliseconds since the epoch. */
export type DecideChange<Answer> = (now: number) => Promise<Change<Answer>>;

export interface Administered<Answer> {
  readonly answer: Answer;
  readonly replayed: boolean;
}

type Administering = Pick<Ports, 'store' | 'clock' | 'random' | 'hasher'>;

/**
 * Carries out what `decide` answers; it is asked again after a lost race.
 * @throws CountersignError `idempotency_conflict`, `store_unavailable`, and what `decide` throws
 */
export function administer<Answer extends Fields>(
  ports: Administering,
  request: AdminRequest,
  decide: DecideChange<Answer>,
): Promise<Administered<Answer>> {
  return takeTurn(ports, attemptsAt(ports, request, decide));
}

/** All of them compete for the end of the chain, and whoever has just won would win again. */
export function takeTurn<T>(ports: Administering, attempt: (number: number) => Promise<T>): Promise<T> {
  return inTurn(ports.clock, ports.store, MAX_TURN_WAIT_MS, () => retryCommits(ports, attempt));
}

/** One request: whatever becomes of an attempt, the next one knows of it. */
export function attemptsAt<Answer extends Fields>(
  ports: Administering,
  { caller, operation, idempotencyKey, body }: AdminRequest,
  decide: DecideChange<Answer>,
): (number: number) => Promise<Administered<Answer>> {
  const { store, clock } = ports;
  const recording = beginRecording(ports, caller);
  const memory = memoryOf(ports.hasher, { idempotencyKey, owner: caller.actor, operation, body });
  const remembering = memory === undefined ? [] : [memory.path];
  let committing: Answer | undefined;
  let begunAt: number | undefined;

  const committed = (chain: readonly (Snapshot | undefined)[]) =>
    committing !== undefined && recording.hasHappened(chain)
      ? { answer: committing, replayed: false }
      : undefined;

  /** What is in the way of a decision may be the request's own commit, which was not confirmed and comes only now. */
  async function committedMeanwhile(refusal: unknown): Promise<Administered<Answer>> {
    const late = committing && committed(await store.get(recording.paths()));
    if (late === undefined) throw refusal;
    return late;
  }

  return async (number) => {
    if (number > 0) await pauseAfterLoss(ports);
    const audit = recording.paths();
    const found = await store.get([...audit, ...remembering]);
    const [chain, memorized] = [found.slice(0, audit.length), found[audit.length]];
    const before = committed(chain);
    if (before !== undefined) return before;
    const now = clock.now();
    const remembered = memory?.recall(memorized, now);
    if (remembered !== undefined) return { answer: remembered as Answer, replayed: true };
    // A duration ends at the same instant in every attempt, so what was signed for one of them serves the next.
    begunAt ??= now;
    if (now >= begunAt + MAX_REQUEST_SECONDS * 1000)
      throw unavailable('The change took too long. Try again.');
    const decided = await decide(begunAt).catch(committedMeanwhile);
    if ('replayed' in decided) return decided;
    const { answer, writes, act } = decided;
    const remember = memory === undefined ? [] : [memory.remember(answer, memorized, now)];
    if (writes.length > 0) {
      const events = await recording.writes(act, chain);
      committing = answer;
      await store.commit([...writes, ...events, ...remember]);
    } else if (remember.length > 0) await store.commit(remember);
    return { answer, replayed: false };
  };
}

/** Of two processes in step with each other, one would lose every time. */
async function pauseAfterLoss({ clock, random }: Administering): Promise<void> {
  await clock.pause(((random.bytes(1)[0] ?? 0) / 256) * LOST_TURN_PAUSE_MS);
}
