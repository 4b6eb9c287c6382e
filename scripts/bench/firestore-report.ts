/** Prints what `firestore.ts` measured, as Markdown. */
import type { Crowd, FirestoreCosts, OperationCost } from './firestore.ts';
import { median } from './statistics.ts';

export function describeFirestore({ latencyMs, operations, crowds }: FirestoreCosts): string {
  return [
    `Firestore's test server, ${latencyMs} ms a call, in a process of its own; ${operations[0]?.rounds.length} runs each`,
    '',
    '| | round trips | RPCs | reads | writes | ms | one round trip | ratio |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...operations.map(rowOf),
    '',
    ...crowds.map(describeCrowd),
  ].join('\n');
}

function rowOf({ name, rounds, calls, reads, writes, latenciesMs, roundTripsMs }: OperationCost): string {
  const ratio = median(latenciesMs.map((ms, run) => ms / (roundTripsMs[run] ?? Number.NaN)));
  const cells = [
    name,
    span(rounds),
    span(calls),
    String(reads),
    String(writes),
    median(latenciesMs).toFixed(1),
    median(roundTripsMs).toFixed(1),
    ratio.toFixed(2),
  ];
  return `| ${cells.join(' | ')} |`;
}

function describeCrowd({ machines, seats, latencyMs, oneMs, medianMs, allMs, callsEach }: Crowd): string {
  const ratio = (ms: number) => `${ms.toFixed(0)} ms, ${(ms / oneMs).toFixed(1)} times`;
  return (
    `${machines} machines at once on ${seats} seats, ${latencyMs} ms a call: one alone ${oneMs.toFixed(1)} ms;` +
    ` median ${ratio(medianMs)}; until all have theirs ${ratio(allMs)}; ${callsEach.toFixed(1)} RPCs each`
  );
}

/** The median, and the range where runs differ. */
function span(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? String(least) : `${median(values)} (${least}–${most})`;
}
