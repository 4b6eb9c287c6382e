/**
 * The sweep: ends sessions whose lease is over, forgets expired idempotency keys, settles lowered seats. It may run
 * beside clients and beside another sweep: each end demands the version that was read, so whoever comes second does
 * nothing. Acquires do not depend on it; it keeps the ledger up to date where nobody asks for a seat.
 */
import { SWEEP_SECONDS } from '../constants.ts';
import { endReasonOf } from '../decide/license.ts';
import { CountersignError } from '../errors.ts';
import { CommitInterruptedError, ConflictError, type Snapshot, type Write } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { licenseRecord } from '../records/license.ts';
import { IDEMPOTENCY, LICENSES, licensePath, SESSIONS, sessionAddress } from '../records/paths.ts';
import { SESSION_SHARDS, sessionRecord } from '../records/session.ts';
import type { SweepReport } from '../wire/maintenance.ts';
import { endSession } from './end-session.ts';
import { forEachPage, inParallel } from './pages.ts';
import { readRecord } from './read.ts';
import type { Settings } from './settings.ts';
import { settleSeats } from './settle-seats.ts';

interface Sweep {
  readonly ports: Ports;
  readonly settings: Settings;
  /** Before this instant a lease has to have ended. */
  readonly before: number;
  readonly until: number;
  readonly report: SweepReport;
}

/** @throws CountersignError `store_unavailable` */
export async function sweep(ports: Ports, settings: Settings): Promise<SweepReport> {
  const now = ports.clock.now();
  const report: SweepReport = {
    sessions_ended: 0,
    idempotency_keys_forgotten: 0,
    licenses_looked_at: 0,
    left: 0,
    damaged: 0,
    complete: true,
  };
  const before = now - settings.clockSkewSeconds * 1000;
  const work: Sweep = { ports, settings, before, until: now + SWEEP_SECONDS * 1000, report };
  for (let shard = 0; shard < SESSION_SHARDS; shard++) await endExpired(work, shard);
  await forgetKeys(work);
  await settleLicenses(work);
  return report;
}

async function endExpired(work: Sweep, shard: number): Promise<void> {
  const { ports, before } = work;
  await walk(
    work,
    {
      group: SESSIONS,
      where: [
        ['shard', '==', shard],
        ['lease_expires_at', '<=', before],
      ],
      orderBy: [['lease_expires_at', 'asc']],
    },
    async (page) => {
      const hashes = [...new Set(page.map(({ path }) => sessionAddress(path).license))];
      const licenses = await ports.store.get(hashes.map(licensePath));
      const byHash = new Map(hashes.map((hash, index) => [hash, licenses[index]]));
      await inParallel(page, (snapshot) =>
        endOne(work, snapshot, byHash.get(sessionAddress(snapshot.path).license)),
      );
    },
  );
}

async function endOne(work: Sweep, snapshot: Snapshot, licenseSnapshot: Snapshot | undefined): Promise<void> {
  const { ports, report } = work;
  const session = readable(work, () => readRecord(sessionRecord, snapshot));
  const license = readable(work, () => readRecord(licenseRecord, licenseSnapshot));
  if (session === undefined || license === undefined) return;
  const { license: licenseHash, hardware } = sessionAddress(snapshot.path);
  const reason = endReasonOf(license.record, session.record);
  const ending = { licenseHash, hardware, license: license.record, session: session.record, reason };
  const writes = endSession({ ...ending, now: ports.clock.now() }, session.version);
  if (await commitOrLeave(work, writes)) report.sessions_ended += 1;
}

async function forgetKeys(work: Sweep): Promise<void> {
  const { before, report } = work;
  const expired = [['expires_at', '<=', before]] as const;
  const query = { collection: IDEMPOTENCY, where: expired, orderBy: [['expires_at', 'asc']] } as const;
  await walk(work, query, (page) =>
    inParallel(page, async ({ path, version }) => {
      if (await commitOrLeave(work, [{ op: 'delete', path, demand: { version } }]))
        report.idempotency_keys_forgotten += 1;
    }),
  );
}

async function settleLicenses(work: Sweep): Promise<void> {
  const { ports, settings, before, report } = work;
  const lowered = [['seats_lowered_at', '<=', before]] as const;
  const query = { collection: LICENSES, where: lowered, orderBy: [['seats_lowered_at', 'asc']] } as const;
  await walk(work, query, (page) =>
    inParallel(page, async (snapshot) => {
      const { path } = snapshot;
      report.licenses_looked_at += 1;
      if (readable(work, () => readRecord(licenseRecord, snapshot)) === undefined) return;
      await leaveInterrupted(work, () => settleSeats(ports, settings, path.slice(LICENSES.length + 1)));
    }),
  );
}

/** Page after page, while there is time. */
async function walk(
  { ports, until, report }: Sweep,
  query: Parameters<typeof forEachPage>[1],
  work: (page: readonly Snapshot[]) => Promise<void>,
): Promise<void> {
  const isDone = await forEachPage(ports.store, query, async (page) => {
    if (ports.clock.now() >= until) return false;
    await work(page);
    return true;
  });
  if (!isDone) report.complete = false;
}

function commitOrLeave(work: Sweep, writes: readonly Write[]): Promise<boolean> {
  return leaveInterrupted(work, () => work.ports.store.commit(writes));
}

/** False when somebody else was first, or the outcome is not known. */
async function leaveInterrupted({ report }: Sweep, act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (!(error instanceof ConflictError || error instanceof CommitInterruptedError)) throw error;
    report.left += 1;
    return false;
  }
}

/** One damaged record must not keep the sweep from all others. */
function readable<T>({ report }: Sweep, read: () => T | undefined): T | undefined {
  try {
    const record = read();
    if (record === undefined) report.damaged += 1;
    return record;
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    report.damaged += 1;
    return undefined;
  }
}
