/**
 * I2 and I3 in the store's own history: a lease end never moves back, a session that is over never returns, and none
 * ends before its lease without a cause that the rules name.
 */
import type { LicenseRecord } from '../../../shared/records/license.ts';
import { licensePath } from '../../../shared/records/paths.ts';
import type { SessionRecord } from '../../../shared/records/session.ts';
import { parseSessionId } from '../../../shared/session-id.ts';
import type { Change, Commit, SessionLife } from '../history.ts';
import type { Request } from '../request.ts';
import type { Stage } from '../stage.ts';

export interface SessionChecks {
  committed(commit: Commit): void;
  /** A client was told that this session lives. */
  told(life: SessionLife): void;
}

export function createSessionChecks(stage: Stage): SessionChecks {
  const { history, judge, names, counters } = stage;
  const over = new Set<string>();
  const acknowledged = new Set<string>();

  function check(commit: Commit, change: Change): void {
    const before = change.before as SessionRecord | undefined;
    const after = change.after as SessionRecord | undefined;
    const parties = { license: names.get(change.license), machine: names.get(change.id) };
    const isSame = before?.generation === after?.generation;
    if (after !== undefined && over.has(after.generation)) {
      judge.fail('I2', `session ${nameOf(after)} is over, and a commit made it live again`, parties);
    }
    if (before !== undefined && after !== undefined && isSame) checkKept(before, after, parties);
    if (before === undefined || isSame) return;
    over.add(before.generation);
    checkEnd(commit, change, before, parties);
  }

  function checkKept(before: SessionRecord, after: SessionRecord, parties: object): void {
    if (after.lease_expires_at < before.lease_expires_at) {
      const earlierMs = before.lease_expires_at - after.lease_expires_at;
      judge.fail('I2', `the lease end of ${nameOf(after)} moved back by ${earlierMs} ms`, parties);
    }
    if (after.started_at !== before.started_at) {
      judge.fail('I5', `the start of ${nameOf(after)} changed`, parties);
    }
    if (after.seat !== before.seat) counters.count('session moved to another seat');
  }

  function checkEnd({ at, request }: Commit, change: Change, ended: SessionRecord, parties: object): void {
    const cause = causeOf(at, request, change, ended);
    counters.count(`session ${cause ?? 'ended early'}`);
    if (cause !== undefined) return;
    const lease = new Date(ended.lease_expires_at).toISOString();
    const what = `session ${nameOf(ended)} was ended by ${request.operation} r${request.id}`;
    const invariant = change.after === undefined ? 'I2' : 'I3';
    judge.fail(invariant, `${what} before its lease (${lease}) was over`, parties);
  }

  /** Why a session may end in this commit; undefined when nothing allows it. */
  function causeOf(at: number, request: Request, change: Change, ended: SessionRecord): string | undefined {
    const latestNow = at + stage.halfSkewMs;
    const license = history.documents.get(licensePath(change.license)) as LicenseRecord | undefined;
    const isOwn = request.license === change.license && request.hardware === change.id;
    const named = parseSessionId(request.sessionId ?? '')?.generation;
    if (request.operation === 'release' && isOwn && named === ended.generation) return 'released';
    if (license?.status === 'revoked') return 'revoked';
    if (isOwn && latestNow >= ended.lease_expires_at) return 'replaced by its machine';
    if (latestNow >= ended.lease_expires_at + stage.configuration.clockSkewSeconds * 1000) {
      return request.operation === 'sweep' ? 'swept' : 'taken over';
    }
    if (isOwn && request.operation === 'acquire' && !acknowledged.has(ended.generation)) return 'withdrawn';
    return undefined;
  }

  const nameOf = ({ generation }: SessionRecord) => history.sessions.get(generation)?.name ?? generation;

  return {
    told: ({ generation }) => void acknowledged.add(generation),
    committed(commit) {
      for (const change of commit.changes) if (change.kind === 'session') check(commit, change);
    },
  };
}
