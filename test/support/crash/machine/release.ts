/** A machine's release and what its answer must say. */
import { type KnownSession, noteReleaseSent } from '../book.ts';
import type { Machine } from '../machine.ts';
import type { Service } from '../service.ts';

export interface ReleaseRequest {
  readonly kind: 'release';
  readonly session: KnownSession;
  readonly idempotencyKey: string | undefined;
}

/** True once the machine knows what has become of the request. */
export async function sendRelease(
  machine: Machine,
  service: Service,
  { session, idempotencyKey }: ReleaseRequest,
): Promise<boolean> {
  const { book } = service;
  noteReleaseSent(session, Date.now());
  machine.session = undefined;
  machine.abandoned = undefined;
  const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
  const outcome = await service.post('release', { session_id: session.sessionId }, headers);
  if (outcome.kind === 'unanswered') return false;
  const { status, body, endedAt } = outcome;
  if (status === 200) {
    session.releasedAt = Date.parse(body.released_at);
    book.counts.released += 1;
    return true;
  }
  // Its lease ran out before the release came, and another machine has its seat.
  const isReaped = status === 404 && body.code === 'session_not_found' && endedAt >= session.leaseEndsAt;
  if (!isReaped) book.violations.push(`release: ${status} ${JSON.stringify(body)}`);
  book.counts.leasesLost += 1;
  return true;
}
