/** What holds of every stored state, whatever clients know: each commit happened as a whole or not at all. */
import { sessionKey } from '../book.ts';
import type { Stored, StoredLicense } from '../stored.ts';

export function structureProblems({ licenses, usage }: Stored): string[] {
  return licenses.flatMap((stored) => [
    ...sessionProblems(stored),
    ...seatProblems(stored),
    ...undeadProblems(stored, usage),
  ]);
}

/** Every session has its seat, where there are seats. */
function sessionProblems({ license, sessions, seats }: StoredLicense): string[] {
  return [...sessions].flatMap(([hardware, { seat }]) => {
    if (license.seats === null) return seat === null ? [] : [`a seat ${seat} of an unlimited licence`];
    if (seat === null || seat >= license.seats) return [`seat ${seat} of a licence of ${license.seats}`];
    return seats.get(seat) === hardware ? [] : [`a session on seat ${seat}, which says ${seats.get(seat)}`];
  });
}

/** Every taken seat has its session. */
function seatProblems({ license, sessions, seats }: StoredLicense): string[] {
  return [...seats].flatMap(([seat, hardware]) =>
    sessions.get(hardware)?.seat === seat
      ? []
      : [`seat ${seat} of ${license.seats} is held for ${hardware}, which has no session on it`],
  );
}

/** No session lives that has been accounted for as ended. */
function undeadProblems({ license, sessions }: StoredLicense, usage: Stored['usage']): string[] {
  return [...sessions].flatMap(([hardware, { generation }]) =>
    usage.has(sessionKey(license.hash, hardware, generation))
      ? [`session ${generation} lives and has a usage interval`]
      : [],
  );
}
