/** The checks of one world, together. */
import type { Commit } from '../history.ts';
import type { Kms } from '../kms.ts';
import { type Outcome, type Request, sessionAnswer } from '../request.ts';
import type { Stage } from '../stage.ts';
import { checkAnswer, lifeOf } from './answers.ts';
import { createIdempotencyChecks } from './idempotency.ts';
import { createLeaseChecks } from './leases.ts';
import { createLedgerChecks } from './ledger.ts';
import { checkAcknowledged, checkRevocation } from './operators.ts';
import { createSessionChecks } from './sessions.ts';
import { checkStructure } from './structure.ts';

export interface Checks {
  /** The store has applied a commit. */
  committed(commit: Commit): void;
  /** An instance has sent its answer. */
  answered(request: Request, outcome: Outcome): void;
  /** An answer has reached a client that still waits for it. */
  told(request: Request, outcome: Outcome): void;
  /** A client sends a release of this session. */
  letGo(sessionId: string): void;
  afterStep(): void;
  /** Everything is over. */
  finished(): void;
}

export function createChecks(stage: Stage, kms: Kms): Checks {
  const sessions = createSessionChecks(stage);
  const ledger = createLedgerChecks(stage);
  const leases = createLeaseChecks(stage);
  const idempotency = createIdempotencyChecks(stage);
  return {
    committed(commit) {
      checkStructure(stage, commit);
      checkRevocation(stage, commit);
      sessions.committed(commit);
      ledger.committed(commit);
      idempotency.committed(commit);
    },
    answered(request, outcome) {
      checkAnswer(stage, kms, request, outcome);
      checkAcknowledged(stage, request, outcome);
      idempotency.answered(request, outcome);
      const answer = sessionAnswer(request, outcome);
      const life = answer && lifeOf(stage, answer.session_id);
      if (life === undefined) return;
      sessions.told(life);
      if (request.operation === 'acquire') leases.granted(life);
    },
    told(request, outcome) {
      const answer = sessionAnswer(request, outcome);
      const life = answer && lifeOf(stage, answer.session_id);
      if (answer === undefined || life === undefined) return;
      const askedAt =
        (outcome.code === 'ok' && outcome.replayed && idempotency.firstAskedAt(request)) || request.arrivedAt;
      leases.told(life, Date.parse(answer.lease_expires_at), askedAt);
    },
    letGo(sessionId) {
      const life = lifeOf(stage, sessionId);
      if (life !== undefined) leases.letGo(life);
    },
    afterStep: leases.afterStep,
    finished: ledger.finished,
  };
}
