/** Prints what `lists.ts` measured, as Markdown. */
import type { ListCost, ListCosts } from './lists.ts';
import { median } from './statistics.ts';

export function describeLists({ licenses, lists, filling }: ListCosts): string {
  const { subjectMs, baselineMs } = filling;
  const ratios = subjectMs.map((ms, run) => ms / (baselineMs[run] ?? Number.NaN));
  return [
    `SQLite with ${licenses} licences and as many audit events; ${lists[0]?.ms.length} runs each`,
    '',
    '| | ms | CPU ms | longest wait of others, ms | one pass over the JSON, CPU ms | ratio |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...lists.map(rowOf),
    '',
    `10,000 licences stored: ${median(subjectMs).toFixed(0)} ms; without order tables: ` +
      `${median(baselineMs).toFixed(0)} ms; ratio ${median(ratios).toFixed(2)}, ${ratios.length} runs each`,
  ].join('\n');
}

function rowOf({ name, ms, cpuMs, blockedMs, passMs }: ListCost): string {
  const ratio = median(cpuMs.map((each, run) => each / (passMs[run] ?? Number.NaN)));
  const times = [ms, cpuMs, blockedMs, passMs].map((values) => median(values).toFixed(1));
  return `| ${[name, ...times, ratio.toFixed(2)].join(' | ')} |`;
}
