/**
 * What a world is like, drawn from its seed. Each world leaves some things out and overdoes others (swarm testing:
 * Groce et al., ISSTA 2012), because faults that every world has hide what only a rare mix shows.
 */
import type { ExpiryStrategy } from '../../shared/expiry-strategies.ts';
import type { Prng } from './random.ts';

export interface LicenseConfiguration {
  readonly seats: number | null;
  readonly leaseSeconds: number;
  readonly heartbeatSeconds: number;
  readonly borrowMaxSeconds: number;
  readonly strictOnline: boolean;
  readonly graceSeconds: number;
  readonly expiresAt: number | null;
  readonly expiryStrategy: ExpiryStrategy;
  /** Its machines mostly come in time: a session that goes on after the end is one that never lapsed. */
  readonly attentive: boolean;
  /** The licence is bound to about half of the machines. */
  readonly bound: boolean;
}

const FAULTS = [
  'readUnavailable',
  'readSlow',
  'commitAborted',
  'commitUnavailableBefore',
  'commitUnavailableAfter',
  'commitNeverArrived',
  'commitAppliedLate',
  'commitAppliedTwice',
  'commitRefused',
  'commitSlow',
  'kmsUnavailable',
  'kmsSlow',
  'kmsKeyUnreadable',
  'requestLost',
  'answerLost',
  'crash',
] as const;

export type Fault = (typeof FAULTS)[number];

export const FAULT_KINDS: readonly Fault[] = FAULTS;

/** Probability of each fault whenever it could happen. */
export type FaultRates = Readonly<Record<Fault, number>>;

/** How often clients and operators do what. */
export interface Mix {
  readonly heartbeat: number;
  readonly acquire: number;
  readonly release: number;
  readonly forget: number;
  readonly borrow: number;
  readonly stale: number;
  readonly twoAtOnce: number;
}

export type OperatorAction =
  | 'suspend'
  | 'reinstate'
  | 'revoke'
  | 'changeSeats'
  | 'changeStrategy'
  | 'sweep'
  | 'twoSweeps';

export interface WorldConfiguration {
  readonly startAt: number;
  /** Steps until faults stop and the world winds down. */
  readonly activeSteps: number;
  readonly licenses: readonly LicenseConfiguration[];
  readonly machines: number;
  readonly instances: number;
  readonly clockSkewSeconds: number;
  /** Clocks jump now and then, within their bound. */
  readonly clocksJump: boolean;
  /** Longest usual way of a message, in one direction. */
  readonly latencyMs: number;
  readonly storeDeadlineMs: number;
  readonly faults: FaultRates;
  readonly mix: Mix;
  readonly operators: Readonly<Record<OperatorAction, number>>;
  /** Mean pause between two actions of the operators. */
  readonly operatorPauseMs: number;
}

export function drawConfiguration(random: Prng): WorldConfiguration {
  const monthEnd = Date.UTC(2026, random.between(1, 36), 1);
  const tempoSeconds = random.pick([5, 20, 60, 60, 360, 3600]);
  const startAt = monthEnd - Math.floor(random.fraction() * tempoSeconds * 20_000);
  const machines = random.between(2, 20);
  return {
    startAt,
    activeSteps: random.between(1500, 5000),
    licenses: Array.from({ length: random.pick([1, 1, 2, 3]) }, () =>
      drawLicense(random, startAt, tempoSeconds, machines),
    ),
    machines,
    instances: random.between(1, 4),
    clockSkewSeconds: random.pick([2, 10, 30, 60]),
    clocksJump: random.chance(0.3),
    latencyMs: random.pick([2, 10, 50, 200]),
    storeDeadlineMs: random.pick([1000, 3000, 5000]),
    faults: drawFaults(random),
    mix: drawMix(random),
    operators: drawOperators(random),
    operatorPauseMs: tempoSeconds * random.pick([200, 1000, 5000]),
  };
}

function drawLicense(
  random: Prng,
  startAt: number,
  tempoSeconds: number,
  machines: number,
): LicenseConfiguration {
  const leaseSeconds = Math.max(2, Math.round(tempoSeconds * (0.5 + random.fraction())));
  const canBorrow = random.chance(0.5);
  const ends = random.chance(0.5);
  const expiryStrategy = random.weighted({ restrict: 2, maintain: 4, allow: 2 });
  return {
    seats: drawSeats(random, machines),
    leaseSeconds,
    heartbeatSeconds: Math.max(1, Math.floor(leaseSeconds * random.pick([0.3, 0.8]))),
    borrowMaxSeconds: canBorrow ? leaseSeconds * random.between(2, 12) : 0,
    strictOnline: random.chance(0.3),
    graceSeconds: random.pick([0, 60, 86_400]),
    expiresAt: ends ? startAt + leaseSeconds * 1000 * random.between(1, 12) : null,
    expiryStrategy,
    attentive: random.chance(ends && expiryStrategy === 'maintain' ? 0.8 : 0.1),
    bound: random.chance(0.1),
  };
}

function drawSeats(random: Prng, machines: number): number | null {
  const size = random.weighted({ scarce: 6, ample: 2, many: 1, unlimited: 1 });
  if (size === 'unlimited') return null;
  if (size === 'many') return random.between(60, 100);
  return size === 'ample' ? random.between(1, 8) : random.between(1, Math.max(1, machines >> 1));
}

/** From none to heavy; in a faulty world each kind is left out half of the time. */
function drawFaults(random: Prng): FaultRates {
  const level = random.pick([0, 0.01, 0.04, 0.15]);
  const rates = FAULTS.map((fault) => {
    const share = fault === 'crash' ? 0.2 : 1;
    return [fault, random.chance(0.5) ? level * share * random.fraction() : 0];
  });
  return Object.fromEntries(rates) as FaultRates;
}

function drawMix(random: Prng): Mix {
  const some = (most: number) => (random.chance(0.6) ? most * random.fraction() : 0);
  return {
    heartbeat: 1 + 5 * random.fraction(),
    acquire: 0.2 + some(1),
    release: some(1.5),
    forget: some(1),
    borrow: some(0.5),
    stale: some(0.6),
    twoAtOnce: some(0.3),
  };
}

function drawOperators(random: Prng): Record<OperatorAction, number> {
  const some = (weight: number) => (random.chance(0.5) ? weight : 0);
  return {
    suspend: some(1),
    reinstate: 1,
    revoke: random.chance(0.35) ? 0.2 : 0,
    changeSeats: some(3),
    changeStrategy: some(3),
    sweep: some(3),
    twoSweeps: some(1),
  };
}
