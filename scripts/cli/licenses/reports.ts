/** `countersign stats`, `export`; `reminders` has a file of its own */
import { type Command, Option } from 'commander';
import type { ListedLicense } from '../../../shared/client/admin-client.ts';
import { csvLine } from '../../../shared/csv.ts';
import type { LicenseStats } from '../../../shared/wire/admin-licenses.ts';
import { examples } from '../examples.ts';
import { writePieces } from '../export-file.ts';
import { answer, type OutputOptions } from '../output.ts';
import { run } from '../run.ts';
import { openService } from '../service.ts';
import { table } from '../table.ts';
import { filters } from './commands.ts';
import { type FilterOptions, filterOf } from './queries.ts';
import { addReminderCommand } from './reminders.ts';

const EXPORT_FORMATS = ['csv', 'json', 'jsonl'] as const;

interface ExportOptions extends FilterOptions {
  readonly format: (typeof EXPORT_FORMATS)[number];
  readonly output?: string;
}

/** Columns of the CSV. A document is no column: it is delivered, not tabulated. */
const COLUMNS: Readonly<Record<string, (license: ListedLicense) => string | number | null>> = {
  id: ({ id }) => id,
  customer_id: ({ customer_id }) => customer_id,
  customer_name: ({ customer_name }) => customer_name,
  module_name: ({ module_name }) => module_name,
  license_type: ({ license_type }) => license_type,
  status: ({ status }) => status,
  tier: ({ tier }) => tier,
  features: ({ features }) => features.join(' '),
  seats: ({ seats }) => seats,
  holder_name: ({ holder }) => holder?.name ?? null,
  holder_email: ({ holder }) => holder?.email ?? null,
  issued_at: ({ issued_at }) => issued_at,
  expires_at: ({ expires_at }) => expires_at,
  revoked_reason: ({ revoked_reason }) => revoked_reason,
  notes: ({ notes }) => notes,
};

export function addReportCommands(program: Command): void {
  examples(program.command('stats'), 'stats', 'stats --json')
    .description('how many licences there are, by status, type and tier')
    .option('--json', 'answer as JSON')
    .action((options: OutputOptions) =>
      run(async () => {
        const stats = await openService().stats();
        answer(options, stats, () => statsTable(stats));
      }),
    );

  addReminderCommand(program);

  examples(filters(program.command('export')), 'export --format csv --status active --output licences.csv')
    .description('every licence that fits, newest first')
    .addOption(new Option('--format <format>', 'what kind of text').choices(EXPORT_FORMATS).default('csv'))
    .option('--output <file>', 'where to; standard output when left out')
    .action((options: ExportOptions) => run(() => exportLicenses(options)));
}

function statsTable({ total, ...counts }: LicenseStats): string {
  const rows = (['status', 'type', 'tier'] as const).flatMap((by) =>
    Object.entries(counts[`by_${by}`]).map(([value, number]) => [by, value, String(number)]),
  );
  return table(['BY', 'LICENCES', 'NUMBER'], [...rows, ['', 'all', String(total)]]);
}

async function exportLicenses(options: ExportOptions): Promise<void> {
  const licenses = openService().licenses.all(filterOf(options));
  const lines = linesOf(options.json ? 'json' : options.format, licenses);
  await writePieces(options.output, lines);
}

/** The text piece by piece: a page of licences is held at a time, never all. */
export async function* linesOf(
  format: ExportOptions['format'],
  licenses: AsyncIterable<ListedLicense>,
): AsyncGenerator<string> {
  if (format === 'csv') yield csvLine(Object.keys(COLUMNS));
  if (format === 'json') yield '[';
  let written = 0;
  for await (const license of licenses) {
    if (format === 'csv') yield csvLine(Object.values(COLUMNS).map((cell) => cell(license)));
    else if (format === 'jsonl') yield `${JSON.stringify(license)}\n`;
    else yield `${written === 0 ? '\n' : ',\n'}${JSON.stringify(license)}`;
    written += 1;
  }
  if (format === 'json') yield written === 0 ? ']\n' : '\n]\n';
}
