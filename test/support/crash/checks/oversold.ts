/** I1: at every instant the leases that are live, counted from what clients were told, number at most the seats. */
import type { Book } from '../book.ts';
import type { CrashLicense } from '../site.ts';

export function oversoldProblems(book: Book, licenses: readonly CrashLicense[]): string[] {
  return licenses.flatMap((license) => {
    const most = mostAtOnce(book, license);
    return license.seats !== null && most > license.seats
      ? [`${most} live leases at once on ${license.seats} seats`]
      : [];
  });
}

/** The largest number of clients that could rely on a seat of this licence at the same time. */
export function mostAtOnce(book: Book, license: CrashLicense): number {
  const changes = [...book.sessions.values()]
    .filter((session) => session.license === license)
    .flatMap(({ spans }) => spans)
    .flatMap(({ from, to }) => [
      { at: from, by: 1 },
      { at: to, by: -1 },
    ])
    // A lease holds before its end: what ends and what begins at one instant do not overlap.
    .sort((a, b) => a.at - b.at || a.by - b.by);
  let live = 0;
  let most = 0;
  for (const { by } of changes) {
    live += by;
    most = Math.max(most, live);
  }
  return most;
}
