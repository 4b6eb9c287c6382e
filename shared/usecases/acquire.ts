/**
 * Acquire (or borrow) a seat: read the licence and this machine's session, decide, commit, have the KMS sign.
 *
 * An instance that remembers the licence decides on what it remembers, takes the machine for new unless it remembers
 * its session, and commits at once. Beside the commit it reads both again, and the answer waits for that: one round
 * trip. Where the commit is very likely to succeed the KMS signs beside it as well; else after it, so that a refused
 * request costs no KMS call. No signature leaves for a session that was not committed.
 *
 * When signing fails after the commit, the caller gets `signing_unavailable` and its retry finds the same session. A loan
 * is signed before its commit: it would keep its seat for as long as it was asked for, with nobody who knows of it.
 */

import { SAME_BEGINNING_MS } from '../constants.ts';
import { type AcquireDecision, decideAcquire } from '../decide/acquire.ts';
import { endOf, LICENSE_NOT_FOUND } from '../decide/license.ts';
import { CountersignError } from '../errors.ts';
import type { Ports } from '../ports/ports.ts';
import { licensePath } from '../records/paths.ts';
import { sessionRecord } from '../records/session.ts';
import { newGeneration } from '../session-id.ts';
import { type AcquireCommand, type AcquireRequest, identify } from './acquire-request.ts';
import { endSession } from './end-session.ts';
import {
  type Attempt,
  type Basis,
  type Granted,
  grantRead,
  grantRemembered,
  isLoan,
  placeOf,
  sign,
} from './grant.ts';
import { learnLicense } from './known-license.ts';
import type { SignedDocument } from './license-document.ts';
import { readRecord } from './read.ts';
import { refused } from './refused.ts';
import { replayOf } from './replay.ts';
import { retryCommits } from './retry.ts';
import type { Settings } from './settings.ts';
import { requireSettled } from './take-seat.ts';

export type { AcquireCommand } from './acquire-request.ts';

export type AcquireAnswer = SignedDocument & {
  readonly session_id: string;
  readonly lease_expires_at: string;
  readonly heartbeat_seconds: number;
};

/**
 * @throws CountersignError `license_not_found`, `license_expired`, `license_revoked`, `license_suspended`,
 * `hardware_not_allowed`, `seats_exhausted`, `borrow_not_allowed`, `borrow_too_long`, `idempotency_conflict`,
 * `session_not_found` (a repeated request whose session is over), `signing_unavailable`, `store_unavailable`
 */
export async function acquire(
  ports: Ports,
  settings: Settings,
  command: AcquireCommand,
): Promise<{ readonly answer: AcquireAnswer; readonly replayed: boolean }> {
  const request = identify(ports.hasher, command);
  const { license, payload, replayed, document } = await counted(ports, request.licenseHash, () =>
    retryCommits(ports, (number) =>
      acquireOnce({ ports, settings, request, number, now: beginningOf(ports, request).now }),
    ),
  );
  const signed = document ?? (await sign(ports, settings, command, license, payload));
  const { session_id, lease_expires_at, heartbeat_seconds } = payload;
  return { answer: { ...signed, session_id, lease_expires_at, heartbeat_seconds }, replayed };
}

/** Counts the acquires of a licence that are under way on this instance. */
async function counted<T>({ memory }: Ports, licenseHash: string, work: () => Promise<T>): Promise<T> {
  const { acquiring } = memory;
  acquiring.set(licenseHash, (acquiring.get(licenseHash) ?? 0) + 1);
  try {
    return await work();
  } finally {
    const left = (acquiring.get(licenseHash) ?? 1) - 1;
    if (left > 0) acquiring.set(licenseHash, left);
    else acquiring.delete(licenseHash);
  }
}

async function acquireOnce(attempt: Attempt): Promise<Granted> {
  const { ports } = attempt;
  const known = recall(attempt);
  if (known !== undefined) {
    const decision = decide(attempt, known);
    if (decision.kind !== 'refuse') return grantRemembered(attempt, known, decision);
  }
  const found = await read(attempt);
  // The clock is asked again: a lease that ended while the store was read is over.
  const current = { ...attempt, now: ports.clock.now() };
  try {
    if (isAsGoodAsNew(current, found)) await requireSettled(ports, placeOf(current, found));
    const replay = replayOf(current, found);
    if (replay !== undefined) return replay;
    const decision = decide(current, found);
    if (decision.kind === 'refuse') throw refused(decision);
    return await grantRead(current, found, decision);
  } catch (error) {
    if (isRefusal(error)) await withdraw(current, found);
    throw error;
  }
}

