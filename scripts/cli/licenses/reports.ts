/** `countersign stats`, `reminders`, `export` */
import { once } from 'node:events';
import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { License } from '../../../shared/client/admin-client.ts';
import { csvLine } from '../../../shared/csv.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import type { LicenseStats } from '../../../shared/wire/admin-licenses.ts';
import { answer, type OutputOptions, remark } from '../output.ts';
import { run } from '../run.ts';
import { openService } from '../service.ts';
import { table } from '../table.ts';
import { days } from '../values.ts';
import { filters } from './commands.ts';
import { endingWithin, type FilterOptions, filterOf } from './queries.ts';

const EXPORT_FORMATS = ['csv', 'json', 'jsonl'] as const;

interface ExportOptions extends FilterOptions {
  readonly format: (typeof EXPORT_FORMATS)[number];
  readonly output?: string;
}

interface ReminderOptions extends OutputOptions {
  readonly days: number;
}

/** Columns of the CSV. A document is no column: it is delivered, not tabulated. */
const COLUMNS: Readonly<Record<string, (license: License) => string | number | null>> = {
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
  program
    .command('stats')
    .description('how many licences there are, by status and type')
    .option('--json', 'answer as JSON')
    .action((options: OutputOptions) =>
      run(async () => {
        const stats = await openService().stats();
        answer(options, stats, () => statsTable(stats));
      }),
    );

  program
    .command('reminders')
    .description('who is to be reminded that a licence ends')
    .requiredOption('--days <number>', 'within so many days', days)
    .option('--json', 'answer as JSON')
    .addHelpText('after', '\nExample:\n  countersign reminders --days 30 --json')
    .action((options: ReminderOptions) => run(() => remind(options)));

  filters(program.command('export'))
    .description('every licence that fits, newest first')
    .addOption(new Option('--format <format>').choices(EXPORT_FORMATS).default('csv'))
    .option('--output <file>', 'where to; standard output when left out')
    .addHelpText(
      'after',
      '\nExample:\n  countersign export --format csv --status active --output licences.csv',
    )
    .action((options: ExportOptions) => run(() => exportLicenses(options)));
}

function statsTable({ total, by_status, by_type }: LicenseStats): string {
  const rows = [...Object.entries(by_status), ...Object.entries(by_type), ['all', total] as const];
  return table(
    ['LICENCES', 'NUMBER'],
    rows.map(([what, number]) => [what, String(number)]),
  );
}

async function remind(options: ReminderOptions): Promise<void> {
  const service = openService();
  const addresses = new Map<string, string | null>();
  const addressOf = async ({ holder, customer_id }: License) => {
    if (holder !== null) return holder.email;
    const known = addresses.get(customer_id);
    if (known !== undefined) return known;
    const { email } = await service.customers.get(customer_id);
    addresses.set(customer_id, email);
    return email;
  };
  const reminders: { license_id: string; customer_name: string; email: string | null; expires_at: string }[] =
    [];
  for (const license of await endingWithin(service, options.days)) {
    reminders.push({
      license_id: license.id,
      customer_name: license.customer_name,
      email: await addressOf(license),
      expires_at: license.expires_at ?? '',
    });
  }
  answer(options, { days: options.days, reminders }, () =>
    table(
      ['ENDS', 'E-MAIL', 'CUSTOMER', 'LICENCE'],
      reminders.map(({ license_id, customer_name, email, expires_at }) => [
        expires_at,
        email ?? '(none)',
        customer_name,
        license_id,
      ]),
    ),
  );
}

async function exportLicenses(options: ExportOptions): Promise<void> {
  const licenses = openService().licenses.all(filterOf(options));
  const lines = linesOf(options.json ? 'json' : options.format, licenses);
  if (options.output === undefined) await writeLines(process.stdout, lines);
  else await writeFileWhole(options.output, lines);
}

/** The text piece by piece: a page of licences is held at a time, never all. */
export async function* linesOf(
  format: ExportOptions['format'],
  licenses: AsyncIterable<License>,
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

async function writeLines(target: NodeJS.WritableStream, lines: AsyncIterable<string>): Promise<number> {
  let written = 0;
  for await (const line of lines) {
    if (!target.write(line)) await once(target, 'drain');
    written += 1;
  }
  return written;
}

/** An export that breaks off leaves no half file under the name that was asked for. */
async function writeFileWhole(path: string, lines: AsyncIterable<string>): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = createWriteStream(temporary, { mode: 0o600 });
  try {
    await once(file, 'open');
    await writeLines(file, lines);
    file.end();
    await once(file, 'close');
    renameSync(temporary, path);
  } catch (error) {
    file.destroy();
    rmSync(temporary, { force: true });
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new OperatorError(`${path} cannot be written: ${(error as Error).message}`, { cause: error });
  }
  remark(`The export is in ${path}.`);
}
