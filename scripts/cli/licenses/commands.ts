/** `countersign licenses …` */
import { type Command, Option } from 'commander';
import { ALGORITHM_NAMES } from '../../../shared/algorithms.ts';
import { TIER_NAMES } from '../../../shared/tiers.ts';
import {
  ISSUED_FORMAT_NAMES,
  KEY_STYLES,
  LICENSE_STATUSES,
  LICENSE_TYPES,
} from '../../../shared/wire/admin-licenses.ts';
import { examples } from '../examples.ts';
import { ifMatch } from '../if-match.ts';
import { run } from '../run.ts';
import { keyFileOption, keyOptions } from '../secret-input.ts';
import { days, instant, oneOf, orWord, pageNumber, pageSize, words } from '../values.ts';
import { type EndActivationOptions, endActivation, listActivations } from './activations.ts';
import * as change from './change.ts';
import * as documents from './documents.ts';
import { type IssueOptions, issueLicense } from './issue.ts';
import { onceOption } from './once.ts';
import * as queries from './queries.ts';
import { showLicense } from './show.ts';
import { terms } from './terms.ts';

export function addLicensesCommands(program: Command): void {
  const licenses = examples(
    program.command('licenses').description('issue licences, find them, change them'),
    'licenses issue --customer acme-gmbh --module sale_forecast --type subscription --days 365 --versions 16,17',
    'licenses find --email ada@example.com',
    'licenses change LICENSE_ID --seats 20',
    'licenses revoke LICENSE_ID --reason "chargeback" --yes',
  );
  addIssue(licenses);
  addReading(licenses);
  addDocuments(licenses);
  addChanging(licenses);
  addStatusChanges(licenses);
  addActivations(licenses);
}

function addIssue(licenses: Command): void {
  const issue = licenses
    .command('issue')
    .description('issue a licence; its key is in this answer and is stored nowhere')
    .requiredOption('--customer <id>', 'whose it is')
    .requiredOption('--module <name>', 'the product')
    .requiredOption('--type <type>', LICENSE_TYPES.join(', '), oneOf(LICENSE_TYPES))
    .option('--days <number|unlimited>', 'how long it lasts', orWord('unlimited', days))
    .option('--fingerprint <sha256:…>', 'the only installation that may run it')
    .option('--tier <tier>', TIER_NAMES.join(', '), oneOf(TIER_NAMES))
    .option('--add-features <names>', 'beside those of its tier or of --features', words)
    .option('--holder-name <name>', 'whom a node-locked licence names')
    .option('--holder-email <address>', 'where they are reached')
    .option('--key-prefix <prefix>', 'how a key that is made begins')
    .option(
      '--key-style <style>',
      `what a key that is made looks like: ${KEY_STYLES.join(', ')}`,
      oneOf(KEY_STYLES),
    )
    .option(
      '--algorithm <name>',
      `what it is signed with: ${ALGORITHM_NAMES.join(', ')}`,
      oneOf(ALGORITHM_NAMES),
    )
    .option('--format <names>', `documents to mint: ${ISSUED_FORMAT_NAMES.join(', ')}`, formats);
  examples(
    onceOption(json(terms(keyOptions(issue, 'a licence key of your own')))),
    'licenses issue --customer acme-gmbh --module sale_forecast --type subscription --days 365 --versions 16,17',
    'licenses issue --customer acme-gmbh --module cad --type perpetual --seats 5 --format aegis --versions 1 --json',
  ).action((options: IssueOptions) => run(() => issueLicense(options)));
}

const formats = (text: string) => words(text).map(oneOf(ISSUED_FORMAT_NAMES));

function addReading(licenses: Command): void {
  examples(filters(licenses.command('list')), 'licenses list --customer acme-gmbh --status active')
    .description('a page of licences, newest first')
    .option('--page <number>', 'which page', pageNumber, 1)
    .option('--page-size <number>', 'licences on a page, at most 100', pageSize, 20)
    .action((options: queries.ListOptions) => run(() => queries.listLicenses(options)));
  examples(json(licenses.command('show <id>')), 'licenses show LICENSE_ID', 'licenses show LICENSE_ID --json')
    .description('one licence, with the etag that --if-match takes')
    .action((id: string, options) => run(() => showLicense(id, options)));
  examples(json(licenses.command('find')), 'licenses find --email ada@example.com')
    .description('the licences of an address')
    .requiredOption('--email <address>', 'in any case')
    .action((options: queries.FindOptions) => run(() => queries.findLicenses(options)));
  examples(
    filters(licenses.command('count')),
    'licenses count --by tier',
    'licenses count --by status --json',
  )
    .description('how many licences there are')
    .requiredOption('--by <what>', queries.COUNTED.join(', '), oneOf(queries.COUNTED))
    .action((options: queries.CountOptions) => run(() => queries.countLicenses(options)));
  examples(filters(licenses.command('expiring')), 'licenses expiring --days 30')
    .description('active licences that end soon, the first to end first')
    .requiredOption('--days <number>', 'within so many days', days)
    .action((options: queries.ExpiringOptions) => run(() => queries.expiringLicenses(options)));
}

