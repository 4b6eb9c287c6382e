/**
 * Any history of calls, of verdicts in any order, and of a clock that also steps back: the circuit does what a model
 * says that looks through all that has happened, and some promises hold whatever the model says.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Circuit,
  type CircuitState,
  createCircuit,
  type Ticket,
} from '../../infra/kms/circuit-breaker.ts';

const RUNS = { numRuns: 3_000 };
const LONGEST_PAUSE_MS = 30_000;

type Verdict = 'succeeded' | 'failed' | 'abandoned';

type Step =
  | { readonly kind: 'admit' | 'insist' }
  /** Of the call with this number, modulo those under way. */
  | { readonly kind: 'verdict'; readonly of: number; readonly verdict: Verdict }
  | { readonly kind: 'time'; readonly ms: number };

const verdict = fc.record({
  kind: fc.constant('verdict' as const),
  of: fc.nat({ max: 5 }),
  verdict: fc.constantFrom<Verdict>('succeeded', 'failed', 'failed', 'failed', 'abandoned'),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'admit' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'insist' as const }) },
  { weight: 5, arbitrary: verdict },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('time' as const),
      ms: fc.oneof(
        fc.constantFrom(1, 499, 1_000, 2_000, 4_000, 30_000),
        fc.integer({ min: -5_000, max: 5_000 }),
      ),
    }),
  },
);

/** A stretch of one state. The circuit's past is the list of its periods. */
interface Period {
  readonly state: CircuitState;
  readonly pauseMs: number;
  /** When the pause began, as the clock says now. */
  since: number;
  readonly verdicts: Verdict[];
}

interface Call {
  readonly ticket: Ticket;
  readonly period: Period;
  readonly insisted: boolean;
}

/** No jitter, so that pauses are known. */
class Model {
  readonly past: Period[] = [];

  constructor() {
    this.begin('closed', 0, 0);
  }

  get period(): Period {
    return this.past.at(-1) as Period;
  }

  begin(state: CircuitState, pauseMs: number, since: number): void {
    this.past.push({ state, pauseMs, since, verdicts: [] });
  }

  isDue(now: number): boolean {
    const { period } = this;
    period.since = Math.min(period.since, now);
    return now >= period.since + period.pauseMs;
  }

  admits(now: number): boolean {
    if (this.period.state === 'open' && this.isDue(now))
      this.begin('half-open', this.period.pauseMs, this.period.since);
    else if (this.period.state !== 'closed') return false;
    return true;
  }

  judge({ period, insisted }: Call, verdict: Verdict, now: number): void {
    if (period !== this.period || (insisted && verdict !== 'succeeded')) return;
    period.verdicts.push(verdict);
    if (period.state !== 'closed') this.judgeTrial(period, verdict, now);
    else if (/failed(,abandoned)*,failed(,abandoned)*,failed$/.test(period.verdicts.join())) this.open(now);
  }

  judgeTrial(trial: Period, verdict: Verdict, now: number): void {
    if (verdict === 'succeeded') this.begin('closed', 0, 0);
    if (verdict === 'failed') this.open(now);
    if (verdict === 'abandoned') this.begin('open', trial.pauseMs, trial.since);
  }

  /** Twice the last pause, or the first one when there is none since a period that is trusted. */
  open(now: number): void {
    const trusted = this.past.findLastIndex(({ state, verdicts }) => {
      return state === 'closed' && verdicts.filter((verdict) => verdict === 'succeeded').length >= 20;
    });
    const last = this.past.slice(trusted + 1).findLast(({ pauseMs }) => pauseMs > 0)?.pauseMs ?? 500;
    this.begin('open', Math.min(last * 2, LONGEST_PAUSE_MS), now);
  }
}

/** Plays a history on both; answers the circuit, the clock and the trials under way. */
function play(steps: readonly Step[]): { circuit: Circuit; now: number; trials: Call[] } {
  const model = new Model();
  let state: CircuitState = 'closed';
  const circuit = createCircuit({
    random: () => 0,
    onChange: (next) => {
      state = next;
    },
  });
  let calls: Call[] = [];
  let now = 0;
  for (const todo of steps) {
    if (todo.kind === 'time') now += todo.ms;
    if (todo.kind === 'admit' || todo.kind === 'insist') {
      const admitted = model.admits(now);
      const ticket = todo.kind === 'admit' ? circuit.admit(now) : circuit.insist(now);
      expect(ticket !== undefined).toBe(admitted || todo.kind === 'insist');
      if (ticket !== undefined) calls.push({ ticket, period: model.period, insisted: !admitted });
    }
    const call = todo.kind === 'verdict' ? calls[todo.of % calls.length] : undefined;
    if (todo.kind === 'verdict' && call !== undefined) {
      calls = calls.filter((other) => other !== call);
      if (todo.verdict === 'failed') circuit.failed(call.ticket, now);
      else circuit[todo.verdict](call.ticket);
      model.judge(call, todo.verdict, now);
    }
    expect(state).toBe(model.period.state);
    expect(trialsIn(calls, model.period).length).toBeLessThanOrEqual(1);
  }
  return { circuit, now, trials: trialsIn(calls, model.period) };
}

function trialsIn(calls: readonly Call[], current: Period): Call[] {
  return calls.filter(({ period, insisted }) => {
    return period === current && period.state === 'half-open' && !insisted;
  });
}

test('a circuit does what the model says, with one trial at a time', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
      play(steps);
    }),
    RUNS,
  );
});

test('a signer is tried again within the longest pause, whatever came before', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), fc.nat(), (steps, setBackMs) => {
      const { circuit, now, trials } = play(steps);
      for (const { ticket } of trials) circuit.abandoned(ticket);
      circuit.msUntilTrial(now - setBackMs);
      expect(circuit.admit(now - setBackMs + LONGEST_PAUSE_MS)).toBeDefined();
    }),
    RUNS,
  );
});

test('the pause is between half of its base and its base', () => {
  const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.array(anyRandom, { minLength: 1, maxLength: 10 }), (randoms) => {
      let draws = 0;
      const circuit = createCircuit({ random: () => randoms[draws++] ?? 0 });
      for (let n = 0; n < 3; n += 1) circuit.failed(circuit.insist(0), 0);
      let now = 0;
      for (const [n] of randoms.entries()) {
        const base = Math.min(1_000 * 2 ** n, LONGEST_PAUSE_MS);
        const pauseMs = circuit.msUntilTrial(now);
        expect(pauseMs).toBeGreaterThan(base / 2 - 1e-6);
        expect(pauseMs).toBeLessThanOrEqual(base);
        now = Math.ceil(now + pauseMs);
        circuit.failed(circuit.insist(now), now);
      }
    }),
    RUNS,
  );
});
