/** The checks between a restart and the next load, when nothing else happens: in the store, and over HTTP. */
import { sessionKey } from './book.ts';
import { ledgerProblems } from './checks/ledger.ts';
import { oversoldProblems } from './checks/oversold.ts';
import { promiseProblems } from './checks/promises.ts';
import { strangerProblems } from './checks/strangers.ts';
import { structureProblems } from './checks/structure.ts';
import type { Dice } from './dice.ts';
import { sendHeartbeat } from './machine/heartbeat.ts';
import { acquire, createMachine, type Machine, release, settle } from './machine.ts';
import type { Service } from './service.ts';
import type { Site } from './site.ts';
import { readStored, type Stored, type StoredLicense } from './stored.ts';

/** Everything that must hold of what is stored, and everything that went wrong on the way. */
export async function inspectStore(
  site: Site,
  { book }: Service,
): Promise<{ stored: Stored; problems: string[] }> {
  const stored = await readStored(site.storePath, site.licenses);
  const problems = [
    ...book.violations,
    ...structureProblems(stored),
    ...promiseProblems(stored, book),
    ...strangerProblems(stored, book),
    ...ledgerProblems(stored, book),
    ...oversoldProblems(book, site.licenses),
  ];
  return { stored, problems };
}

/**
 * Notes which requests without an answer have started a session: repeating them must find it. A key is remembered with
 * the first session that it has started.
 */
export function noteCommitted({ licenses }: Stored, machines: readonly Machine[], { book }: Service): void {
  for (const { license, hardware, pending } of machines) {
    const stored = licenses.find((row) => row.license === license)?.sessions.get(hardware);
    if (pending?.kind !== 'acquire' || stored === undefined) continue;
    const { generation, lease_expires_at: leaseEndsAt } = stored;
    if (book.sessions.has(sessionKey(license.hash, hardware, generation))) continue;
    if (pending.committed === undefined) book.counts.foundCommitted += 1;
    else if (pending.idempotencyKey !== undefined) continue;
    pending.committed = { generation, leaseEndsAt };
  }
}

/** Every session whose lease its client may still rely on answers its heartbeat. */
export async function heartbeatAll(machines: readonly Machine[], service: Service): Promise<void> {
  await Promise.all(
    machines.map(async (machine) => {
      const { session } = machine;
      if (session === undefined || Date.now() >= session.leaseEndsAt) return;
      await sendHeartbeat(machine, service, session);
      if (machine.session === undefined) service.book.violations.push('heartbeat: a live session is gone');
    }),
  );
}

export function createProbes(site: Site, dice: Dice): Machine[] {
  return site.licenses.map((license, row) => createMachine(license, `probe-${row}`, dice));
}

/** A seat that the store has as free is there to be had. */
export async function probeFreeSeats(
  stored: Stored,
  probes: readonly Machine[],
  service: Service,
): Promise<void> {
  await Promise.all(
    probes.map(async (probe) => {
      await acquire(probe, service);
      const { session } = probe;
      const row = stored.licenses.find(({ license }) => license === probe.license);
      if (session !== undefined) await release(probe, service, session);
      else if (row !== undefined && hasFreeSeat(row))
        service.book.violations.push('acquire: refused, and the store has a free seat');
    }),
  );
}

function hasFreeSeat({ license, seats }: StoredLicense): boolean {
  return license.seats === null || seats.size < license.seats;
}

/** Every machine gives back what it has; then nothing may be left but the ledger. */
export async function settleAll(site: Site, machines: readonly Machine[], service: Service): Promise<Stored> {
  await Promise.all(machines.map((machine) => settle(machine, service)));
  const { stored, problems } = await inspectStore(site, service);
  service.book.violations.splice(0, Number.POSITIVE_INFINITY, ...problems);
  for (const { license, sessions, seats } of stored.licenses)
    if (sessions.size + seats.size > 0)
      service.book.violations.push(
        `${sessions.size} sessions and ${seats.size} of ${license.seats} seats are left`,
      );
  return stored;
}
