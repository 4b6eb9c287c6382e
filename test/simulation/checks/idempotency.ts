/**
 * I7: the same Idempotency-Key and body gives the same answer, another body a conflict. What a key stands for is written
 * in the commit of its effect, so that neither exists without the other.
 */
import type { ErrorCode } from '../../../shared/errors.ts';
import { sessionPath } from '../../../shared/records/paths.ts';
import type { ReleaseAnswer } from '../../../shared/usecases/release.ts';
import type { Commit } from '../history.ts';
import type { Outcome, Request } from '../request.ts';
import { sessionAnswer } from '../request.ts';
import type { Stage } from '../stage.ts';
import { partiesOf } from '../store.ts';

export interface IdempotencyChecks {
  committed(commit: Commit): void;
  answered(request: Request, outcome: Outcome): void;
  /** When the first request with this one's key arrived. */
  firstAskedAt(request: Request): number | undefined;
}

/** What a key stands for since its first effect. */
interface Bound {
  readonly request: Request;
  readonly committedAt: number;
  readonly expiresAt: number;
  /** What was answered first. */
  answer: string | undefined;
}

/**
 * Answers to a key's own body other than its answer: not now, its session is over, or its licence or its seat does
 * not hold.
 */
const EXCUSES: readonly ErrorCode[] = [
  'store_unavailable',
  'signing_unavailable',
  'session_not_found',
  'license_expired',
  'license_revoked',
  'license_suspended',
  'seats_exhausted',
];

export function createIdempotencyChecks(stage: Stage): IdempotencyChecks {
  const { judge, scheduler, halfSkewMs, counters } = stage;
  const bindings = new Map<string, Bound>();
  /** When a key was last taken back. */
  const freedAt = new Map<string, number>();

  const fail = (request: Request, message: string) =>
    judge.fail(
      'I7',
      `r${request.id} (${request.operation}, key ${request.idempotencyKey}): ${message}`,
      partiesOf(stage, request),
    );

  function boundTo(request: Request): Bound | undefined {
    const bound = bindings.get(keyOf(request));
    return bound === undefined || scheduler.now() + halfSkewMs >= bound.expiresAt ? undefined : bound;
  }

  /** What nobody was answered yet may change, by the request that it is the answer to. */
  function bind(request: Request, expiresAt: number): void {
    const bound = boundTo(request);
    const mayChange = bound?.request === request && bound.answer === undefined;
    if (bound !== undefined && !mayChange) fail(request, 'what the key stands for was overwritten');
    bindings.set(keyOf(request), { request, committedAt: scheduler.now(), expiresAt, answer: undefined });
  }

  /** A request may take back what it committed and never answered. */
  function unbind(request: Request): void {
    const bound = bindings.get(keyOf(request));
    bindings.delete(keyOf(request));
    freedAt.set(keyOf(request), scheduler.now());
    if (bound?.answer !== undefined)
      fail(request, 'what the key stands for was forgotten after it was answered');
  }

  /** What is wrong with the answer to a request whose key stands for something. */
  function wrongWith(request: Request, outcome: Outcome, bound: Bound): string | undefined {
    const isSameBody = bound.request.body === request.body;
    const wasThere = bound.committedAt < request.arrivedAt;
    // What was decided before the key stood for anything is as good as answered before.
    if (!isSameBody && !wasThere && bound.request !== request) return undefined;
    if (outcome.code === 'ok') {
      if (!isSameBody) return `another body was accepted; r${bound.request.id} used the key before`;
      const answer = essenceOf(request, outcome);
      bound.answer ??= answer;
      return answer === bound.answer ? undefined : `the answer was ${answer}, and ${bound.answer} before`;
    }
    if (outcome.code === 'idempotency_conflict') {
      return isSameBody ? 'its own body was called another one' : undefined;
    }
    if (!wasThere || EXCUSES.includes(outcome.code)) return undefined;
    return `it was refused with ${outcome.code} although the key stands for r${bound.request.id}`;
  }

  /** What is wrong with the answer to a request whose key stands for nothing. */
  function wrongWithUnbound(request: Request, { code }: Outcome): string | undefined {
    const wasFree = (freedAt.get(keyOf(request)) ?? Number.NEGATIVE_INFINITY) < request.arrivedAt;
    return code === 'idempotency_conflict' && wasFree
      ? 'a conflict, but the key stands for nothing'
      : undefined;
  }

  return {
    committed({ request, changes }) {
      if (request.idempotencyKey === undefined) return;
      const own = changes.find(
        ({ path }) => path === sessionPath(request.license ?? '', request.hardware ?? ''),
      );
      const memory = changes.find(({ kind }) => kind === 'idempotency');
      if (memory?.after !== undefined) bind(request, Number(memory.after.expires_at));
      else if (memory?.before !== undefined) unbind(request);
      const hasEffect = own !== undefined && (request.operation === 'release' || own.after !== undefined);
      if (hasEffect && memory === undefined)
        fail(request, 'its effect was committed without what its key stands for');
    },
    answered(request, outcome) {
      if (request.idempotencyKey === undefined) return;
      const bound = boundTo(request);
      const wrong =
        bound === undefined ? wrongWithUnbound(request, outcome) : wrongWith(request, outcome, bound);
      if (wrong !== undefined) fail(request, wrong);
      if (outcome.code === 'ok' && outcome.replayed) counters.count('replay');
    },
    firstAskedAt: (request) => bindings.get(keyOf(request))?.request.arrivedAt,
  };
}

const keyOf = ({ license, operation, idempotencyKey }: Request) =>
  `${license} ${operation} ${idempotencyKey}`;

/** What must not differ between two answers to the same request. */
function essenceOf(request: Request, outcome: Outcome): string {
  const lease = sessionAnswer(request, outcome);
  if (lease !== undefined) return `${lease.session_id} ${lease.lease_expires_at}`;
  const released = 'answer' in outcome ? (outcome.answer as ReleaseAnswer) : undefined;
  return `${released?.session_id} ${released?.released_at}`;
}
