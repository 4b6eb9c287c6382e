/** `countersign customers …` */
import type { Command } from 'commander';
import type { Customer } from '../../../shared/client/admin-client.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import { confirm } from '../confirm.ts';
import { examples } from '../examples.ts';
import { type IfMatchOptions, ifMatch, matching } from '../if-match.ts';
import { answer, type OutputOptions } from '../output.ts';
import { run } from '../run.ts';
import { openService } from '../service.ts';
import { pageNote, table } from '../table.ts';
import { pageNumber, pageSize, yesOrNo } from '../values.ts';

interface Details {
  readonly name?: string;
  readonly email?: string;
  readonly company?: string;
  readonly phone?: string;
  readonly address?: string;
  readonly notes?: string;
  readonly active?: boolean;
}

type ChangeOptions = Details & OutputOptions & IfMatchOptions;
type RemoveOptions = OutputOptions & IfMatchOptions & { readonly yes?: boolean };

interface ListOptions extends OutputOptions {
  readonly email?: string;
  readonly active?: boolean;
  readonly page: number;
  readonly pageSize: number;
}

export function addCustomersCommands(program: Command): void {
  const customers = examples(
    program.command('customers').description('whom licences are sold to'),
    'customers add acme-gmbh --name "ACME GmbH" --email it@acme.example',
    'customers change acme-gmbh --active no',
    'customers list --email it@acme.example --json',
  );

  examples(
    details(customers.command('add <id>')),
    'customers add acme-gmbh --name "ACME GmbH" --email it@acme.example',
  )
    .description('add a customer; the id is yours: A-Z, a-z, 0-9, _ and -, at most 50')
    .action((id: string, options: Details & OutputOptions) => run(() => add(id, options)));

  examples(customers.command('list'), 'customers list', 'customers list --email it@acme.example --json')
    .description('a page of customers, in the order of their ids')
    .option('--email <address>', 'only those with this address')
    .option('--active <yes|no>', 'only those that are, or are not', yesOrNo)
    .option('--page <number>', 'which page', pageNumber, 1)
    .option('--page-size <number>', 'customers on a page, at most 100', pageSize, 20)
    .option('--json', 'answer as JSON')
    .action((options: ListOptions) => run(() => list(options)));

  examples(customers.command('show <id>'), 'customers show acme-gmbh')
    .description('one customer, with the etag that --if-match takes')
    .option('--json', 'answer as JSON')
    .action((id: string, options: OutputOptions) => run(() => showTagged(id, options)));

  examples(
    ifMatch(details(customers.command('change <id>'))),
    'customers change acme-gmbh --active no',
    'customers change acme-gmbh --phone "" --if-match 5c1f0d3a9b7e42d68a1f3c5e7b9d0f21',
  )
    .description('change what is given and leave the rest; an empty text clears a member')
    .action((id: string, options: ChangeOptions) => run(() => change(id, options)));

  examples(ifMatch(customers.command('remove <id>')), 'customers remove acme-gmbh --yes')
    .description('delete a customer that has no licences and no API keys in force')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action((id: string, options: RemoveOptions) => run(() => remove(id, options)));
}

function details(command: Command): Command {
  return command
    .option('--name <name>', 'as it is printed on licences')
    .option('--email <address>', 'where licences are sent')
    .option('--company <name>', 'their company')
    .option('--phone <number>', 'their telephone')
    .option('--address <text>', 'their postal address')
    .option('--notes <text>', 'for operators')
    .option('--active <yes|no>', 'whether new licences may be issued', yesOrNo)
    .option('--json', 'answer as JSON');
}

/** The members of a request that were given; an empty text is null. */
function membersOf({ name, active, ...options }: Details) {
  const { email, company, phone, address, notes } = options;
  const texts = Object.entries({ email, company, phone, address, notes })
    .filter(([, text]) => text !== undefined)
    .map(([member, text]) => [member, text === '' ? null : text]);
  return {
    ...(name !== undefined && { name }),
    ...Object.fromEntries(texts),
    ...(active !== undefined && { is_active: active }),
  };
}

async function add(id: string, options: Details & OutputOptions): Promise<void> {
  const { name } = options;
  if (name === undefined) throw new OperatorError('A customer needs a name: --name "ACME GmbH"');
  show(options, await openService().customers.create({ id, ...membersOf(options), name }));
}

async function change(id: string, options: ChangeOptions): Promise<void> {
  const changes = membersOf(options);
  if (Object.keys(changes).length === 0)
    throw new OperatorError('Say what to change; countersign customers change --help lists the members.');
  show(options, await openService().customers.change(id, changes, matching(options)));
}

async function list({ active, email, page, pageSize: page_size, json }: ListOptions): Promise<void> {
  const found = await openService().customers.list({ email, is_active: active, page, page_size });
  answer({ ...(json && { json }) }, found, () => {
    const rows = found.customers.map(({ id, name, email: address, is_active }) => [
      id,
      name,
      address ?? '',
      is_active ? 'yes' : 'no',
    ]);
    return `${table(['ID', 'NAME', 'E-MAIL', 'ACTIVE'], rows)}\n\n${pageNote(found)}`;
  });
}

async function remove(id: string, options: RemoveOptions): Promise<void> {
  await confirm(options);
  const done = await openService().customers.remove(id, matching(options));
  answer(options, done, () => `${id} is deleted.`);
}

async function showTagged(id: string, options: OutputOptions): Promise<void> {
  const { value, etag } = await openService().customers.getTagged(id);
  show(options, { ...value, etag });
}

function show(options: OutputOptions, customer: Customer & { readonly etag?: string | null }): void {
  answer(options, customer, () =>
    table(
      ['MEMBER', 'VALUE'],
      Object.entries(customer).map(([member, value]) => [member, value === null ? '' : String(value)]),
    ),
  );
}
