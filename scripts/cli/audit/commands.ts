/** `countersign audit …` */
import type { Command } from 'commander';
import { OperatorError } from '../../../shared/operator-error.ts';
import {
  AUDIT_FAULTS,
  type AuditBreak,
  type AuditReport,
  verifyAudit,
} from '../../../shared/usecases/verify-audit.ts';
import { openOperator } from '../operator.ts';
import { answer, type OutputOptions } from '../output.ts';
import { run } from '../run.ts';

export function addAuditCommands(program: Command): void {
  program
    .command('audit')
    .description('what operators did')
    .command('verify')
    .description('check that no event of the audit trail is missing or was changed')
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      `
It reads the store of the deployment, and ends with exit code 1 when the chain is broken. Keep the last line elsewhere:
whoever can write to the store can write a new chain, and then event and hash differ from those of before.

Examples:
  countersign audit verify
  countersign audit verify --json`,
    )
    .action((options: OutputOptions) => run(() => verify(options)));
}

async function verify(options: OutputOptions): Promise<void> {
  const operator = openOperator();
  try {
    const report = await verifyAudit(operator.ports.store);
    const { events, head, broken } = report;
    answer(options, { is_whole: broken === undefined, events, head, broken: broken ?? null }, () =>
      textOf(report),
    );
    if (broken !== undefined) throw new OperatorError(sentenceOf(broken));
  } finally {
    await operator.close();
  }
}

function textOf({ events, head, broken }: AuditReport): string {
  if (events === 0) return broken === undefined ? 'There are no events.' : 'No event is in order.';
  const found = broken === undefined ? 'The chain is whole' : 'The chain is whole up to there';
  return `${found}: ${events} ${events === 1 ? 'event' : 'events'}, the last with the hash\n${head.hash}`;
}

function sentenceOf({ fault, seq }: AuditBreak): string {
  return `The audit trail is broken at event ${seq}. ${AUDIT_FAULTS[fault]}`;
}
