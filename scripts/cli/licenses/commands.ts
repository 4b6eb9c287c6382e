/** `countersign licenses …` */
import type { Command } from 'commander';
import { TIER_NAMES } from '../../../shared/tiers.ts';
import { ISSUED_FORMAT_NAMES, LICENSE_STATUSES, LICENSE_TYPES } from '../../../shared/wire/admin-licenses.ts';
import { run } from '../run.ts';
import { count, days, numbers, oneOf, pageNumber, pageSize, words } from '../values.ts';
import { type EndActivationOptions, endActivation, listActivations } from './activations.ts';
import * as change from './change.ts';
import * as documents from './documents.ts';
import { type IssueOptions, issueLicense } from './issue.ts';
import * as queries from './queries.ts';

export function addLicensesCommands(program: Command): void {
  const licenses = program
    .command('licenses')
    .description('issue licences, find them, change them')
    .addHelpText(
      'after',
      `
Examples:
  countersign licenses issue --customer acme-gmbh --module sale_forecast --type subscription --days 365 --versions 16,17
  countersign licenses find --email ada@example.com
  countersign licenses deliver LICENSE_ID --output ada.license
  countersign licenses revoke LICENSE_ID --reason "chargeback" --yes`,
    );
  addIssue(licenses);
  addReading(licenses);
  addChanging(licenses);
  addActivations(licenses);
}

function addIssue(licenses: Command): void {
  licenses
    .command('issue')
    .description('issue a licence; its key is in this answer and is stored nowhere')
    .requiredOption('--customer <id>', 'whose it is')
    .requiredOption('--module <name>', 'the product')
    .requiredOption('--type <type>', LICENSE_TYPES.join(', '), oneOf(LICENSE_TYPES))
    .option('--days <number>', 'how long it lasts', days)
    .option('--versions <numbers>', 'major versions that may run: 16,17', numbers)
    .option('--fingerprint <sha256:…>', 'the only installation that may run it')
    .option('--tier <tier>', TIER_NAMES.join(', '), oneOf(TIER_NAMES))
    .option('--features <names>', 'with commas between them', words)
    .option('--seats <number>', 'floating seats; unlimited when left out', count)
    .option('--max-instances <number>', 'limits of an on-premises build, all three or none', count)
    .option('--max-services <number>', '', count)
    .option('--max-requests-per-day <number>', '', count)
    .option('--holder-name <name>', 'whom a node-locked licence names')
    .option('--holder-email <address>')
    .option('--key <key>', 'a licence key of your own')
    .option('--key-prefix <prefix>', 'how a key that is made begins')
    .option('--format <names>', `documents to mint: ${ISSUED_FORMAT_NAMES.join(', ')}`, words)
    .option('--notes <text>', 'for operators')
    .option('--idempotency-key <key>', 'of a command that failed, to complete its licence')
    .option('--json', 'answer as JSON')
    .action((options: IssueOptions) => run(() => issueLicense(options)));
}

function addReading(licenses: Command): void {
  filters(licenses.command('list'))
    .description('a page of licences, newest first')
    .option('--page <number>', 'which page', pageNumber, 1)
    .option('--page-size <number>', 'licences on a page, at most 100', pageSize, 20)
    .action((options: queries.ListOptions) => run(() => queries.listLicenses(options)));
  json(licenses.command('show <id>'))
    .description('one licence')
    .action((id: string, options) => run(() => queries.showLicense(id, options)));
  json(licenses.command('find'))
    .description('the licences of an address')
    .requiredOption('--email <address>', 'in any case')
    .action((options: queries.FindOptions) => run(() => queries.findLicenses(options)));
  filters(licenses.command('count'))
    .description('how many licences there are')
    .requiredOption('--by <what>', queries.COUNTED.join(', '), oneOf(queries.COUNTED))
    .action((options: queries.CountOptions) => run(() => queries.countLicenses(options)));
  filters(licenses.command('expiring'))
    .description('active licences that end soon, the first to end first')
    .requiredOption('--days <number>', 'within so many days', days)
    .action((options: queries.ExpiringOptions) => run(() => queries.expiringLicenses(options)));
  json(licenses.command('documents <id>'))
    .description('the documents that are on record')
    .option('--format <format>', ISSUED_FORMAT_NAMES.join(', '), oneOf(ISSUED_FORMAT_NAMES))
    .action((id: string, options: documents.DocumentsOptions) =>
      run(() => documents.listDocuments(id, options)),
    );
  json(licenses.command('deliver <id>'))
    .description('write the newest document on record, as it was minted; nothing is signed')
    .option('--format <format>', 'needed where there are several', oneOf(ISSUED_FORMAT_NAMES))
    .option('--output <file>', 'where to; standard output when left out')
    .action((id: string, options: documents.DeliverOptions) =>
      run(() => documents.deliverDocument(id, options)),
    );
}

function addActivations(licenses: Command): void {
  json(licenses.command('activations <id>'))
    .description('the instances that a licence is activated on')
    .action((id: string, options) => run(() => listActivations(id, options)));
  json(licenses.command('end-activation <id> <instance>'))
    .description('free the place of an instance, by its hash as activations shows it')
    .option('--yes', 'do not ask')
    .action((id: string, instance: string, options: EndActivationOptions) =>
      run(() => endActivation(id, instance, options)),
    );
}

function addChanging(licenses: Command): void {
  json(licenses.command('renew <id>'))
    .description('let it last longer')
    .requiredOption('--days <number>', 'by so many days', days)
    .action((id: string, options: change.RenewOptions) => run(() => change.renew(id, options)));
  json(licenses.command('suspend <id>'))
    .description('refuse it until it is reinstated')
    .requiredOption('--reason <text>', 'for the audit trail')
    .action((id: string, options: change.ReasonOptions) => run(() => change.suspend(id, options)));
  json(licenses.command('reinstate <id>'))
    .description('end a suspension')
    .action((id: string, options) => run(() => change.reinstate(id, options)));
  json(licenses.command('transfer <id>'))
    .description('give it to another customer')
    .requiredOption('--customer <id>', 'who has it from then on')
    .action((id: string, options: change.TransferOptions) => run(() => change.transfer(id, options)));
  json(licenses.command('revoke <id>'))
    .description('end it for good')
    .requiredOption('--reason <text>', 'for the audit trail')
    .option('--yes', 'do not ask')
    .action((id: string, options: change.RevokeOptions) => run(() => change.revoke(id, options)));
}

const json = (command: Command) => command.option('--json', 'answer as JSON');

/** What `filterOf` of `queries.ts` reads. */
export function filters(command: Command): Command {
  return json(command)
    .option('--customer <id>', 'only those of this customer')
    .option('--module <name>', 'only those of this product')
    .option('--type <type>', `only ${LICENSE_TYPES.join(', ')}`, oneOf(LICENSE_TYPES))
    .option('--status <status>', `only ${LICENSE_STATUSES.join(', ')}`, oneOf(LICENSE_STATUSES));
}
