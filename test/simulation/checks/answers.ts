/**
 * What an instance answers must be true: it was the case in the store at some time between the request's arrival and
 * the answer. That is I2 and I6 for those who are told that a session lives, I4 for signatures, and the truth of
 * refusals.
 */

import type { LicenseRecord } from '../../../shared/records/license.ts';
import { parseSessionId } from '../../../shared/session-id.ts';
import type { DocumentPayload } from '../../../shared/wire/document.ts';
import { during, type LicensePast, type SessionLife } from '../history.ts';
import type { Kms } from '../kms.ts';
import type { Outcome, Request, SessionAnswer } from '../request.ts';
import { sessionAnswer } from '../request.ts';
import type { Stage } from '../stage.ts';
import { partiesOf } from '../store.ts';
import type { Invariant } from '../violation.ts';
import { checkRefusal } from './refusals.ts';
import { signedPayload } from './signatures.ts';

/** Checks what an instance sends, at the moment it sends it. */
export function checkAnswer(stage: Stage, kms: Kms, request: Request, outcome: Outcome): void {
  const answer = sessionAnswer(request, outcome);
  if (outcome.code !== 'ok') checkRefusal(stage, request, outcome.code);
  if (outcome.code !== 'ok' || answer === undefined) return;
  const complaint = complaintAbout(stage, kms, request, answer, outcome.replayed);
  if (complaint === undefined) return;
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
  return complaintAboutLicense(stage, request, askedAt, end);
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
  askedAt: number,
  end: number,
): Complaint | undefined {
  const now = scheduler.now();
  const { states } = history.licenses.get(request.license ?? '') as LicensePast;
  const inForce = [...during(states, askedAt, now)].map(({ record }) => record);
  if (!inForce.some(({ status }) => status === 'active')) {
    return ['I6', `was given a lease on a licence that was ${inForce[0]?.status} all the time`];
  }
  if (inForce.some((license) => end <= longestEnd(license, now + halfSkewMs))) return undefined;
  return ['I6', 'was given a lease beyond its term or its licence'];
}

/** The end of the longest lease that a licence allows. */
function longestEnd({ policy, expires_at: expiresAt }: LicenseRecord, latestNow: number): number {
  const { lease_seconds: lease, borrow_max_seconds: borrow } = policy;
  return Math.min(latestNow + Math.max(lease, borrow) * 1000, expiresAt ?? Number.POSITIVE_INFINITY);
}

export function lifeOf({ history }: Stage, sessionId: string): SessionLife | undefined {
  return history.sessions.get(parseSessionId(sessionId)?.generation ?? '');
}

function agrees(payload: DocumentPayload, { session_id, lease_expires_at }: SessionAnswer): boolean {
  return payload.session_id === session_id && payload.lease_expires_at === lease_expires_at;
}
