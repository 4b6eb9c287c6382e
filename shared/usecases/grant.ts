/**
 * Grants what was decided: commits it, after reading or beside it, and has it signed beside the commit where that is
 * likely to succeed.
 */
import { FREE_SEATS_EACH } from '../constants.ts';
import { CountersignError } from '../errors.ts';
import { CommitInterruptedError, ConflictError, type Snapshot } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import type { LicenseRecord } from '../records/license.ts';
import { type SessionRecord, sessionRecord } from '../records/session.ts';
import type { Versioned } from '../records/versioned.ts';
import { formatSessionId } from '../session-id.ts';
import type { DocumentPayload } from '../wire/document.ts';
import {
  type AcquireCommand,
  type AcquireRequest,
  type EarlySignature,
  withoutKey,
} from './acquire-request.ts';
import { type Claim, claimSession, type Granting } from './claim-session.ts';
import { commitSession } from './commit-session.ts';
import { believedFree, countFree, expectGrant } from './free-seats.ts';
import { confirmLicense } from './known-license.ts';
import { payloadOf, type SignedDocument, signDocument, withoutSignature } from './license-document.ts';
import { readRecord } from './read.ts';
import type { Settings } from './settings.ts';
import type { SeatRequest } from './take-seat.ts';
import { together } from './together.ts';

/** What was committed. `document` is there when it was signed beside the commit. */
export interface Granted {
  readonly license: LicenseRecord;
  readonly payload: DocumentPayload;
  readonly replayed: boolean;
  readonly document?: SignedDocument | undefined;
}

/** What a request is decided on: what is stored, or what is remembered of it. */
export interface Basis {
  readonly license: Versioned<LicenseRecord>;
  readonly session: Versioned<SessionRecord> | undefined;
  /** What the store remembers of the request's `Idempotency-Key`. */
  readonly memory: Snapshot | undefined;
}

export interface Attempt {
  readonly ports: Ports;
  readonly settings: Settings;
  readonly request: AcquireRequest;
  readonly number: number;
  readonly now: number;
}

/** Whether a seat is borrowed. */
export function isLoan({ command }: AcquireRequest): boolean {
  return command.borrowSeconds !== undefined;
}

/** Commits what was decided on fresh reads. It is signed afterwards; a loan is signed before. */
export async function grantRead(attempt: Attempt, basis: Basis, decision: Granting): Promise<Granted> {
  const plan = await prepare(attempt, basis, decision);
  const license = basis.license.record;
  const document = isLoan(attempt.request) ? await signatureOf(attempt, license, plan.payload) : undefined;
  await commit(attempt, plan);
  return { license, payload: plan.payload, replayed: false, document };
}

/** Commits what was decided on what is remembered, and reads beside the commit whether that is still so. */
export async function grantRemembered(attempt: Attempt, basis: Basis, decision: Granting): Promise<Granted> {
  const { ports, request } = attempt;
  const license = basis.license.record;
  const plan = await prepare(attempt, basis, decision);
  const document = signEarly(attempt, license, decision, plan.payload);
  // Reported once the commit has succeeded. After one that failed nobody waits for the KMS: the next attempt takes over the
  // signature that is under way.
  document?.catch(() => undefined);
  const confirmed = confirmLicense(ports, request.licenseHash, basis.license, [request.sessionPath]);
  try {
    await together([commit(attempt, plan), confirmed, learnFreeSeats(attempt, license, decision)]);
  } catch (error) {
    await learn(attempt, confirmed);
    throw error;
  }
  return { license, payload: plan.payload, replayed: false, document: await document };
}

async function commit({ ports, request }: Attempt, { session, writes, isNew }: Plan): Promise<void> {
  request.hasLearned = false;
  try {
    const version = await commitSession(ports, request.sessionPath, session, writes);
    if (isNew) request.committed.set(session.generation, version);
  } catch (error) {
    if (error instanceof CommitInterruptedError) {
      if (isNew) request.committed.set(session.generation, undefined);
      request.beginning = undefined;
    }
    throw error;
  }
}

/** What was read beside a commit that failed, or that the licence has overtaken: the next attempt starts from it. */
async function learn({ ports, request }: Attempt, confirmed: Promise<(Snapshot | undefined)[]>) {
  const { sessions } = ports.memory;
  try {
    const session = readRecord(sessionRecord, (await confirmed)[0]);
    if (session !== undefined && sessions.get(request.sessionPath) === undefined)
      sessions.set(request.sessionPath, session);
    request.hasLearned = true;
  } catch (error) {
    // The licence is another one, and is known; of the session nothing was learned if its commit failed.
    request.hasLearned = error instanceof ConflictError && sessions.get(request.sessionPath) !== undefined;
  }
}

