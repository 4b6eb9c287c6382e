/** One request to an instance, as the simulation knows it: who asked what and when. */
import type { ErrorCode } from '../../shared/errors.ts';
import type { ExpiryStrategy } from '../../shared/expiry-strategies.ts';
import type { AcquireAnswer } from '../../shared/usecases/acquire.ts';
import type { HeartbeatAnswer } from '../../shared/usecases/heartbeat.ts';
import type { ReleaseAnswer } from '../../shared/usecases/release.ts';

export type Operation =
  | 'acquire'
  | 'heartbeat'
  | 'release'
  | 'suspend'
  | 'reinstate'
  | 'revoke'
  | 'changeSeats'
  | 'changeStrategy'
  | 'sweep';

export interface Request {
  readonly id: number;
  readonly operation: Operation;
  /** Hash of the licence; undefined for a sweep. */
  readonly license: string | undefined;
  /** Hash of the hardware id; undefined for an operator. */
  readonly hardware: string | undefined;
  /** The session that a heartbeat or a release names. */
  readonly sessionId?: string;
  readonly idempotencyKey?: string | undefined;
  /** Equal for equal bodies. */
  readonly body?: string;
  readonly isBorrow?: boolean;
  /** Of `changeSeats`. */
  readonly seats?: number;
  /** Of `changeStrategy`. */
  readonly expiryStrategy?: ExpiryStrategy;
  /** True time at which an instance got it. Nothing that the instance knows of it is older. */
  arrivedAt: number;
}

export type SessionAnswer = AcquireAnswer | HeartbeatAnswer;

/** What an instance answered. */
export type Outcome =
  | {
      readonly code: 'ok';
      readonly answer: SessionAnswer | ReleaseAnswer | undefined;
      readonly replayed: boolean;
    }
  | { readonly code: ErrorCode };

/** The answer of a successful acquire or heartbeat: it says that a session lives. */
export function sessionAnswer(request: Request, outcome: Outcome): SessionAnswer | undefined {
  if (outcome.code !== 'ok' || (request.operation !== 'acquire' && request.operation !== 'heartbeat')) {
    return undefined;
  }
  return outcome.answer as SessionAnswer;
}
