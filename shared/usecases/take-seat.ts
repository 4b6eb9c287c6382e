/**
 * Takes a seat for a machine. Seats are documents, so of two machines that want the same one exactly one commit
 * succeeds, and there is no counter to contend on.
 *
 * The first attempt reads nothing: it takes the seat that the machine's hash points at, and where most seats are free
 * so do a few more, elsewhere. Later ones look for a free seat, and only a licence that is counted full looks for an
 * expired session to reap.
 */
import { REAP_WINDOW, SEAT_GUESSES } from '../constants.ts';
import { isReapable } from '../decide/lease.ts';
import { endReasonOf } from '../decide/license.ts';
import { refuse } from '../decide/refusal.ts';
import type { CountersignError } from '../errors.ts';
import { documentId, type Fields, type Write } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import type { LicenseRecord } from '../records/license.ts';
import { seatPath, sessionsPath } from '../records/paths.ts';
import { type SeatRecord, type SessionRecord, sessionRecord } from '../records/session.ts';
import type { Versioned } from '../records/versioned.ts';
import { formatInstant } from '../wire/document.ts';
import { closeSession, freeSeat } from './end-session.ts';
import { believedFree, findFreeSeat, spread } from './free-seats.ts';
import { readRecord } from './read.ts';
import { refused } from './refused.ts';
import { isAnySeatBeyond } from './seats-beyond.ts';
import type { Settings } from './settings.ts';

/** Who wants a seat of what. */
export interface SeatRequest {
  readonly licenseHash: string;
  readonly license: LicenseRecord;
  readonly hardware: string;
  readonly now: number;
  /** How many times this request has lost a race. */
  readonly attempt: number;
}

/** A seat to try, and the writes that take it. */
export interface TakenSeat {
  readonly seat: number;
  readonly writes: readonly Write[];
}

/**
 * Nothing new is granted while another machine holds a seat beyond the number of the licence.
 * @throws CountersignError `seats_exhausted`
 */
export async function requireSettled(ports: Ports, request: SeatRequest): Promise<void> {
  if (!(await isAnySeatBeyond(ports, request))) return;
  const [next] = await oldestSessions(ports, request);
  throw seatsExhausted(request.license, next?.record);
}

/**
 * A seat for a session whose own one is none of the licence's any more.
 * @throws CountersignError `seats_exhausted`
 */
export async function moveSeat(
  ports: Ports,
  settings: Settings,
  request: SeatRequest,
  session: SessionRecord,
): Promise<TakenSeat> {
  const { seat, writes } = await takeSeat(ports, settings, request);
  return { seat, writes: [...writes, ...freeSeat(request.licenseHash, session)] };
}

/** @throws CountersignError `seats_exhausted` */
export async function takeSeat(ports: Ports, settings: Settings, request: SeatRequest): Promise<TakenSeat> {
  const seats = request.license.seats ?? 0;
  if (mayGuess(ports, request, seats)) return takeFree(request, spread(request) % seats);
  const free = await findFreeSeat(ports, request, seats);
  return free === undefined ? reap(ports, settings, request, seats) : takeFree(request, free);
}

/** Whether a seat that nobody looked at is worth a commit: once, and again while most of them are believed free. */
function mayGuess({ memory }: Ports, request: SeatRequest, seats: number): boolean {
  const { attempt, license, licenseHash, now } = request;
  if (attempt === 0) return true;
  if (license.seats_lowered_at !== null) return false;
  return attempt < SEAT_GUESSES && (believedFree(memory, licenseHash, now) ?? 0) >= seats / 2;
}

function takeFree(request: SeatRequest, seat: number): TakenSeat {
  return { seat, writes: [seatWrite(request, seat, 'absent')] };
}

/** The licence is full: take the seat of a session that is over, or say when the next lease ends. */
async function reap(
  ports: Ports,
  { clockSkewSeconds }: Settings,
  request: SeatRequest,
  seats: number,
): Promise<TakenSeat> {
  const sessions = await oldestSessions(ports, request);
  const reapable = sessions.filter(
    ({ hardware, record: { seat }, record }) =>
      hardware !== request.hardware &&
      seat !== null &&
      seat < seats &&
      isReapable(record, request.now, clockSkewSeconds),
  );
  const victim = reapable[spread(request) % reapable.length];
  if (victim?.record.seat == null) throw seatsExhausted(request.license, sessions[0]?.record);
  return takeOver(request, victim, victim.record.seat);
}

type Found = Versioned<SessionRecord> & { readonly hardware: string };

async function oldestSessions({ store }: Ports, { licenseHash }: SeatRequest): Promise<Found[]> {
  const oldest = await store.query({
    collection: sessionsPath(licenseHash),
    orderBy: [['lease_expires_at', 'asc']],
    limit: REAP_WINDOW,
  });
  return oldest.map((snapshot) => ({
    hardware: documentId(snapshot.path),
    ...(readRecord(sessionRecord, snapshot) as Versioned<SessionRecord>),
  }));
}

function takeOver(request: SeatRequest, victim: Found, seat: number): TakenSeat {
  const { licenseHash, license, now } = request;
  const { hardware, record: session, version } = victim;
  const reason = endReasonOf(license, session);
  const closing = closeSession({ licenseHash, hardware, license, session, reason, now }, version);
  return { seat, writes: [...closing, seatWrite(request, seat, 'present')] };
}

function seatWrite(
  { licenseHash, hardware }: SeatRequest,
  seat: number,
  demand: 'absent' | 'present',
): Write {
  const fields: SeatRecord & Fields = { hardware };
  return { op: 'set', path: seatPath(licenseHash, seat), fields, demand };
}

function seatsExhausted({ seats }: LicenseRecord, next: SessionRecord | undefined): CountersignError {
  const members = {
    seats,
    next_lease_ends_at: next === undefined ? null : formatInstant(next.lease_expires_at),
  };
  const taken = seats === 1 ? 'The only seat of this licence is' : `All ${seats} seats of this licence are`;
  const detail = `${taken} taken. Try again later.`;
  return refused(refuse('seats_exhausted', detail, members));
}
