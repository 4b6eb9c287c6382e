/**
 * Signing with the first of several signers that can.
 *
 *   const failover = withFailover([google, aws], { clock });
 *   const { signature, signer } = await failover.sign((signer) => signedBytes(payload, signer));
 *
 * Another signer signs other bytes, because a document names its key: so the message is made for each signer that
 * is asked, and the answer says which one signed.
 *
 * They are asked one after another, in the order of the list, each only while its circuit admits it. Two at once would
 * cost a second signature for every request that is a little slow, and KMS quotas and bills count signatures.
 * A circuit redirects and never refuses: signers that were passed over are asked at last when the others failed. With
 * a single signer a circuit therefore changes nothing.
 */
import { CountersignError } from '../../shared/errors.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import { type Circuit, type CircuitState, createCircuit, type Ticket } from './circuit-breaker.ts';
import {
  type MakeMessage,
  type Signed,
  type SignerSource,
  signWithin,
  TimeoutFailure,
} from './signing-attempt.ts';

/** For all signers together: a silent first one has used up its share, and the second still has time to retry. */
const DEFAULT_DEADLINE_MS = 4_000;

/** For each signer but the last: an HSM's signature takes hundreds of milliseconds, two retries about 400 more. */
const DEFAULT_SHARE_MS = 1_500;

export interface FailoverOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Milliseconds for all sources together; default 4,000. */
  readonly deadlineMs?: number;
  /** Milliseconds after which the next source is asked; default 1,500. The last one has all that is left. */
  readonly shareMs?: number;
  /**
   * Whether a failure comes from this message, one that is too long, say: then it does not count against the signer,
   * and another one may still sign it. Default: no failure does.
   */
  readonly isMessagesFault?: (failure: CountersignError) => boolean;
  /** Told after each change of a circuit; of one that is open also the failure that came last. */
  readonly onChange?: (name: string, state: CircuitState, failure?: CountersignError) => void;
  /** From 0 to below 1; default `Math.random`. */
  readonly random?: () => number;
}

export interface Failover {
  /**
   * @throws CountersignError `signing_unavailable` when no source signs in time: the last failure, with all of them as
   * its cause and the shortest of their `retryAfterSeconds`. Whatever else is thrown, by `makeMessage` say, comes
   * through at once and counts against nobody.
   */
  sign(makeMessage: MakeMessage): Promise<Signed>;
}

interface Candidate {
  readonly source: SignerSource;
  readonly circuit: Circuit;
  lastFailure?: CountersignError;
}

/** What one call of `sign` carries from source to source. */
interface Round {
  readonly makeMessage: MakeMessage;
  readonly failures: CountersignError[];
  leftMs: number;
}

/** @throws Error with a sentence for the operator when there is no source, or no time for one. */
export function withFailover(sources: readonly SignerSource[], options: FailoverOptions): Failover {
  const { clock, onChange, random } = options;
  const { deadlineMs = DEFAULT_DEADLINE_MS, shareMs = DEFAULT_SHARE_MS } = options;
  if (sources.length === 0) throw new Error('There is no signer to choose from; configure one.');
  if (!(deadlineMs > 0 && shareMs > 0)) throw new Error('Signing needs time; deadlines must be above 0 ms.');
  const candidates = sources.map((source): Candidate => {
    const announce = (state: CircuitState) =>
      onChange?.(source.name, state, state === 'open' ? candidate.lastFailure : undefined);
    const candidate: Candidate = { source, circuit: createCircuit({ random, onChange: announce }) };
    return candidate;
  });

  /** Each is asked that gets a ticket, until one signs or the time is up. */
  async function askInOrder(
    list: readonly Candidate[],
    ticketOf: (candidate: Candidate) => Ticket | undefined,
    round: Round,
  ): Promise<Signed | undefined> {
    const last = list.at(-1);
    for (const candidate of list) {
      const ticket = round.leftMs > 0 ? ticketOf(candidate) : undefined;
      if (ticket === undefined) continue;
      const limitMs = candidate === last ? round.leftMs : Math.min(shareMs, round.leftMs);
      const signed = await ask(candidate, ticket, limitMs, round, options);
      if (signed !== undefined) return signed;
    }
    return undefined;
  }

  return {
    async sign(makeMessage) {
      const round: Round = { makeMessage, failures: [], leftMs: deadlineMs };
      const passedOver: Candidate[] = [];
      const admitted = (candidate: Candidate) => {
        const ticket = candidate.circuit.admit(clock.now());
        if (ticket === undefined) passedOver.push(candidate);
        return ticket;
      };
      const insisted = ({ circuit }: Candidate) => circuit.insist(clock.now());
      const signed =
        (await askInOrder(candidates, admitted, round)) ??
        (await askInOrder(soonestFirst(passedOver, clock.now()), insisted, round));
      if (signed === undefined) throw allFailed(round.failures);
      return signed;
    },
  };
}

/** Asks one source and tells its circuit the verdict; undefined when it failed. */
async function ask(
  candidate: Candidate,
  ticket: Ticket,
  limitMs: number,
  round: Round,
  { clock, isMessagesFault }: FailoverOptions,
): Promise<Signed | undefined> {
  const { source, circuit } = candidate;
  const startedAt = clock.now();
  try {
    const signed = await signWithin(limitMs, source, round.makeMessage);
    circuit.succeeded(ticket);
    return signed;
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined || isMessagesFault?.(failure)) circuit.abandoned(ticket);
    else {
      candidate.lastFailure = failure;
      circuit.failed(ticket, clock.now());
    }
    if (failure === undefined) throw error;
    round.failures.push(failure);
    round.leftMs -= failure instanceof TimeoutFailure ? limitMs : between(startedAt, clock.now(), limitMs);
    return undefined;
  }
}

/** What an attempt took: at most what it had, whatever steps the clock made. */
function between(startedAt: number, endedAt: number, limitMs: number): number {
  return Math.min(Math.max(0, endedAt - startedAt), limitMs);
}

/** The one whose trial is due first has failed the least, or the longest ago. */
function soonestFirst(candidates: readonly Candidate[], now: number): Candidate[] {
  return candidates.toSorted((a, b) => a.circuit.msUntilTrial(now) - b.circuit.msUntilTrial(now));
}

function failureOf(error: unknown): CountersignError | undefined {
  return error instanceof CountersignError && error.code === 'signing_unavailable' ? error : undefined;
}

function allFailed(failures: readonly CountersignError[]): CountersignError {
  // There is a source and time to ask it, so there is a failure.
  const last = failures.at(-1) as CountersignError;
  if (failures.length === 1) return last;
  const delays = failures.flatMap(({ retryAfterSeconds }) => retryAfterSeconds ?? []);
  return new CountersignError(last.code, last.message, {
    cause: new AggregateError(failures, failures.map(sentenceOf).join('; then ')),
    ...(delays.length > 0 && { retryAfterSeconds: Math.min(...delays) }),
  });
}

function sentenceOf({ message, cause }: CountersignError): string {
  return cause instanceof Error ? cause.message : message;
}
