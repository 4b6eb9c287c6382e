/** `countersign`: what operators do, from a shell. */
import { Command } from 'commander';
import { VERSION } from '../../infra/version.ts';
import { addAuditCommands } from './audit/commands.ts';
import { addBuyerCommands } from './buyer/commands.ts';
import { addCompletionCommand } from './completion.ts';
import { addCustomersCommands } from './customers/commands.ts';
import { addImportCommand } from './import.ts';
import { addKeysCommands } from './keys/commands.ts';
import { KID_MARK } from './keys/pinned-list.ts';
import { addLicensesCommands } from './licenses/commands.ts';
import { addMintCommand } from './licenses/mint.ts';
import { addReportCommands } from './licenses/reports.ts';
import { EXIT_CODES, run } from './run.ts';

const program = new Command('countersign')
  .description(
    'Operate Countersign. Without settings in the environment it works on the local stack of npm start.',
  )
  .version(VERSION)
  .exitOverride()
  .addHelpText(
    'after',
    `
Exit codes: ${EXIT_CODES.done} done, ${EXIT_CODES.failed} refused or failed, ${EXIT_CODES.usage} wrong command line, ${EXIT_CODES.notConfirmed} not confirmed.

Examples:
  countersign mint --name "Ada Lovelace" --email ada@example.com --tier core --output ada.license
  countersign licenses expiring --days 30
  countersign keys status
  countersign keys activate Xq2v9c --sunset-days 400`,
  );

addCustomersCommands(program);
addLicensesCommands(program);
addMintCommand(program);
addReportCommands(program);
addImportCommand(program);
addKeysCommands(program);
addAuditCommands(program);
addBuyerCommands(program);
addCompletionCommand(program);
// A kid is base64url, so it may begin with a hyphen, and would be taken for an option.
const [node = '', script = '', ...words] = process.argv;
const KID_LIKE_AN_OPTION = /^-[\w-]{42}$/;
const given = words.map((word) => (KID_LIKE_AN_OPTION.test(word) ? `${KID_MARK}${word}` : word));
await run(() => program.parseAsync([node, script, ...given]));
