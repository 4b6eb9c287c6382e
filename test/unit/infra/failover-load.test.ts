/** Two minutes of load on two signers, the first of which falls ill and recovers, on virtual time. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CircuitState } from '../../../infra/kms/circuit-breaker.ts';
import type { SignerSource } from '../../../infra/kms/signing-attempt.ts';
import {
  type Answer,
  atOnce,
  build,
  CALL_MS,
  DEADLINE_MS,
  KEY_UNREADABLE,
  type Outcome,
  SHARE_MS,
  SimulatedSigner,
  SLOW,
  signOnce,
  unavailable,
} from '../../support/simulated-signer.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

type AnswerAt = (now: number) => Answer | undefined;

interface Load {
  readonly outcomes: readonly Outcome[];
  readonly states: readonly CircuitState[];
  /** The most calls that the first signer had in one half-open period. */
  readonly mostTrials: number;
}

const LOAD_MS = 120_000;
const BETWEEN_MS = 20;

/** A request every 20 ms for two minutes: up to 75 at once while the first signer is slow. */
async function load(answerAt: AnswerAt, secondAnswerAt?: AnswerAt): Promise<Load> {
  const states: CircuitState[] = [];
  let [trials, mostTrials] = [0, 0];
  const first = new SimulatedSigner('first', answerAt);
  const watched: SignerSource = {
    name: 'first',
    async signer() {
      if (states.at(-1) === 'half-open') trials += 1;
      mostTrials = Math.max(mostTrials, trials);
      return first.signer();
    },
  };
  const failover = build([watched, new SimulatedSigner('second', secondAnswerAt)], {
    onChange(name, state) {
      if (name !== 'first') return;
      trials = 0;
      states.push(state);
    },
  });
  const requests: Promise<Outcome>[] = [];
  for (let at = 0; at < LOAD_MS; at += BETWEEN_MS) {
    requests.push(signOnce(failover));
    await vi.advanceTimersByTimeAsync(BETWEEN_MS);
  }
  return { outcomes: await atOnce(Promise.all(requests)), states, mostTrials };
}

function p99({ outcomes }: Load): number {
  const sorted = outcomes.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
}

/** Between the 10th and the 70th second of the load the first signer is ill in this way. */
const during = (answer: Answer) => (now: number) => (now >= 10_000 && now < 70_000 ? answer : undefined);
const LYING: Answer = { failure: unavailable('integrity: the signature does not verify') };
const DEAD: Answer = { afterMs: 0, failure: unavailable('connection refused') };
const SILENT: Answer = { afterMs: 1_000_000_000 };

describe('under load', () => {
  it.each([
    ['killed, connections refused', DEAD],
    ['killed, packets dropped', SILENT],
    ['slow, 5 s', SLOW],
    ['lying', LYING],
    ['without its public key', KEY_UNREADABLE],
  ])(
    'a first signer that is %s: every request is signed, and it signs again when it is back',
    async (_, ill) => {
      const run = await load(during(ill));
      expect(run.outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
      expect(p99(run)).toBeLessThanOrEqual(DEADLINE_MS + CALL_MS);
      // More than was asked for: nobody waits longer than one share and one call of the second.
      expect(Math.max(...run.outcomes.map(({ latencyMs }) => latencyMs))).toBeLessThanOrEqual(
        SHARE_MS + CALL_MS,
      );

      const signers = (from: number, to: number) =>
        new Set(run.outcomes.filter((o) => o.startedAt >= from && o.startedAt < to).map((o) => o.signedBy));
      expect(signers(0, 10_000 - CALL_MS)).toEqual(new Set(['first']));
      expect(signers(12_000, 70_000)).toEqual(new Set(['second']));
      expect(signers(70_000 + 30_000 + CALL_MS, LOAD_MS)).toEqual(new Set(['first']));

      expect(run.mostTrials).toBe(1);
      expect(run.states.at(-1)).toBe('closed');
      // After it opened: trials after 1, 2, 4, 8, 16 and 30 s.
      expect(run.states.filter((state) => state === 'half-open').length).toBeLessThanOrEqual(6);
    },
  );

  it('a first signer that is dead from the start costs each trial one request, and nothing else', async () => {
    const run = await load(() => SILENT);
    expect(new Set(run.outcomes.map(({ signedBy }) => signedBy))).toEqual(new Set(['second']));
    const waited = run.outcomes.filter(({ latencyMs }) => latencyMs > CALL_MS);
    // Those that came before the third had used up its share, and then one a trial.
    const trials = run.states.filter((state) => state === 'half-open').length;
    expect(trials).toBeLessThanOrEqual(7);
    expect(waited.length).toBeLessThanOrEqual(SHARE_MS / BETWEEN_MS + 3 + trials);
    expect(run.mostTrials).toBe(1);
    expect(run.states).not.toContain('closed');
  });

  it.each([
    ['fast', DEAD],
    ['slow', SLOW],
  ])('a first signer that flaps every 3 s, %s: all are signed, by it again and again', async (_, ill) => {
    const run = await load((now) => (Math.floor(now / 3_000) % 2 === 1 ? ill : undefined));
    expect(run.outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(p99(run)).toBeLessThanOrEqual(SHARE_MS + CALL_MS);
    expect(run.mostTrials).toBe(1);
    expect(run.states.filter((state) => state === 'closed').length).toBeGreaterThan(5);
  });

  it('both signers dead for a minute: clear errors at once, and no request fails after they are back', async () => {
    const run = await load(during(DEAD), during(DEAD));
    const inTime = run.outcomes.filter(
      ({ startedAt }) => startedAt < 10_000 - CALL_MS || startedAt >= 70_000,
    );
    expect(inTime.filter(({ error }) => error !== undefined)).toEqual([]);
    const others = run.outcomes.filter(({ startedAt }) => startedAt >= 10_000 && startedAt < 70_000);
    for (const { error } of others) {
      expect(error).toMatchObject({ code: 'signing_unavailable', retryAfterSeconds: 5 });
    }
    expect(Math.max(...others.map(({ latencyMs }) => latencyMs))).toBeLessThan(CALL_MS);
  });
});
