/** `countersign products` */
import type { Command } from 'commander';
import type { ProductTable } from '../../shared/client/admin-client.ts';
import { examples } from './examples.ts';
import { answer, type OutputOptions } from './output.ts';
import { run } from './run.ts';
import { openService } from './service.ts';
import { table } from './table.ts';

export function addProductsCommand(program: Command): void {
  examples(program.command('products'), 'products', 'products --json')
    .description('what is sold: products and their tiers')
    .option('--json', 'answer as JSON')
    .action((options: OutputOptions) =>
      run(async () => {
        const found = await openService().products();
        answer(options, found, () =>
          found.products.length === 0
            ? 'The service has no table of products: any may be issued.'
            : productsTable(found.products),
        );
      }),
    );
}

function productsTable(products: ProductTable): string {
  const rows = products.flatMap(({ name, title, defaults, tiers }) =>
    Object.entries(tiers).map(([tier, own]) => {
      const { features = [], seats, duration_days: days } = { ...defaults, ...own };
      return [
        name,
        title,
        tier,
        features.join(' '),
        seats?.toString() ?? 'unlimited',
        days?.toString() ?? '',
      ];
    }),
  );
  return table(['PRODUCT', 'TITLE', 'TIER', 'FEATURES', 'SEATS', 'DAYS'], rows);
}
