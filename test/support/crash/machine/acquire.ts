/** A machine's acquire, its answer, and what the answer must say. */
import { randomUUID } from 'node:crypto';
import { parseSessionId } from '../../../../shared/session-id.ts';
import { type Book, noteAcquired, noteMaybeExtended, type UncertainAcquire } from '../book.ts';
import type { Machine } from '../machine.ts';
import type { Answered, Service } from '../service.ts';

export interface AcquireRequest {
  readonly kind: 'acquire';
  readonly format: 'inline' | 'jws';
  readonly nonce: string;
  readonly idempotencyKey: string | undefined;
  /** Undefined before the first attempt. */
  firstSentAt: number | undefined;
  /** Its attempts without an answer, once there is one. */
  uncertain: UncertainAcquire | undefined;
  /** The session that an attempt without an answer has committed, where a look into the store has shown one. */
  committed: { readonly generation: string; readonly leaseEndsAt: number } | undefined;
}

export function newAcquire({ dice }: Machine): AcquireRequest {
  return {
    kind: 'acquire',
    format: dice.pick(['inline', 'jws']),
    nonce: randomUUID(),
    idempotencyKey: dice.chance(0.5) ? randomUUID() : undefined,
    firstSentAt: undefined,
    uncertain: undefined,
    committed: undefined,
  };
}

/** True once the machine knows what has become of the request. */
export async function sendAcquire(
  machine: Machine,
  service: Service,
  request: AcquireRequest,
): Promise<boolean> {
  const { format, nonce, idempotencyKey } = request;
  const { book } = service;
  const outcome = await service.post(
    'acquire',
    { license_key: machine.license.key, hardware_id: machine.hardwareId, format, nonce },
    idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey },
  );
  request.firstSentAt ??= outcome.sentAt;
  if (outcome.kind === 'unanswered' || isToSignLater(service, outcome)) {
    noteUncertain(machine, book, request, { from: outcome.sentAt, to: outcome.endedAt });
    return false;
  }
  if (request.uncertain !== undefined) request.uncertain.answeredAt = outcome.endedAt;
  if (outcome.status === 200) await accept(machine, service, request, outcome);
  else refuse(machine, service, request, outcome);
  return true;
}

/** It has happened or not: a new session, or one of the machine's that lives longer. */
function noteUncertain(
  { license, hardware, session, abandoned }: Machine,
  book: Book,
  request: AcquireRequest,
  attempt: UncertainAcquire['attempts'][number],
): void {
  if (request.uncertain === undefined) {
    request.uncertain = { license, hardware, attempts: [], answeredAt: Number.POSITIVE_INFINITY };
    book.uncertainAcquires.push(request.uncertain);
  }
  request.uncertain.attempts.push(attempt);
  for (const known of [session, abandoned]) if (known !== undefined) noteMaybeExtended(known, attempt.to);
}

/** The session may have been committed, and its signature has to wait for the KMS. */
function isToSignLater({ book, maySignLater }: Service, { status, headers, body }: Answered): boolean {
  if (status !== 503 || body.code !== 'signing_unavailable') return false;
  if (!maySignLater) book.violations.push('acquire: signing_unavailable, and the KMS was never away');
  if (!/^[1-9]\d*$/.test(String(headers['retry-after'])))
    book.violations.push('acquire: signing_unavailable without a Retry-After in seconds');
  book.counts.unsigned += 1;
  return true;
}

async function accept(
  machine: Machine,
  service: Service,
  request: AcquireRequest,
  { body, headers, sentAt, endedAt: receivedAt }: Answered,
): Promise<void> {
  const { book } = service;
  const scope = { hardwareId: machine.hardwareId, nonce: request.nonce };
  const payload = await service.verify(request.format === 'jws' ? body.token : body.license_data, scope);
  const address = parseSessionId(body.session_id);
  if (payload === undefined || address === undefined) return;
  if (payload.session_id !== body.session_id || payload.lease_expires_at !== body.lease_expires_at)
    book.violations.push('acquire: the signed document says something else than the answer');

  const { generation } = address;
  const isReplayed = headers['idempotent-replayed'] === 'true';
  if (isReplayed) book.counts.replayed += 1;
  const wrong = continuityProblem(machine, request, { generation, receivedAt, isReplayed });
  if (wrong !== undefined) book.violations.push(`acquire: ${wrong}`);
  machine.session = noteAcquired(book, {
    license: machine.license,
    hardware: machine.hardware,
    generation,
    sessionId: body.session_id,
    sentAt: request.firstSentAt ?? sentAt,
    receivedAt,
    leaseEndsAt: Date.parse(body.lease_expires_at),
  });
  machine.abandoned = undefined;
}

interface Answer {
  readonly generation: string;
  readonly receivedAt: number;
  readonly isReplayed: boolean;
}

/** A machine that has a live session gets that one, and a repeated request the session that it made the first time. */
function continuityProblem(
  { session }: Machine,
  { committed, idempotencyKey }: AcquireRequest,
  { generation, receivedAt, isReplayed }: Answer,
): string | undefined {
  if (session !== undefined && receivedAt < session.leaseEndsAt && generation !== session.generation)
    return `the machine has a live session, ${session.generation}, and got another, ${generation}`;
  if (committed === undefined) return undefined;
  const isSame = generation === committed.generation;
  if (idempotencyKey !== undefined && !(isSame && isReplayed))
    return `the first attempt committed ${committed.generation}, and its key now gives ${generation}`;
  if (!isSame && receivedAt < committed.leaseEndsAt)
    return `the first attempt committed ${committed.generation}, which lives, and the second gives ${generation}`;
  return undefined;
}

function refuse(machine: Machine, { book }: Service, request: AcquireRequest, answer: Answered): void {
  const { status, body, endedAt } = answer;
  const isExhausted = status === 409 && body.code === 'seats_exhausted';
  const isReplayOver =
    status === 404 && body.code === 'session_not_found' && mayBeOver(request, machine, endedAt);
  if (!isExhausted && !isReplayOver) book.violations.push(`acquire: ${status} ${JSON.stringify(body)}`);
  const isOwed = [request.committed, machine.session].some(
    (session) => session !== undefined && endedAt < session.leaseEndsAt,
  );
  if (isOwed) book.violations.push('acquire: the machine holds a seat and is told that there is none');
  book.counts[isExhausted ? 'exhausted' : 'replaysOver'] += 1;
  machine.session = undefined;
}

/** Whether the first attempt of a request with a key may have started a session whose lease has ended since. */
function mayBeOver({ uncertain, idempotencyKey }: AcquireRequest, { license }: Machine, at: number): boolean {
  if (idempotencyKey === undefined || uncertain === undefined) return false;
  return uncertain.attempts.some(({ from }) => from + license.leaseMs <= at);
}
