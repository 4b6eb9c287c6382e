/**
 * What an instance answers must be true: it was the case in the store at some time between the request's arrival and
 * the answer. That is I2 and I6 for those who are told that a session lives, I4 for signatures, and the truth of
 * refusals.
 */

import { parseSessionId } from '../../../shared/session-id.ts';
import type { DocumentPayload } from '../../../shared/wire/document.ts';
import { during, type LicensePast, type SessionLife } from '../history.ts';
import type { Kms } from '../kms.ts';
import type { Outcome, Request, SessionAnswer } from '../request.ts';
import { sessionAnswer } from '../request.ts';
import type { Stage } from '../stage.ts';
import { partiesOf } from '../store.ts';
import type { Invariant } from '../violation.ts';
import { countTold, earliestLeaseEnd, latestDocumentEnd, latestLeaseEnd, mayBeTold } from './endings.ts';
import { checkRefusal } from './refusals.ts';
import { signedPayload } from './signatures.ts';

/** Checks what an instance sends, at the moment it sends it. */
export function checkAnswer(stage: Stage, kms: Kms, request: Request, outcome: Outcome): void {
  const answer = sessionAnswer(request, outcome);
  if (outcome.code !== 'ok') checkRefusal(stage, request, outcome.code);
  if (outcome.code !== 'ok' || answer === undefined) return;
  const complaint = complaintAbout(stage, kms, request, answer, outcome.replayed);
  if (complaint === undefined) {
    countTold(stage, request);
    return;
  }
  stage.judge.fail(complaint[0], `r${request.id} ${complaint[1]}`, partiesOf(stage, request));
}

type Complaint = readonly [invariant: Invariant, message: string];

/** What is wrong with an answer that says that a session lives. */
function complaintAbout(
  stage: Stage,
  kms: Kms,
  request: Request,
  answer: SessionAnswer,
  replayed: boolean,
): Complaint | undefined {
  const end = Date.parse(answer.lease_expires_at);
  const life = lifeOf(stage, answer.session_id);
  if (life === undefined || !life.versions.some(({ record }) => record.lease_expires_at === end)) {
    const session = life?.name ?? 'a session';
    return [
      'I4',
      `was told of a lease until ${answer.lease_expires_at} of ${session} that was never committed`,
    ];
  }
  const payload = signedPayload(kms, answer);
  if (payload === 'forged' || (payload !== undefined && !agrees(payload, answer))) {
    return ['I4', 'was answered with a signature for something else'];
  }
  const versions = [...during(life.versions, request.arrivedAt, stage.scheduler.now())];
  if (!versions.some(({ record }) => replayed || record.lease_expires_at === end)) {
    return [
      'I2',
      `was told that ${life.name} lives until ${answer.lease_expires_at}; it ${whatBecameOf(life)}`,
    ];
  }
  const askedAt = replayed ? Math.min(request.arrivedAt, firstAskedAt(life, end)) : request.arrivedAt;
  if (!mayBeTold(stage, request, life, replayed))
    return ['I6', `was told of ${life.name} after the end of its licence`];
  const complaint = complaintAboutLicense(stage, request, life, { askedAt, end, replayed });
  if (complaint !== undefined || payload === undefined) return complaint;
  return complaintAboutDocument(stage, request, payload, { askedAt, replayed });
}

/** I6: the document outlives neither its licence nor, where its session does, its lease. */
function complaintAboutDocument(
  { history, scheduler }: Stage,
  request: Request,
  { expires_at, lease_expires_at }: DocumentPayload,
  { askedAt, replayed }: { askedAt: number; replayed: boolean },
): Complaint | undefined {
  const { states } = history.licenses.get(request.license ?? '') as LicensePast;
  // What is repeated says what the licence was for the instance that committed it.
  const inForce = replayed ? states : [...during(states, askedAt, scheduler.now())];
  const leaseEnd = Date.parse(lease_expires_at);
  if (inForce.some(({ record }) => Date.parse(expires_at) <= latestDocumentEnd(record, leaseEnd)))
    return undefined;
  return ['I6', `was given a document until ${expires_at}, which is beyond its licence`];
}

function whatBecameOf({ removedAt }: SessionLife): string {
  return removedAt === undefined ? 'has another lease' : `was over at ${new Date(removedAt).toISOString()}`;
}

/** When the request arrived that was given this lease first: a repeated answer was right then, if it ever was. */
function firstAskedAt({ versions }: SessionLife, end: number): number {
  const first = versions.find(({ record }) => record.lease_expires_at === end);
  return first?.by.arrivedAt ?? Number.POSITIVE_INFINITY;
}

/** I6: the licence was active, and allowed such a lease, at some time while the request was under way. */
function complaintAboutLicense(
  { history, scheduler, halfSkewMs }: Stage,
  request: Request,
  life: SessionLife,
  { askedAt, end, replayed }: { askedAt: number; end: number; replayed: boolean },
): Complaint | undefined {
  const now = scheduler.now();
  const { states } = history.licenses.get(request.license ?? '') as LicensePast;
  const inForce = [...during(states, askedAt, now)].map(({ record }) => record);
  if (!inForce.some(({ status }) => status === 'active')) {
    return ['I6', `was given a lease on a licence that was ${inForce[0]?.status} all the time`];
  }
  const latestNow = now + halfSkewMs;
  const isWhole = inForce.some((license) => end >= earliestLeaseEnd(license, askedAt - halfSkewMs));
  if (!replayed && request.isBorrow !== true && !isWhole)
    return ['I6', 'was given a lease that is shorter than its term'];
  const given = life.versions.filter(({ record }) => record.lease_expires_at === end);
  const wasGivenBefore = given.some(({ by }) => by !== request);
  // On the licence as its instance remembered it, before the one that is in force was read: a lease does not move back, and
  // a repeated request is answered with what was committed.
  const mayBeOutdated = replayed || given.length > 1;
  const allowing = mayBeOutdated ? states.map(({ record }) => record) : inForce;
  if (wasGivenBefore || allowing.some((license) => end <= latestLeaseEnd(license, latestNow)))
    return undefined;
  return ['I6', 'was given a lease beyond its term or its licence'];
}

export function lifeOf({ history }: Stage, sessionId: string): SessionLife | undefined {
  return history.sessions.get(parseSessionId(sessionId)?.generation ?? '');
}

function agrees(payload: DocumentPayload, { session_id, lease_expires_at }: SessionAnswer): boolean {
  return payload.session_id === session_id && payload.lease_expires_at === lease_expires_at;
}
