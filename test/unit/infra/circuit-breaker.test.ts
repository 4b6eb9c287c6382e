/** When a circuit opens, whom it lets through, and when it closes: scripts of calls, without jitter. */
import { describe, expect, it } from 'vitest';
import {
  type Circuit,
  type CircuitState,
  createCircuit,
  type Ticket,
} from '../../../infra/kms/circuit-breaker.ts';

const NO_JITTER = () => 0;
const MOST_JITTER = () => 1 - Number.EPSILON;

function circuitWithStates(random = NO_JITTER): { circuit: Circuit; states: CircuitState[] } {
  const states: CircuitState[] = [];
  return { circuit: createCircuit({ random, onChange: (state) => states.push(state) }), states };
}

/** The ticket of a call that must be admitted. */
function admitted(circuit: Circuit, now: number): Ticket {
  const ticket = circuit.admit(now);
  if (ticket === undefined) throw new Error(`The circuit admits nobody at ${now} ms.`);
  return ticket;
}

function fail(circuit: Circuit, now: number, times = 1): void {
  for (let n = 0; n < times; n += 1) circuit.failed(admitted(circuit, now), now);
}

function succeed(circuit: Circuit, now: number, times = 1): void {
  for (let n = 0; n < times; n += 1) circuit.succeeded(admitted(circuit, now));
}

/** Each letter is a call at 0 ms: it succeeds, fails, or is abandoned. */
const RUNS: readonly [calls: string, opens: boolean][] = [
  ['', false],
  ['ff', false],
  ['fff', true],
  ['ffsff', false],
  ['ffsfff', true],
  ['fafaf', true],
  ['fsfsfsfsfsf', false],
  ['aaaaaa', false],
];

describe('a closed circuit', () => {
  it.each(RUNS)('after %j: open is %s', (calls, opens) => {
    const { circuit } = circuitWithStates();
    for (const call of calls) {
      if (call === 's') succeed(circuit, 0);
      if (call === 'f') fail(circuit, 0);
      if (call === 'a') circuit.abandoned(admitted(circuit, 0));
    }
    expect(circuit.admit(0) === undefined).toBe(opens);
  });

  it('allocates no ticket for a call', () => {
    const { circuit } = circuitWithStates();
    expect(circuit.admit(0)).toBe(circuit.admit(1));
  });

  it('ignores what calls that began before it last opened tell later', () => {
    const { circuit, states } = circuitWithStates();
    const early = admitted(circuit, 0);
    fail(circuit, 0, 3);
    circuit.succeeded(early);
    expect(states).toEqual(['open']);
    succeed(circuit, 1_000);
    for (let n = 0; n < 5; n += 1) circuit.failed(early, 1_001);
    expect(states).toEqual(['open', 'half-open', 'closed']);
  });
});

describe('an open circuit', () => {
  it('lets exactly one trial through after the pause', () => {
    const { circuit } = circuitWithStates();
    fail(circuit, 0, 3);
    expect(circuit.admit(999)).toBeUndefined();
    const trial = admitted(circuit, 1_000);
    expect(circuit.admit(1_000)).toBeUndefined();
    expect(circuit.admit(100_000)).toBeUndefined();
    circuit.succeeded(trial);
    expect(circuit.admit(100_000)).toBe(circuit.admit(100_000));
  });

  it('pauses twice as long after each failed trial, 30 s at most', () => {
    const { circuit } = circuitWithStates();
    fail(circuit, 0, 3);
    let now = 0;
    const pauses: number[] = [];
    for (let n = 0; n < 8; n += 1) {
      pauses.push(circuit.msUntilTrial(now));
      now += circuit.msUntilTrial(now);
      fail(circuit, now);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('takes up to half off the pause', () => {
    const { circuit } = circuitWithStates(MOST_JITTER);
    fail(circuit, 0, 3);
    expect(circuit.msUntilTrial(0)).toBeCloseTo(500);
  });

  it('gives the trial to the next call when one is abandoned', () => {
    const { circuit, states } = circuitWithStates();
    fail(circuit, 0, 3);
    circuit.abandoned(admitted(circuit, 1_000));
    succeed(circuit, 1_000);
    expect(states).toEqual(['open', 'half-open', 'open', 'half-open', 'closed']);
  });

  it.each([-1, -1_000, -86_400_000])(
    'waits one more pause at most when the clock is set back to %i ms',
    (set) => {
      const { circuit } = circuitWithStates();
      fail(circuit, 0, 3);
      expect(circuit.admit(set)).toBeUndefined();
      expect(circuit.admit(set + 999)).toBeUndefined();
      admitted(circuit, set + 1_000);
    },
  );

  it('keeps the pause of a signer that flaps, until 20 successes', () => {
    const { circuit } = circuitWithStates();
    fail(circuit, 0, 3);
    succeed(circuit, 1_000, 20);
    fail(circuit, 1_000, 3);
    expect(circuit.msUntilTrial(1_000)).toBe(2_000);
    succeed(circuit, 3_000, 21);
    fail(circuit, 3_000, 3);
    expect(circuit.msUntilTrial(3_000)).toBe(1_000);
  });
});

describe('a call that has nowhere else to go', () => {
  it('closes the circuit with its success', () => {
    const { circuit, states } = circuitWithStates();
    fail(circuit, 0, 3);
    circuit.succeeded(circuit.insist(1));
    expect(states).toEqual(['open', 'closed']);
  });

  it('does not lengthen the pause with its failure, nor end a trial that is under way', () => {
    const { circuit, states } = circuitWithStates();
    fail(circuit, 0, 3);
    circuit.failed(circuit.insist(1), 500);
    expect(circuit.msUntilTrial(500)).toBe(500);
    admitted(circuit, 1_000);
    const insisting = circuit.insist(1_000);
    circuit.failed(insisting, 1_001);
    circuit.abandoned(insisting);
    expect(states).toEqual(['open', 'half-open']);
  });

  it('is the trial when one is due', () => {
    const { circuit, states } = circuitWithStates();
    fail(circuit, 0, 3);
    circuit.failed(circuit.insist(1_000), 1_000);
    expect(states).toEqual(['open', 'half-open', 'open']);
    expect(circuit.msUntilTrial(1_000)).toBe(2_000);
  });
});
