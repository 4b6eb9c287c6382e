/**
 * Acquire (or borrow) a seat: read the licence and this machine's session, decide, commit, have the KMS sign.
 *
 * An instance that remembers the licence decides on what it remembers, takes the machine for new unless it remembers
 * its session, and commits at once. Beside the commit it reads both again, and the answer waits for that: one round
 * trip. Where the commit is very likely to succeed the KMS signs beside it as well; else after it, so that a refused
 * request costs no KMS call. No signature leaves for a session that was not committed.
 *
 * When signing fails after the commit, the caller gets `signing_unavailable` and its retry finds the same session.
 */
import { type AcquireDecision, decideAcquire } from '../decide/acquire.ts';
import { LICENSE_NOT_FOUND } from '../decide/license.ts';
import { refuse } from '../decide/refusal.ts';
import { CountersignError } from '../errors.ts';
import type { Write } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { licensePath } from '../records/paths.ts';
import { sessionRecord } from '../records/session.ts';
import { newGeneration, parseSessionId } from '../session-id.ts';
import { type AcquireCommand, type AcquireRequest, identify, restorePayload } from './acquire-request.ts';
import type { Granting } from './claim-session.ts';
import { endSession } from './end-session.ts';
import { type Attempt, type Basis, type Granted, grantRead, grantRemembered, sign } from './grant.ts';
import { learnLicense } from './known-license.ts';
import type { SignedDocument } from './license-document.ts';
import { readRecord } from './read.ts';
import { refused } from './refused.ts';
import { retryCommits } from './retry.ts';
import type { Settings } from './settings.ts';

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
  const { license, payload, replayed, document } = await retryCommits(ports, (number) =>
    acquireOnce({ ports, settings, request, number, now: beginningOf(ports, request).now }),
  );
  const signed = document ?? (await sign(ports, command, license, payload));
  const { session_id, lease_expires_at, heartbeat_seconds } = payload;
  return { answer: { ...signed, session_id, lease_expires_at, heartbeat_seconds }, replayed };
}

async function acquireOnce(attempt: Attempt): Promise<Granted> {
  const known = recall(attempt);
  if (known !== undefined) {
    const decision = decide(attempt, known);
    if (decision.kind !== 'refuse' && !needsCare(decision)) return grantRemembered(attempt, known, decision);
  }
  const found = await read(attempt);
  // The clock is asked again: a lease that ended while the store was read is over.
  const current = { ...attempt, now: attempt.ports.clock.now() };
  const replay = replayOf(current, found);
  if (replay !== undefined) return replay;
  try {
    const decision = decide(current, found);
    if (decision.kind === 'refuse') throw refused(decision);
    return await grantRead(current, found, decision);
  } catch (error) {
    if (isRefusal(error)) await withdraw(current, found);
    throw error;
  }
}

/** A session that has to move may be refused, and nothing is refused on what may be outdated. */
function needsCare(decision: Granting): boolean {
  return decision.kind === 'renew' && decision.moves;
}

/**
 * What this instance remembers. A session that it does not remember is taken for absent: if it exists, the commit
 * fails. After the first attempt only what was read beside that counts, and a request that carries a key for
 * repetition reads what the store remembers of it.
 */
function recall({ ports, request, number }: Attempt): Basis | undefined {
  const license = ports.memory.licenses.get(request.licenseHash);
  if (license === undefined) return undefined;
  if (number === 0 && license.record.seats_lowered_at !== null) return undefined;
  if (number > 0 && (!request.hasLearned || request.memory !== undefined)) return undefined;
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

/** The answer that this request was given before. */
function replayOf({ request, now }: Attempt, { license, session, memory }: Basis): Granted | undefined {
  const remembered = request.memory?.recall(memory, now);
  if (remembered === undefined) return undefined;
  const payload = restorePayload(remembered, request.command);
  if (session?.record.generation !== parseSessionId(payload.session_id)?.generation)
    throw refused(REPLAY_OVER);
  return { license: license.record, payload, replayed: true };
}

const REPLAY_OVER = refuse(
  'session_not_found',
  'This request was answered before, and its session is over. Acquire again with a new Idempotency-Key.',
);

function beginningOf({ clock, random }: Ports, request: AcquireRequest) {
  request.beginning ??= { generation: newGeneration(random), now: clock.now() };
  return request.beginning;
}

function decide({ ports, request, now }: Attempt, { license, session }: Basis): AcquireDecision {
  const { hardware, command } = request;
  const { borrowSeconds } = command;
  const { generation } = beginningOf(ports, request);
  return decideAcquire({ license: license.record, session }, { hardware, generation, borrowSeconds }, now);
}

function isRefusal(error: unknown): boolean {
  return error instanceof CountersignError && error.status < 500;
}

/** Ends the session that an earlier attempt of a refused request has committed. No client was told of it. */
async function withdraw({ ports, request, now }: Attempt, { license, session }: Basis): Promise<void> {
  if (session === undefined || !request.generations.has(session.record.generation)) return;
  const { licenseHash, hardware, memory } = request;
  const ending = { licenseHash, hardware, license: license.record, session: session.record, now };
  const writes = endSession({ ...ending, reason: 'withdrawn' }, session.version);
  const forget: Write[] = memory === undefined ? [] : [{ op: 'delete', path: memory.path }];
  await ports.store.commit([...writes, ...forget]);
}
