/**
 * What operators are told is so: a licence was what they made it at some time before the answer, a revocation is final,
 * and once it is acknowledged none of the sessions from before is left (I6).
 */
import type { LicenseRecord } from '../../../shared/records/license.ts';
import { type Commit, during, type LicensePast } from '../history.ts';
import type { Operation, Outcome, Request } from '../request.ts';
import type { Stage } from '../stage.ts';

type Goal = (license: LicenseRecord, request: Request) => boolean;

const GOALS: Partial<Record<Operation, Goal>> = {
  suspend: ({ status }) => status === 'suspended',
  reinstate: ({ status }) => status === 'active',
  revoke: ({ status }) => status === 'revoked',
  changeSeats: ({ seats }, request) => seats === (request.seats ?? null),
  changeStrategy: ({ expiry_strategy: strategy }, request) => strategy === request.expiryStrategy,
};

/** An operator is told that it is done. */
export function checkAcknowledged(stage: Stage, request: Request, { code }: Outcome): void {
  const goal = GOALS[request.operation];
  if (code !== 'ok' || goal === undefined) return;
  const license = request.license ?? '';
  const { states } = stage.history.licenses.get(license) as LicensePast;
  const parties = { license: stage.names.get(license) };
  const inForce = [...during(states, request.arrivedAt, stage.scheduler.now())];
  if (!inForce.some(({ record }) => goal(record, request))) {
    const message = `r${request.id} (${request.operation}) was acknowledged, and the licence never was so`;
    stage.judge.fail('truth', message, parties);
  }
  if (request.operation !== 'revoke') return;
  const left = sessionsFromBefore(stage, request).join(', ');
  if (left !== '') stage.judge.fail('I6', `r${request.id} was acknowledged, and ${left} goes on`, parties);
}

function sessionsFromBefore({ history }: Stage, { license, arrivedAt }: Request): string[] {
  return [...history.sessions.values()]
    .filter((life) => life.license === license && life.removedAt === undefined && life.createdAt < arrivedAt)
    .map(({ name }) => name);
}

/** A revoked licence stays revoked. */
export function checkRevocation({ judge, names }: Stage, { changes, request }: Commit): void {
  for (const { kind, license, before, after } of changes) {
    if (kind !== 'license' || before?.status !== 'revoked' || after?.status === 'revoked') continue;
    const message = `r${request.id} made a revoked licence ${String(after?.status)}`;
    judge.fail('I6', message, { license: names.get(license) });
  }
}
