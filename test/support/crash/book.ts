/**
 * What the clients know, written down as it happens: the sessions they were told of, the leases they may rely on, and
 * the requests that were never answered and so may or may not have happened.
 */
import type { CrashLicense } from './site.ts';

/** A time during which a client may rely on its seat: from when it was told, to the end of the lease or its release. */
export interface Span {
  readonly from: number;
  to: number;
}

export interface KnownSession {
  readonly license: CrashLicense;
  /** Hash of the machine. */
  readonly hardware: string;
  readonly generation: string;
  readonly sessionId: string;
  /** It was started between these two: the first attempt to acquire it, and the first answer. */
  readonly startedFrom: number;
  readonly startedTo: number;
  readonly spans: Span[];
  /** The latest end of its lease that was told. */
  leaseEndsAt: number;
  /** The latest end that a request without an answer may have brought about. */
  leaseEndsAtMost: number;
  releaseSentAt: number | undefined;
  /** What the answer to the release said; undefined until there is one. */
  releasedAt: number | undefined;
}

/** An acquire of which at least one attempt was not answered. Each such attempt may have started one session. */
export interface UncertainAcquire {
  readonly license: CrashLicense;
  readonly hardware: string;
  /** When each was sent and given up. */
  readonly attempts: { readonly from: number; readonly to: number }[];
  /** When a later attempt was answered at last; infinite until then. */
  answeredAt: number;
}

const COUNTED = [
  'requests',
  'acquired',
  'renewed',
  'replayed',
  'replaysOver',
  'exhausted',
  'unsigned',
  'heartbeats',
  'lateHeartbeats',
  'leasesLost',
  'released',
  'abandoned',
  'unanswered',
  'foundCommitted',
] as const;

export interface Book {
  /** By `sessionKey`. */
  readonly sessions: Map<string, KnownSession>;
  readonly uncertainAcquires: UncertainAcquire[];
  /** What must never happen and did. */
  readonly violations: string[];
  readonly counts: Record<(typeof COUNTED)[number], number>;
}

export function createBook(): Book {
  const counts = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Book['counts'];
  return { sessions: new Map(), uncertainAcquires: [], violations: [], counts };
}

/** The same for a session and its usage interval. */
export function sessionKey(license: string, hardware: string, generation: string): string {
  return `${license}_${hardware}_${generation}`;
}

export interface Told {
  readonly license: CrashLicense;
  readonly hardware: string;
  readonly generation: string;
  readonly sessionId: string;
  /** When the request was first sent. */
  readonly sentAt: number;
  readonly receivedAt: number;
  readonly leaseEndsAt: number;
}

/** An acquire was answered with a session, a new one or one that the machine had. */
export function noteAcquired(book: Book, told: Told): KnownSession {
  const { license, hardware, generation, sessionId, sentAt, receivedAt, leaseEndsAt } = told;
  const key = sessionKey(license.hash, hardware, generation);
  const session = book.sessions.get(key) ?? {
    license,
    hardware,
    generation,
    sessionId,
    startedFrom: sentAt,
    startedTo: receivedAt,
    spans: [],
    leaseEndsAt: 0,
    leaseEndsAtMost: 0,
    releaseSentAt: undefined,
    releasedAt: undefined,
  };
  book.counts[book.sessions.has(key) ? 'renewed' : 'acquired'] += 1;
  book.sessions.set(key, session);
  noteExtended(session, receivedAt, leaseEndsAt);
  return session;
}

/** A client was told, at `receivedAt`, that it may rely on its seat until `leaseEndsAt`. */
export function noteExtended(session: KnownSession, receivedAt: number, leaseEndsAt: number): void {
  session.leaseEndsAt = Math.max(session.leaseEndsAt, leaseEndsAt);
  session.leaseEndsAtMost = Math.max(session.leaseEndsAtMost, leaseEndsAt);
  const last = session.spans.at(-1);
  if (last !== undefined && receivedAt <= last.to) last.to = Math.max(last.to, leaseEndsAt);
  else if (receivedAt < leaseEndsAt) session.spans.push({ from: receivedAt, to: leaseEndsAt });
}

/** A request that extends a session was not answered; if it happened, it happened before `endedAt`. */
export function noteMaybeExtended(session: KnownSession, endedAt: number): void {
  session.leaseEndsAtMost = Math.max(session.leaseEndsAtMost, endedAt + session.license.leaseMs);
}

/** From when a client has sent its release, it no longer relies on the seat. */
export function noteReleaseSent(session: KnownSession, sentAt: number): void {
  session.releaseSentAt ??= sentAt;
  const last = session.spans.at(-1);
  if (last !== undefined) last.to = Math.min(last.to, session.releaseSentAt);
}