interface Plan extends Claim {
  readonly payload: DocumentPayload;
  /** False when the session was there before this request. */
  readonly isNew: boolean;
}

/** Who wants a seat of what. */
export function placeOf({ request, number, now }: Attempt, { license }: Pick<Basis, 'license'>): SeatRequest {
  const { licenseHash, hardware } = request;
  return { licenseHash, hardware, license: license.record, attempt: number, now };
}

/** Everything that is going to be committed, and what is going to be signed. */
async function prepare(attempt: Attempt, { license, memory }: Basis, decision: Granting): Promise<Plan> {
  const { ports, settings, request, now } = attempt;
  const { licenseHash, hardware, command } = request;
  const { session, writes } = await claimSession(ports, settings, decision, placeOf(attempt, { license }));
  const { generation } = session;
  const sessionId = formatSessionId({ license: licenseHash, hardware, generation });
  const payload = payloadOf(license.record, session, sessionId, command, settings.issuer);
  const remember = request.memory?.remember(withoutKey(payload), memory, now);
  const isNew = decision.kind !== 'renew';
  return { session, payload, isNew, writes: remember === undefined ? writes : [...writes, remember] };
}

/** The signature of an earlier attempt if it covers the same document; a new one where the commit is likely. */
function signEarly(
  attempt: Attempt,
  license: LicenseRecord,
  decision: Granting,
  payload: DocumentPayload,
): Promise<SignedDocument> | undefined {
  const isSigned = covers(attempt.request.early, payload);
  return isSigned || isLikely(attempt, license, decision)
    ? signatureOf(attempt, license, payload)
    : undefined;
}

/** That of an earlier attempt if it covers the same document. */
function signatureOf(
  { ports, settings, request }: Attempt,
  license: LicenseRecord,
  payload: DocumentPayload,
): Promise<SignedDocument> {
  if (covers(request.early, payload)) return request.early.document;
  const document = sign(ports, settings, request.command, license, payload);
  request.early = { payload, document };
  return document;
}

function covers(early: EarlySignature | undefined, payload: DocumentPayload): early is EarlySignature {
  return JSON.stringify(early?.payload) === JSON.stringify(payload);
}

/** Whether the commit is so likely to succeed that the signature may be asked for beside it. */
function isLikely(
  { ports, request, number, now }: Attempt,
  { seats }: LicenseRecord,
  decision: Granting,
): boolean {
  if (decision.kind === 'renew') return !decision.moves;
  if (decision.kind === 'replace' || seats === null) return true;
  if (number > 0) return false;
  const { memory } = ports;
  const { licenseHash } = request;
  const free = believedFree(memory, licenseHash, now) ?? 0;
  expectGrant(memory, licenseHash);
  const acquiring = memory.acquiring.get(licenseHash) ?? 0;
  const isCrowded = acquiring > 1 && acquiring * FREE_SEATS_EACH > free;
  return free >= seats / 2 && !isCrowded;
}

/** Counts the free seats beside a commit, where this instance does not know about how many there are. */
async function learnFreeSeats(
  { ports, request, now }: Attempt,
  { seats }: LicenseRecord,
  { kind }: Granting,
) {
  const { licenseHash } = request;
  if (kind !== 'grant' || seats === null || believedFree(ports.memory, licenseHash, now) !== undefined)
    return;
  // One count is enough for all that are under way.
  ports.memory.freeSeats.set(licenseHash, { free: 0, countedAt: now });
  // A guess that could not be had costs nothing but a later signature.
  await countFree(ports, { licenseHash, now }, seats).catch(() => undefined);
}

/**
 * Has the active key of the licence's algorithm sign a document; without one, where the operator has asked for that, the
 * document goes out unsigned.
 */
export async function sign(
  { keys }: Ports,
  { signingFailurePolicy }: Settings,
  { format }: AcquireCommand,
  { signing_algorithm: algorithm }: LicenseRecord,
  payload: DocumentPayload,
): Promise<SignedDocument> {
  try {
    return await signDocument(keys, algorithm, format, payload);
  } catch (error) {
    const isOutage = error instanceof CountersignError && error.code === 'signing_unavailable';
    if (!isOutage || format !== 'inline' || signingFailurePolicy !== 'unsigned') throw error;
    return withoutSignature(payload);
  }
}
