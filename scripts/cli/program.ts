/** The commands that need nothing but HTTP: operators' over an API key, and buyers'. The others are in `store-commands.ts`. */
import { Command } from 'commander';
import { VERSION } from '../../infra/version.ts';
import { addApiKeysCommands } from './api-keys.ts';
import { addAuditCommands } from './audit/commands.ts';
import { addBuyerCommands } from './buyer/commands.ts';
import { addCompletionCommand } from './completion.ts';
import { addCustomersCommands } from './customers/commands.ts';
import { examples } from './examples.ts';
import { addImportCommand } from './import.ts';
import { markKids } from './keys/kid-argument.ts';
import { addLicensesCommands } from './licenses/commands.ts';
import { addMintCommand } from './licenses/mint.ts';
import { addReportCommands } from './licenses/reports.ts';
import { addProductsCommand } from './products.ts';
import { EXIT_CODES, run } from './run.ts';

export function createProgram(): Command {
  const program = new Command('countersign')
    .description(
      'Operate Countersign. Without settings in the environment it works on the local stack of npm start.',
    )
    .version(VERSION)
    .exitOverride()
    .addHelpText(
      'after',
      `
Exit codes: ${EXIT_CODES.done} done, ${EXIT_CODES.failed} refused or failed, ${EXIT_CODES.usage} wrong command line, ${EXIT_CODES.notConfirmed} not confirmed, ${EXIT_CODES.publishDue} keys have to be published (keys status --check).`,
    );
  examples(
    program,
    'mint --name "Ada Lovelace" --email ada@example.com --tier core --output ada.license',
    'licenses expiring --days 30',
    'activate ada.license --name "Ada Lovelace" --email ada@example.com',
  );
  addCustomersCommands(program);
  addLicensesCommands(program);
  addMintCommand(program);
  addProductsCommand(program);
  addReportCommands(program);
  addImportCommand(program);
  addAuditCommands(program);
  addApiKeysCommands(program);
  addBuyerCommands(program);
  addCompletionCommand(program);
  return program;
}

/** Carries out the command line of this process. */
export async function runProgram(program: Command): Promise<void> {
  await run(() => program.parseAsync(markKids(process.argv.slice(2)), { from: 'user' }));
}
