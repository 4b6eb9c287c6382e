/**
 * Finds a seat for a machine. Seats are documents, so of two machines that want the same one exactly one commit
 * succeeds, and there is no counter to contend on.
 *
 * The first attempt reads nothing: it takes the seat that the machine's hash points at. Later ones read windows
 * of seat ids, and only a licence that is counted full looks for an expired session to reap.
 */
import { REAP_WINDOW, SEAT_WINDOW } from '../constants.ts';
import { isReapable } from '../decide/lease.ts';
import { type Refusal, refuse } from '../decide/refusal.ts';
import {
  DOCUMENT_ID,
  type DocumentStore,
  documentId,
  type Fields,
  type Write,
} from '../ports/document-store.ts';
import type { LicenseRecord } from '../records/license.ts';
import { seatId, seatPath, seatsPath, sessionsPath } from '../records/paths.ts';
import { type SeatRecord, type SessionRecord, sessionRecord } from '../records/session.ts';
import type { Versioned } from '../records/versioned.ts';
import { formatInstant } from '../wire/document.ts';
import { closeSession } from './end-session.ts';
import { readRecord } from './read.ts';

export interface SeatRequest {
  readonly store: DocumentStore;
  readonly licenseHash: string;
  readonly license: LicenseRecord;
  readonly seats: number;
  readonly hardware: string;
  readonly now: number;
  readonly clockSkewSeconds: number;
  readonly attempt: number;
}

/** A seat to try, and the writes that take it; or the refusal when there is none. */
export type SeatAnswer = { readonly kind: 'seat'; readonly seat: number; readonly writes: Write[] } | Refusal;

export async function findSeat(request: SeatRequest): Promise<SeatAnswer> {
  if (request.attempt === 0) return takeFree(request, spread(request) % request.seats);
  const free = await freeSeat(request);
  return free === undefined ? reapOrRefuse(request) : takeFree(request, free);
}

/** A different number for every machine and attempt, so that machines that race do not follow each other. */
function spread({ hardware, attempt }: SeatRequest): number {
  return (Number.parseInt(hardware.slice(0, 8), 16) + attempt * 0x9e3779b1) >>> 0;
}

function takeFree(request: SeatRequest, seat: number): SeatAnswer {
  return { kind: 'seat', seat, writes: [seatWrite(request, seat, 'absent')] };
}

async function freeSeat(request: SeatRequest): Promise<number | undefined> {
  const { store, licenseHash, seats } = request;
  const windows = Math.ceil(seats / SEAT_WINDOW);
  const start = spread(request) % windows;
  for (let i = 0; i < windows; i++) {
    const free = await freeSeatsOfWindow(request, (start + i) % windows);
    if (free.length > 0) return free[spread(request) % free.length];
    if (i === 0 && windows > 1) {
      const { count } = await store.aggregate({ collection: seatsPath(licenseHash) });
      if (count >= seats) return undefined;
    }
  }
  return undefined;
}

async function freeSeatsOfWindow(
  { store, licenseHash, seats }: SeatRequest,
  window: number,
): Promise<number[]> {
  const first = window * SEAT_WINDOW;
  const end = Math.min(first + SEAT_WINDOW, seats);
  const taken = await store.query({
    collection: seatsPath(licenseHash),
    where: [
      [DOCUMENT_ID, '>=', seatId(first)],
      [DOCUMENT_ID, '<', seatId(end)],
    ],
    orderBy: [[DOCUMENT_ID, 'asc']],
    limit: SEAT_WINDOW,
  });
  const ids = new Set(taken.map(({ path }) => Number(documentId(path))));
  return Array.from({ length: end - first }, (_, i) => first + i).filter((seat) => !ids.has(seat));
}

/** The licence is full: take the seat of a session that is over, or say when the next lease ends. */
async function reapOrRefuse(request: SeatRequest): Promise<SeatAnswer> {
  const { store, licenseHash, license, now, clockSkewSeconds } = request;
  const oldest = await store.query({
    collection: sessionsPath(licenseHash),
    orderBy: [['lease_expires_at', 'asc']],
    limit: REAP_WINDOW,
  });
  const sessions = oldest.map((snapshot) => ({
    hardware: documentId(snapshot.path),
    ...(readRecord(sessionRecord, snapshot) as Versioned<SessionRecord>),
  }));
  const reapable = sessions.filter(
    ({ hardware, record }) =>
      hardware !== request.hardware &&
      record.seat !== null &&
      record.seat < request.seats &&
      isReapable(record, now, clockSkewSeconds),
  );
  const victim = reapable[spread(request) % reapable.length];
  if (victim?.record.seat == null) return seatsExhausted(license, sessions[0]?.record);
  return takeOver(request, victim, victim.record.seat);
}

function takeOver(
  request: SeatRequest,
  victim: Versioned<SessionRecord> & { readonly hardware: string },
  seat: number,
): SeatAnswer {
  const { licenseHash, license, now } = request;
  const { hardware, record: session } = victim;
  const closing = closeSession(
    { licenseHash, hardware, license, session, reason: 'expired', now },
    victim.version,
  );
  return { kind: 'seat', seat, writes: [...closing, seatWrite(request, seat, 'present')] };
}

function seatWrite(
  { licenseHash, hardware }: SeatRequest,
  seat: number,
  demand: 'absent' | 'present',
): Write {
  const fields: SeatRecord & Fields = { hardware };
  return { op: 'set', path: seatPath(licenseHash, seat), fields, demand };
}

function seatsExhausted(license: LicenseRecord, next: SessionRecord | undefined): Refusal {
  return refuse('seats_exhausted', `All ${license.seats} seats of this licence are taken. Try again later.`, {
    seats: license.seats,
    next_lease_ends_at: next === undefined ? null : formatInstant(next.lease_expires_at),
  });
}
