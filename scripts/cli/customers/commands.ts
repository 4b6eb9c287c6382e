/** `countersign customers …` */
import type { Command } from 'commander';
import type { Customer } from '../../../shared/client/admin-client.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import { confirm } from '../confirm.ts';
import { answer, type OutputOptions } from '../output.ts';
import { run } from '../run.ts';
import { openService } from '../service.ts';
import { table } from '../table.ts';
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

interface ListOptions extends OutputOptions {
  readonly email?: string;
  readonly active?: boolean;
  readonly page: number;
  readonly pageSize: number;
}

export function addCustomersCommands(program: Command): void {
  const customers = program
    .command('customers')
    .description('whom licences are sold to')
    .addHelpText(
      'after',
      `
Examples:
  countersign customers add acme-gmbh --name "ACME GmbH" --email it@acme.example
  countersign customers change acme-gmbh --active no
  countersign customers list --email it@acme.example --json`,
    );

  details(customers.command('add <id>'))
    .description('add a customer; the id is yours: A-Z, a-z, 0-9, _ and -, at most 50')
    .action((id: string, options: Details & OutputOptions) => run(() => add(id, options)));

  customers
    .command('list')
    .description('a page of customers, in the order of their ids')
    .option('--email <address>', 'only those with this address')
    .option('--active <yes|no>', 'only those that are, or are not', yesOrNo)
    .option('--page <number>', 'which page', pageNumber, 1)
    .option('--page-size <number>', 'customers on a page, at most 100', pageSize, 20)
    .option('--json', 'answer as JSON')
    .action((options: ListOptions) => run(() => list(options)));

  customers
    .command('show <id>')
    .description('one customer')
    .option('--json', 'answer as JSON')
    .action((id: string, options: OutputOptions) =>
      run(async () => show(options, await openService().customers.get(id))),
    );

  details(customers.command('change <id>'))
    .description('change what is given and leave the rest; an empty text clears a member')
    .action((id: string, options: Details & OutputOptions) => run(() => change(id, options)));

  customers
    .command('remove <id>')
    .description('delete a customer that has no licences in force')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action((id: string, options: OutputOptions & { yes?: boolean }) => run(() => remove(id, options)));
}

function details(command: Command): Command {
  return command
    .option('--name <name>', 'as it is printed on licences')
    .option('--email <address>', 'where licences are sent')
    .option('--company <name>')
    .option('--phone <number>')
    .option('--address <text>')
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

async function change(id: string, options: Details & OutputOptions): Promise<void> {
  const changes = membersOf(options);
  if (Object.keys(changes).length === 0)
    throw new OperatorError('Say what to change; countersign customers change --help lists the members.');
  show(options, await openService().customers.change(id, changes));
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
    return `${table(['ID', 'NAME', 'E-MAIL', 'ACTIVE'], rows)}\n\nPage ${found.page} of ${found.total_pages}; ${found.total} in all.`;
  });
}

async function remove(id: string, options: OutputOptions & { yes?: boolean }): Promise<void> {
  await confirm(options);
  const done = await openService().customers.remove(id);
  answer(options, done, () => `${id} is deleted.`);
}

function show(options: OutputOptions, customer: Customer): void {
  answer(options, customer, () =>
    table(
      ['MEMBER', 'VALUE'],
      Object.entries(customer).map(([member, value]) => [member, value === null ? '' : String(value)]),
    ),
  );
}