/**
 * What this instance remembers. A session that it does not remember is taken for absent: if it exists, the commit
 * fails. After the first attempt only what was read beside that counts, and a request that carries a key for
 * repetition reads what the store remembers of it. After a lowering of seats nothing is remembered: a session may have to
 * move, and nothing is refused on what may be outdated. A loan is worth a read.
 */
function recall({ ports, request, number }: Attempt): Basis | undefined {
  const license = ports.memory.licenses.get(request.licenseHash);
  if (license === undefined || license.record.seats_lowered_at !== null) return undefined;
  if (isLoan(request) || (number > 0 && (!request.hasLearned || request.memory !== undefined)))
    return undefined;
  return { license, session: ports.memory.sessions.get(request.sessionPath), memory: undefined };
}

async function read({ ports, request }: Attempt): Promise<Basis> {
  const { licenseHash, sessionPath, memory } = request;
  const paths = [licensePath(licenseHash), sessionPath, ...(memory === undefined ? [] : [memory.path])];
  const [licenseDocument, sessionDocument, memoryDocument] = await ports.store.get(paths);
  const license = learnLicense(ports, licenseHash, licenseDocument);
  if (license === undefined) throw refused(LICENSE_NOT_FOUND);
  return { license, session: readRecord(sessionRecord, sessionDocument), memory: memoryDocument };
}

/** Attempts that follow each other at once are of one beginning, so that a signature made beside one serves the next. */
function beginningOf({ clock, random }: Ports, request: AcquireRequest) {
  const now = clock.now();
  if (request.beginning === undefined || now - request.beginning.now > SAME_BEGINNING_MS)
    request.beginning = { generation: newGeneration(random), now };
  return request.beginning;
}

function decide({ ports, settings, request, now }: Attempt, { license, session }: Basis): AcquireDecision {
  const { hardware, command } = request;
  const { borrowSeconds } = command;
  const { generation } = beginningOf(ports, request);
  const state = { license: license.record, session };
  const { clockSkewSeconds } = settings;
  const decision = decideAcquire(state, { hardware, generation, borrowSeconds, clockSkewSeconds }, now);
  if (decision.kind === 'refuse' || decision.kind === 'renew') return decision;
  // The lease is that of the request's beginning; its seat may have been another's since. The licence may have ended since,
  // and what it granted was granted before.
  const { lease_expires_at: leaseEnd } = decision.session;
  const started_at = Math.min(ports.clock.now(), leaseEnd, endOf(license.record, 'grant') - 1);
  return { ...decision, session: { ...decision.session, started_at } };
}

/**
 * Whether the machine's session may have been committed after the seats were lowered, on a licence that was outdated, and
 * so told to nobody: to answer with it is to grant it.
 */
function isAsGoodAsNew({ request, settings }: Attempt, { license, session }: Basis): boolean {
  const { seats_lowered_at: loweredAt } = license.record;
  if (loweredAt === null || session === undefined) return false;
  const { generation, started_at: startedAt } = session.record;
  return request.committed.has(generation) || startedAt >= loweredAt - settings.clockSkewSeconds * 1000;
}

function isRefusal(error: unknown): boolean {
  return error instanceof CountersignError && error.status < 500;
}

/**
 * Ends the session that an earlier attempt of a refused request has committed, unless somebody may have been told of it:
 * another request of this machine that renewed it, or one with the same key.
 */
async function withdraw({ ports, request, now }: Attempt, { license, session }: Basis): Promise<void> {
  if (session === undefined || request.memory !== undefined) return;
  if (request.committed.get(session.record.generation) !== session.version) return;
  const { licenseHash, hardware } = request;
  const ending = { licenseHash, hardware, license: license.record, session: session.record, now };
  await ports.store.commit(endSession({ ...ending, reason: 'withdrawn' }, session.version));
}