function addDocuments(licenses: Command): void {
  examples(json(licenses.command('documents <id>')), 'licenses documents LICENSE_ID --format aegis')
    .description('the documents that are on record')
    .option('--format <format>', ISSUED_FORMAT_NAMES.join(', '), oneOf(ISSUED_FORMAT_NAMES))
    .action((id: string, options: documents.DocumentsOptions) =>
      run(() => documents.listDocuments(id, options)),
    );
  examples(
    keyFileOption(
      json(licenses.command('issue-document <id>')),
      'the licence key, which a dtlic2 document names',
    ),
    'licenses issue-document LICENSE_ID --format caio-v2',
    'licenses issue-document LICENSE_ID --format dtlic2 --key-file key.txt',
  )
    .description('have it signed in one more format; what is on record and still holds is answered')
    .requiredOption('--format <format>', ISSUED_FORMAT_NAMES.join(', '), oneOf(ISSUED_FORMAT_NAMES))
    .action((id: string, options: documents.IssueDocumentOptions) =>
      run(() => documents.issueDocument(id, options)),
    );
  examples(
    json(licenses.command('deliver <id>')),
    'licenses deliver LICENSE_ID --output ada.license',
    'licenses deliver LICENSE_ID --email',
    'licenses deliver LICENSE_ID --format aegis --email it@acme.example',
  )
    .description('write or send the newest document on record, as it was minted; nothing is signed')
    .option('--format <format>', 'needed where there are several', oneOf(ISSUED_FORMAT_NAMES))
    .option('--output <file>', 'where to; standard output when left out')
    .addOption(
      new Option('--email [address]', 'send it; to the address of the licence when none is given').conflicts(
        'output',
      ),
    )
    .addOption(
      new Option('--anyway', 'also of a licence that does not hold, or that a former customer had').conflicts(
        'email',
      ),
    )
    .action((id: string, options: documents.DeliverOptions) =>
      run(() => documents.deliverDocument(id, options)),
    );
}

function addActivations(licenses: Command): void {
  examples(json(licenses.command('activations <id>')), 'licenses activations LICENSE_ID')
    .description('the instances that a licence is activated on')
    .action((id: string, options) => run(() => listActivations(id, options)));
  examples(
    json(licenses.command('end-activation <id> <instance>')),
    'licenses end-activation LICENSE_ID INSTANCE_HASH --yes',
  )
    .description('free the place of an instance, by its hash as activations shows it')
    .option('--yes', 'do not ask')
    .action((id: string, instance: string, options: EndActivationOptions) =>
      run(() => endActivation(id, instance, options)),
    );
}

function addChanging(licenses: Command): void {
  examples(
    changing(terms(licenses.command('change <id>'))),
    'licenses change LICENSE_ID --seats 20 --notes "five more, order 1234"',
    'licenses change LICENSE_ID --features "" --without-limits --expires never',
    'licenses change LICENSE_ID --expires 2027-12-31 --if-match 5c1f0d3a9b7e42d68a1f3c5e7b9d0f21',
  )
    .description('change what is given and leave the rest; what its documents say is signed anew')
    .option('--expires <time|never>', 'its end', orWord('never', instant))
    .option(
      '--accept-unverified',
      'have our keys sign an imported licence whose signature was never verified',
    )
    .action((id: string, options: change.ChangeOptions) => run(() => change.changeTerms(id, options)));
  examples(changing(licenses.command('renew <id>')), 'licenses renew LICENSE_ID --days 365')
    .description('let it last longer')
    .requiredOption('--days <number>', 'by so many days', days)
    .action((id: string, options: change.RenewOptions) => run(() => change.renew(id, options)));
  examples(changing(licenses.command('transfer <id>')), 'licenses transfer LICENSE_ID --customer acme-ag')
    .description('give it to another customer')
    .requiredOption('--customer <id>', 'who has it from then on')
    .option('--holder-name <name>', 'whom a node-locked licence names from then on')
    .option('--holder-email <address>', 'their address')
    .action((id: string, options: change.TransferOptions) => run(() => change.transfer(id, options)));
}

function addStatusChanges(licenses: Command): void {
  examples(changing(licenses.command('suspend <id>')), 'licenses suspend LICENSE_ID --reason "unpaid"')
    .description('refuse it until it is reinstated')
    .requiredOption('--reason <text>', 'for the audit trail')
    .action((id: string, options: change.ReasonOptions) => run(() => change.suspend(id, options)));
  examples(changing(licenses.command('reinstate <id>')), 'licenses reinstate LICENSE_ID')
    .description('end a suspension')
    .action((id: string, options) => run(() => change.reinstate(id, options)));
  examples(
    changing(licenses.command('revoke <id>')),
    'licenses revoke LICENSE_ID --reason "chargeback"',
    'licenses revoke LICENSE_ID --reason "chargeback" --yes --json',
  )
    .description('end it for good')
    .requiredOption('--reason <text>', 'for the audit trail')
    .option('--yes', 'do not ask')
    .action((id: string, options: change.RevokeOptions) => run(() => change.revoke(id, options)));
}

const changing = (command: Command) => onceOption(ifMatch(json(command)));

const json = (command: Command) => command.option('--json', 'answer as JSON');

/** What `filterOf` of `queries.ts` reads. */
export function filters(command: Command): Command {
  return json(command)
    .option('--customer <id>', 'only those of this customer')
    .option('--module <name>', 'only those of this product')
    .option('--type <type>', `only ${LICENSE_TYPES.join(', ')}`, oneOf(LICENSE_TYPES))
    .option('--status <status>', `only ${LICENSE_STATUSES.join(', ')}`, oneOf(LICENSE_STATUSES));
}
