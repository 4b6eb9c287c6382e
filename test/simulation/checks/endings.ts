/**
 * What the end of a licence means, in the words that customers are told and apart from the code that decides:
 *
 * - `restrict`: from the end on nobody is told of a lease, and no lease lasts beyond it.
 * - `maintain`: from the end on a machine is told of a lease of a session that it had at the end, and has held since. A seat
 *   is borrowed until the end.
 * - `allow`: the end is a date.
 *
 * What was given before stays given. An instance's clock may be half of the skew behind or ahead.
 */
import type { LicenseRecord } from '../../../shared/records/license.ts';
import { during, type LicensePast, type SessionLife } from '../history.ts';
import type { Request } from '../request.ts';
import type { Stage } from '../stage.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** The latest end of a lease that a licence gives at `latestNow`. */
export function latestLeaseEnd(license: LicenseRecord, latestNow: number): number {
  const { policy, expires_at, expiry_strategy } = license;
  const end = expires_at ?? NEVER;
  const floating = latestNow + policy.lease_seconds * 1000;
  const borrowed = latestNow + policy.borrow_max_seconds * 1000;
  switch (expiry_strategy) {
    case 'restrict':
      return Math.min(end, Math.max(floating, borrowed));
    case 'maintain':
      return Math.max(floating, Math.min(end, borrowed));
    case 'allow':
      return Math.max(floating, borrowed);
  }
}

/** The latest end of a document with a lease until `leaseEnd`. What is held after the licence is the lease, without grace. */
export function latestDocumentEnd({ expires_at, expiry_strategy }: LicenseRecord, leaseEnd: number): number {
  const end = expires_at ?? NEVER;
  switch (expiry_strategy) {
    case 'restrict':
      return end;
    case 'maintain':
      return Math.max(end, leaseEnd);
    case 'allow':
      return NEVER;
  }
}

/** The earliest end of a floating lease that is given at `earliestNow`: nobody gets less than the term that was sold. */
export function earliestLeaseEnd(license: LicenseRecord, earliestNow: number): number {
  const { policy, expires_at, expiry_strategy } = license;
  const term = earliestNow + policy.lease_seconds * 1000;
  return expiry_strategy === 'restrict' ? Math.min(term, expires_at ?? NEVER) : term;
}

/** Whether a machine may be told of this session: at some time while it asked, its licence was not over for it. */
export function mayBeTold(stage: Stage, request: Request, life: SessionLife, replayed: boolean): boolean {
  const earliestNow = request.arrivedAt - stage.halfSkewMs;
  const goesOn = (replayed || request.isBorrow !== true) && held(stage, request, life, earliestNow);
  const begunAt = life.createdBy.arrivedAt - stage.halfSkewMs;
  return statesOf(stage, request).some(({ expires_at, expiry_strategy: strategy }) => {
    if (strategy === 'allow' || earliestNow < (expires_at ?? NEVER)) return true;
    return strategy === 'maintain' && goesOn && begunAt < (expires_at ?? NEVER);
  });
}

/** Whether a machine that was told that its licence has expired was told the truth. */
export function wasOver(stage: Stage, request: Request): boolean {
  const latestNow = stage.scheduler.now() + stage.halfSkewMs;
  return statesOf(stage, request).some(({ expires_at, expiry_strategy: strategy }) => {
    if (strategy === 'allow' || latestNow < (expires_at ?? NEVER)) return false;
    if (strategy === 'restrict' || request.isBorrow === true) return true;
    return !heldAllTheTime(stage, request, latestNow, expires_at ?? NEVER);
  });
}

/** Counts what is told after the end of a licence. */
export function countTold(stage: Stage, request: Request): void {
  const license = statesOf(stage, request)[0];
  const isAfter = request.arrivedAt >= (license?.expires_at ?? NEVER);
  if (isAfter) stage.counters.count(`${request.operation} after the end: ${license?.expiry_strategy}`);
}

/** The licence as it was while the request was under way, latest first. */
function statesOf({ history, scheduler }: Stage, { license, arrivedAt }: Request): LicenseRecord[] {
  const { states } = history.licenses.get(license ?? '') as LicensePast;
  return [...during(states, arrivedAt, scheduler.now())].map(({ record }) => record);
}

/** Whether the lease of a session, as others than this request left it, went on at some time while it was under way. */
function held({ scheduler }: Stage, request: Request, life: SessionLife, earliestNow: number): boolean {
  const versions = [...during(life.versions, request.arrivedAt, scheduler.now())];
  return versions.some(({ record, by }) => by !== request && record.lease_expires_at > earliestNow);
}

/** Whether the machine had one live session from the arrival of the request until now, which began before `end`. */
function heldAllTheTime(
  { history, scheduler, halfSkewMs }: Stage,
  request: Request,
  latestNow: number,
  end: number,
): boolean {
  const { license, hardware, arrivedAt } = request;
  const lives = [...history.sessions.values()].filter(
    (life) => life.license === license && life.hardware === hardware && life.removedAt === undefined,
  );
  return lives.some(
    ({ createdAt, versions }) =>
      createdAt < Math.min(arrivedAt, end - halfSkewMs) &&
      [...during(versions, arrivedAt, scheduler.now())].every(
        ({ record }) => record.lease_expires_at > latestNow,
      ),
  );
}
