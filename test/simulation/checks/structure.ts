/** Seats and sessions correspond one to one, and sessions are what the licence allows. After every commit. */

import { seatId, seatPath, sessionPath } from '../../../shared/records/paths.ts';
import type { SeatRecord, SessionRecord } from '../../../shared/records/session.ts';
import type { Change, Commit } from '../history.ts';
import type { Stage } from '../stage.ts';

export function checkStructure(stage: Stage, { changes }: Commit): void {
  for (const change of changes) {
    if (change.kind === 'seat') checkSeat(stage, change);
    if (change.kind === 'session') checkSession(stage, change);
  }
}

/** A seat document names a machine whose session says that it holds this seat. */
function checkSeat({ history, judge, names }: Stage, { license, id, after }: Change): void {
  if (after === undefined) return;
  const { hardware } = after as unknown as SeatRecord;
  const session = history.documents.get(sessionPath(license, hardware)) as SessionRecord | undefined;
  if (session !== undefined && session.seat !== null && seatId(session.seat) === id) return;
  const machine = names.get(hardware);
  const claim = session === undefined ? 'has no session' : `has a session with seat ${session.seat}`;
  judge.fail(
    'structure',
    `seat ${Number(id)} of ${names.get(license)} is held by ${machine}, which ${claim}`,
    {
      license: names.get(license),
    },
  );
}

/** A session's seat names its machine, and a session that is gone has left no seat behind. */
function checkSession(
  { history, judge, names }: Stage,
  { license, id: hardware, before, after }: Change,
): void {
  const session = after as SessionRecord | undefined;
  const parties = { license: names.get(license) };
  const machine = names.get(hardware);
  const holderOf = (seat: number) => history.documents.get(seatPath(license, seat))?.hardware;
  if (session !== undefined && session.seat !== null && holderOf(session.seat) !== hardware) {
    judge.fail(
      'structure',
      `the session of ${machine} claims seat ${session.seat}, which it does not hold`,
      parties,
    );
  }
  const left = (before as SessionRecord | undefined)?.seat ?? null;
  if (left !== null && left !== session?.seat && holderOf(left) === hardware) {
    judge.fail('structure', `${machine} still holds seat ${left}, which its session has left`, parties);
  }
}
