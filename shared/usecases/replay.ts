/** The answer to a request that carries an `Idempotency-Key` that was answered before. */
import { askedByMachine, holdsSeat, licenseRefusal } from '../decide/license.ts';
import { type Refusal, refuse } from '../decide/refusal.ts';
import { parseSessionId } from '../session-id.ts';
import { restorePayload } from './acquire-request.ts';
import type { Attempt, Basis, Granted } from './grant.ts';
import { refused } from './refused.ts';

/**
 * What this request was answered before; undefined when it is new. Nothing is told again that does not hold any more.
 * @throws CountersignError `idempotency_conflict`; `session_not_found` and what a licence that does not hold is refused
 * with
 */
export function replayOf({ request, now }: Attempt, basis: Basis): Granted | undefined {
  const remembered = request.memory?.recall(basis.memory, now);
  if (remembered === undefined) return undefined;
  const payload = restorePayload(remembered, request.command);
  const generation = parseSessionId(payload.session_id)?.generation ?? '';
  const { license, session } = basis;
  const refusal =
    licenseRefusal(license.record, now, askedByMachine(license.record, session?.record, now)) ??
    sessionRefusal(basis, generation);
  if (refusal === undefined) return { license: license.record, payload, replayed: true };
  // An attempt of this very request: what became of it is decided afresh.
  if (request.committed.has(generation)) return undefined;
  throw refused(refusal);
}

function sessionRefusal({ license, session }: Basis, generation: string): Refusal | undefined {
  if (session?.record.generation !== generation) return OVER;
  if (holdsSeat(license.record, session.record)) return undefined;
  const members = { seats: license.record.seats, next_lease_ends_at: null };
  return refuse('seats_exhausted', 'The number of seats was lowered, and this session has none.', members);
}

const OVER = refuse(
  'session_not_found',
  'This request was answered before, and its session is over. Acquire again with a new Idempotency-Key.',
);
