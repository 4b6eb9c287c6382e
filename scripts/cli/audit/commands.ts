/** `countersign audit …` over HTTP; `verify` is in `store-commands.ts`. */
import { type Command, Option } from 'commander';
import { EXPORT_FORMATS } from '../../../shared/wire/audit.ts';
import { examples } from '../examples.ts';
import { run } from '../run.ts';
import { instant, pageNumber, pageSize } from '../values.ts';
import { type ExportOptions, exportEvents, type ListOptions, listEvents } from './events.ts';

export function addAuditCommands(program: Command): void {
  const audit = examples(
    program.command('audit').description('what operators did'),
    'audit list --action licenses.revoke',
    'audit export --from 2026-01-01 --to 2027-01-01 --format csv --output audit-2026.csv',
  );

  examples(
    filtered(audit.command('list')),
    'audit list --target acme-gmbh',
    'audit list --actor key:csk_Ab3dE6gH --from 2026-11-01 --json',
  )
    .description('a page of the audit trail, newest first')
    .option('--page <number>', 'which page', pageNumber, 1)
    .option('--page-size <number>', 'events on a page, at most 100', pageSize, 20)
    .action((options: ListOptions) => run(() => listEvents(options)));

  examples(
    filtered(audit.command('export')),
    'audit export --format csv --output audit.csv',
    'audit export --from 2026-01-01 --to 2027-01-01 --format jsonl',
  )
    .description('the audit trail, oldest first')
    .addOption(new Option('--format <format>', 'what kind of text').choices(EXPORT_FORMATS).default('jsonl'))
    .option('--output <file>', 'where to; standard output when left out')
    .action((options: ExportOptions) => run(() => exportEvents(options)));
}

function filtered(command: Command): Command {
  return command
    .option('--actor <name>', 'only what this one did, as the trail names it')
    .option('--action <name>', 'only this, such as licenses.revoke')
    .option('--target <id>', 'only what was done to this')
    .option('--from <time>', 'the first instant', instant)
    .option('--to <time>', 'the first instant that is too late', instant)
    .option('--json', 'answer as JSON');
}
