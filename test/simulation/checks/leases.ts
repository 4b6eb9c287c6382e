/**
 * I1 and I8, counted from what clients were told: a lease is live from the answer that told it to its end, in true
 * time, unless its machine lets go of it, is told of a newer session, or the licence is revoked.
 */
import { type LicensePast, mostSeats, type SessionLife } from '../history.ts';
import type { Stage } from '../stage.ts';

export interface ToldLease {
  readonly life: SessionLife;
  /** The latest end that was told. */
  readonly end: number;
  /** When its machine was first told of this session. */
  readonly firstToldAt: number;
  /** When the request arrived whose answer told `end`. */
  readonly askedAt: number;
}

export interface LeaseChecks {
  /** An answer that says `end` has reached its machine; its request arrived at `askedAt`. */
  told(life: SessionLife, end: number, askedAt: number): void;
  /** The machine asks for the session's release: from now on it does not rely on it. */
  letGo(life: SessionLife): void;
  /** An instance answers an acquire with this session. */
  granted(life: SessionLife): void;
  afterStep(): void;
}

export function createLeaseChecks(stage: Stage): LeaseChecks {
  const { history, judge, names, scheduler } = stage;
  /** By licence, then by machine. */
  const live = new Map<string, Map<string, ToldLease>>();
  const released = new Set<string>();
  /** When a licence has to be counted again. */
  const due = new Map<string, number>();

  function leasesOf(license: string): Map<string, ToldLease> {
    const leases = live.get(license) ?? new Map<string, ToldLease>();
    live.set(license, leases);
    return leases;
  }

  function count(license: string): void {
    const past = history.licenses.get(license) as LicensePast;
    const leases = leasesOf(license);
    const now = scheduler.now();
    let oldestAskedAt = now;
    let nextEnd = Number.POSITIVE_INFINITY;
    for (const [machine, { end, askedAt }] of leases) {
      if (end <= now) leases.delete(machine);
      else {
        oldestAskedAt = Math.min(oldestAskedAt, askedAt);
        nextEnd = Math.min(nextEnd, end);
      }
    }
    due.set(license, nextEnd);
    const seats = mostSeats(past, oldestAskedAt, now);
    if (leases.size <= seats) return;
    const holders = [...leases.values()].map(
      ({ life, end }) => `${life.name} of ${names.get(life.hardware)} to ${end}`,
    );
    const license_ = names.get(license);
    judge.fail('I1', `${leases.size} live leases on ${license_}, ${seats} seats: ${holders.join(', ')}`, {
      license: license_,
    });
  }

  const isRevoked = (license: string) =>
    history.licenses.get(license)?.states.at(-1)?.record.status === 'revoked';

  return {
    told(life, end, askedAt) {
      const { license, hardware, generation } = life;
      if (released.has(generation) || end <= scheduler.now() || isRevoked(license)) return;
      const leases = leasesOf(license);
      const known = leases.get(hardware);
      const isNewer = known === undefined || known.life.createdAt < life.createdAt;
      if (known?.life === life) {
        if (end > known.end) leases.set(hardware, { ...known, end, askedAt });
      } else if (isNewer) leases.set(hardware, { life, end, askedAt, firstToldAt: scheduler.now() });
      due.set(license, 0);
    },
    letGo(life) {
      released.add(life.generation);
      const leases = leasesOf(life.license);
      if (leases.get(life.hardware)?.life === life) leases.delete(life.hardware);
    },
    granted(life) {
      const { license, hardware } = life;
      const { arrivedAt } = life.createdBy;
      const now = scheduler.now();
      const others = [...leasesOf(license).values()].filter(
        (lease) => lease.life.hardware !== hardware && lease.end > now && lease.firstToldAt < arrivedAt,
      );
      const seats = mostSeats(history.licenses.get(license) as LicensePast, arrivedAt, now);
      if (isRevoked(license) || others.length + 1 <= seats) return;
      judge.fail(
        'I8',
        `${life.name} was granted beside ${others.length} live leases that were told before it was asked for, with ${seats} seats`,
        { license: names.get(license) },
      );
    },
    afterStep() {
      const now = scheduler.now();
      for (const [license, at] of due) {
        if (at > now) continue;
        if (isRevoked(license)) leasesOf(license).clear();
        count(license);
      }
    },
  };
}
