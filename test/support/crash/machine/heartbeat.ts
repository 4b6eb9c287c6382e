/** A machine's heartbeat and what its answer must say. */
import { type KnownSession, noteExtended, noteMaybeExtended } from '../book.ts';
import type { Machine } from '../machine.ts';
import type { Answered, Service } from '../service.ts';

export async function sendHeartbeat(
  machine: Machine,
  service: Service,
  session: KnownSession,
): Promise<void> {
  const { book } = service;
  const outcome = await service.post('heartbeat', { session_id: session.sessionId });
  if (outcome.kind === 'unanswered') return noteMaybeExtended(session, outcome.endedAt);
  if (outcome.status === 200) return extend(service, session, outcome);
  const isReaped = outcome.status === 404 && outcome.body.code === 'session_not_found';
  if (!isReaped || outcome.endedAt < session.leaseEndsAt)
    book.violations.push(`heartbeat: ${outcome.status} ${JSON.stringify(outcome.body)}`);
  book.counts.leasesLost += 1;
  machine.session = undefined;
}

function extend({ book }: Service, session: KnownSession, { body, endedAt }: Answered): void {
  const leaseEndsAt = Date.parse(body.lease_expires_at);
  if (body.session_id !== session.sessionId)
    book.violations.push('heartbeat: the answer is about another session');
  if (!(leaseEndsAt >= session.leaseEndsAt)) book.violations.push('heartbeat: the lease has moved back');
  book.counts[endedAt < session.leaseEndsAt ? 'heartbeats' : 'lateHeartbeats'] += 1;
  noteExtended(session, endedAt, leaseEndsAt);
}
