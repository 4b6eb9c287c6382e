/** One paragraph about a run, so that one can see what it has tried. */
import type { Book } from './book.ts';
import { totalOf } from './checks/ledger.ts';
import { mostAtOnce } from './checks/oversold.ts';
import type { Stored } from './stored.ts';

export function report(title: string, stored: Stored, book: Book): string {
  const counts = Object.entries(book.counts).map(([name, count]) => `${name} ${count}`);
  const reasons = Map.groupBy(stored.usage.values(), ({ reason }) => reason);
  const endings = [...reasons].map(([reason, intervals]) => `${reason} ${intervals.length}`);
  const licenses = stored.licenses.map(({ license }) => {
    const { ledgerMs, atLeastMs, atMostMs } = totalOf(stored, book, license);
    const seconds = (ms: number) => (ms / 1000).toFixed(1);
    return (
      `  ${license.seats ?? 'unlimited'} seats: at most ${mostAtOnce(book, license)} told at once; ` +
      `ledger ${seconds(ledgerMs)} s, clients know of ${seconds(atLeastMs)} to ${seconds(atMostMs)} s`
    );
  });
  return [title, `  ${counts.join(', ')}`, `  intervals: ${endings.join(', ')}`, ...licenses].join('\n');
}
