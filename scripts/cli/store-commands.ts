/** Commands that work on the store and the KMS of a deployment. What they need is loaded when one is carried out. */
import type { Command } from 'commander';
import { examples } from './examples.ts';
import { addKeysCommands } from './keys/commands.ts';
import type { OutputOptions } from './output.ts';
import { run } from './run.ts';

export function addStoreCommands(program: Command): Command {
  addKeysCommands(program);
  const audit = program.commands.find((command) => command.name() === 'audit') ?? program.command('audit');
  examples(audit.command('verify'), 'audit verify', 'audit verify --json')
    .description('check that no event of the audit trail is missing or was changed')
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      `
It reads the store of the deployment, and ends with exit code 1 when the chain is broken. Keep the last line elsewhere:
whoever can write to the store can write a new chain, and then event and hash differ from those of before.`,
    )
    .action((options: OutputOptions) => run(async () => (await import('./audit/verify.ts')).verify(options)));
  return program;
}
