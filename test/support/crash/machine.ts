/**
 * One client machine: it acquires, heartbeats and releases, sometimes forgets a session, and repeats a request that was
 * not answered until it is. It holds every answer against what the machine was told before.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { KnownSession } from './book.ts';
import type { Dice } from './dice.ts';
import { type AcquireRequest, newAcquire, sendAcquire } from './machine/acquire.ts';
import { sendHeartbeat } from './machine/heartbeat.ts';
import { type ReleaseRequest, sendRelease } from './machine/release.ts';
import type { Service } from './service.ts';
import { type CrashLicense, HASHER, SHORT_LEASE_MS } from './site.ts';

export interface Machine {
  readonly license: CrashLicense;
  readonly hardwareId: string;
  /** Its hash, as the store knows it. */
  readonly hardware: string;
  readonly dice: Dice;
  /** The session that it works with. */
  session: KnownSession | undefined;
  /** The session that it has forgotten and that nobody has released. */
  abandoned: KnownSession | undefined;
  /** The request that has to be repeated, since its outcome is not known. */
  pending: AcquireRequest | ReleaseRequest | undefined;
  /** It does nothing before this instant. */
  silentUntil: number;
}

const ABANDONED = 0.08;
const RELEASED = 0.15;
const RENEWED = 0.1;

/** How long a machine waits where there was nothing to have. */
const REST_MS = { from: 10, to: 40 };

export function createMachine(license: CrashLicense, hardwareId: string, dice: Dice): Machine {
  return {
    license,
    hardwareId,
    hardware: HASHER.hash('hardware', hardwareId),
    dice,
    session: undefined,
    abandoned: undefined,
    pending: undefined,
    silentUntil: 0,
  };
}

/** The next thing that this machine does. */
export async function act(machine: Machine, service: Service): Promise<void> {
  const { dice, session, license } = machine;
  if (machine.pending !== undefined) return repeat(machine, service);
  if (Date.now() < machine.silentUntil) return rest(machine);
  if (session === undefined) return acquire(machine, service);
  if (license.leaseMs <= SHORT_LEASE_MS && dice.chance(ABANDONED)) return abandon(machine, service);
  if (dice.chance(RELEASED)) return release(machine, service, session);
  if (dice.chance(RENEWED)) return acquire(machine, service);
  return sendHeartbeat(machine, service, session);
}

export async function acquire(machine: Machine, service: Service): Promise<void> {
  machine.pending = newAcquire(machine);
  await repeat(machine, service);
}

export async function release(machine: Machine, service: Service, session: KnownSession): Promise<void> {
  const key = machine.dice.chance(0.5) ? randomUUID() : undefined;
  machine.pending = { kind: 'release', session, idempotencyKey: key };
  await repeat(machine, service);
}

/** Repeats what has not been answered yet, and otherwise gives back what the machine still has. */
export async function settle(machine: Machine, service: Service): Promise<void> {
  while (machine.pending !== undefined && !service.isDown()) await repeat(machine, service);
  for (const session of [machine.session, machine.abandoned]) {
    if (session !== undefined) await release(machine, service, session);
  }
}

async function repeat(machine: Machine, service: Service): Promise<void> {
  const { pending } = machine;
  if (pending === undefined) return;
  const isOver =
    pending.kind === 'acquire'
      ? await sendAcquire(machine, service, pending)
      : await sendRelease(machine, service, pending);
  if (isOver) machine.pending = undefined;
  if (machine.pending !== undefined || machine.session === undefined) await rest(machine);
}

/** Its client has crashed: it says nothing until its lease is over, and a while longer. */
function abandon(machine: Machine, service: Service): void {
  service.book.counts.abandoned += 1;
  machine.abandoned = machine.session;
  machine.session = undefined;
  machine.silentUntil = Date.now() + machine.license.leaseMs + machine.dice.between(0, 1_000);
}

function rest({ dice }: Machine): Promise<void> {
  return pause(dice.between(REST_MS.from, REST_MS.to));
}
