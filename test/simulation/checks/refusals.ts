/**
 * A refusal must have had its reason at some time while its request was under way. Otherwise a client loses a session
 * or a seat that it has a right to.
 */
import type { ErrorCode } from '../../../shared/errors.ts';
import type { LicenseRecord } from '../../../shared/records/license.ts';
import { parseSessionId } from '../../../shared/session-id.ts';
import { during, type LicensePast, type SessionLife } from '../history.ts';
import type { Request } from '../request.ts';
import type { Stage } from '../stage.ts';
import { partiesOf } from '../store.ts';
import { wasOver } from './endings.ts';

type Reason = (stage: Stage, request: Request) => boolean;

/** Whether the reason of each code was there. Codes that are not listed need none. */
const REASONS: Partial<Record<ErrorCode, Reason>> = {
  license_revoked: (stage, request) => wasEver(stage, request, ({ status }) => status === 'revoked'),
  license_suspended: (stage, request) => wasEver(stage, request, ({ status }) => status === 'suspended'),
  license_expired: wasOver,
  hardware_not_allowed: (stage, request) =>
    wasEver(
      stage,
      request,
      ({ allowed_hardware: allowed }) => allowed?.includes(request.hardware ?? '') === false,
    ),
  borrow_not_allowed: (stage, request) =>
    wasEver(stage, request, ({ policy }) => policy.borrow_max_seconds === 0),
  borrow_too_long: (stage, request) => wasEver(stage, request, ({ policy }) => policy.borrow_max_seconds > 0),
  license_not_found: (stage, request) => !stage.history.licenses.has(request.license ?? ''),
  session_not_found: wasAway,
  session_superseded: wasAway,
  seats_exhausted: wasFull,
  store_unavailable: hasFaults,
  signing_unavailable: hasFaults,
};

export function checkRefusal(stage: Stage, request: Request, code: ErrorCode): void {
  const holds = REASONS[code];
  if (holds === undefined || holds(stage, request)) return;
  const message = `r${request.id} (${request.operation}) was refused with ${code}, which was not so at any time`;
  stage.judge.fail('truth', message, partiesOf(stage, request));
}

function wasEver(stage: Stage, request: Request, holds: (license: LicenseRecord) => boolean): boolean {
  const states = stage.history.licenses.get(request.license ?? '')?.states ?? [];
  for (const { record } of during(states, request.arrivedAt, stage.scheduler.now()))
    if (holds(record)) return true;
  return false;
}

/** There was a time when the session that the request names was not its machine's. */
function wasAway(stage: Stage, request: Request): boolean {
  const life = stage.history.sessions.get(parseSessionId(request.sessionId ?? '')?.generation ?? '');
  return life === undefined || life.removedAt !== undefined || life.createdAt > request.arrivedAt;
}

/**
 * There was a time when the licence had no seat to give: as many sessions as seats, or one whose seat is beyond the
 * number, since nothing is granted before that is over.
 */
function wasFull({ history, scheduler }: Stage, { license, arrivedAt }: Request): boolean {
  const past = history.licenses.get(license ?? '') as LicensePast;
  const seats = fewestSeats(past, arrivedAt, scheduler.now());
  for (let i = past.held.length - 1; i >= 0; i--) {
    const held = past.held[i] as LicensePast['held'][number];
    if (held.count >= seats) return true;
    if (held.from < arrivedAt) break;
  }
  const wasLowered = past.states.some(({ record }) => (record.seats ?? Number.POSITIVE_INFINITY) > seats);
  return wasLowered && [...history.sessions.values()].some((life) => wasBeyond(life));

  function wasBeyond(life: SessionLife): boolean {
    if (life.license !== license || (life.removedAt ?? arrivedAt) < arrivedAt) return false;
    const [...versions] = during(life.versions, arrivedAt, scheduler.now());
    return versions.some(({ record }) => (record.seat ?? Number.POSITIVE_INFINITY) >= seats);
  }
}

function fewestSeats({ states }: LicensePast, from: number, until: number): number {
  let fewest = Number.POSITIVE_INFINITY;
  for (const { record } of during(states, from, until)) {
    fewest = Math.min(fewest, record.seats ?? Number.POSITIVE_INFINITY);
  }
  return fewest;
}

/** A clock that jumps makes a request look old, and old requests are given up. */
function hasFaults({ configuration: { faults, clocksJump }, calmSince }: Stage, request: Request): boolean {
  const isFaulty = clocksJump || Object.values(faults).some((rate) => rate > 0);
  return isFaulty && request.arrivedAt <= (calmSince() ?? request.arrivedAt);
}
