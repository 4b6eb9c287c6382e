/** `countersign api-keys …` */
import type { Command } from 'commander';
import { type AccessScope, SCOPE_NAMES } from '../../shared/access/scopes.ts';
import type { ApiKey } from '../../shared/wire/api-keys.ts';
import { confirm } from './confirm.ts';
import { examples } from './examples.ts';
import { answer, type OutputOptions } from './output.ts';
import { run } from './run.ts';
import { openService } from './service.ts';
import { pageNote, printable, table } from './table.ts';
import { instant, oneOf, pageNumber, pageSize, words } from './values.ts';

interface CreateOptions extends OutputOptions {
  readonly name: string;
  readonly scopes: readonly AccessScope[];
  readonly customer?: string;
  readonly expires?: string;
}

interface ListOptions extends OutputOptions {
  readonly page: number;
  readonly pageSize: number;
}

export function addApiKeysCommands(program: Command): void {
  const keys = examples(
    program.command('api-keys').description('API keys of operators and programs'),
    'api-keys create --name shop --scopes licenses:write,customers:read',
    'api-keys list',
  );

  examples(
    keys.command('create'),
    'api-keys create --name shop --scopes licenses:write,customers:read --expires 2027-12-31',
    'api-keys create --name acme-portal --scopes licenses:read --customer acme-gmbh --json',
  )
    .description('create a key; it is in this answer and is stored nowhere')
    .requiredOption('--name <name>', 'what it is for')
    .requiredOption('--scopes <names>', SCOPE_NAMES.join(', '), scopes)
    .option('--customer <id>', 'the only customer whose objects it opens')
    .option(
      '--expires <time>',
      'the first instant at which it opens nothing; left out, the end of your own key',
      instant,
    )
    .option('--json', 'answer as JSON')
    .action((options: CreateOptions) => run(() => create(options)));

  examples(keys.command('list'), 'api-keys list --page-size 100')
    .description('a page of keys by what they begin with, also those that are over')
    .option('--page <number>', 'which page', pageNumber, 1)
    .option('--page-size <number>', 'keys on a page, at most 100', pageSize, 20)
    .option('--json', 'answer as JSON')
    .action((options: ListOptions) => run(() => list(options)));

  examples(keys.command('revoke <prefix>'), 'api-keys revoke csk_Ab3dE6gH --yes')
    .description('end a key for good')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action((prefix: string, options: OutputOptions & { yes?: boolean }) =>
      run(() => revoke(prefix, options)),
    );
}

const scopes = (text: string) => words(text).map(oneOf(SCOPE_NAMES));

async function create({ name, scopes: wanted, customer, expires, ...output }: CreateOptions): Promise<void> {
  const created = await openService().apiKeys.create({
    name,
    scopes: [...wanted],
    customer_id: customer ?? null,
    ...(expires !== undefined && { expires_at: expires }),
  });
  answer(output, created, () => `${keysTable([created])}\n\nAPI key: ${created.api_key}`);
}

async function list({ page, pageSize: page_size, ...output }: ListOptions): Promise<void> {
  const found = await openService().apiKeys.list({ page, page_size });
  answer(output, found, () => `${keysTable(found.api_keys)}\n\n${pageNote(found)}`);
}

async function revoke(prefix: string, options: OutputOptions & { yes?: boolean }): Promise<void> {
  await confirm(options);
  const key = await openService().apiKeys.revoke(prefix);
  answer(options, key, () => printable(`${key.prefix}, ${key.name}, opens nothing any more.`));
}

function keysTable(keys: readonly ApiKey[]): string {
  const rows = keys.map((key) => [
    key.prefix,
    key.name,
    key.scopes.join(' '),
    key.customer_id ?? '',
    key.revoked_at ?? key.expires_at ?? 'never',
    key.last_used_at ?? '',
  ]);
  return table(['PREFIX', 'NAME', 'SCOPES', 'CUSTOMER', 'ENDS', 'LAST USED'], rows);
}
