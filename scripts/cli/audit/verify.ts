/** `countersign audit verify`, which reads the store of the deployment. */
import { OperatorError } from '../../../shared/operator-error.ts';
import {
  AUDIT_FAULTS,
  type AuditBreak,
  type AuditReport,
  verifyAudit,
} from '../../../shared/usecases/verify-audit.ts';
import { openOperator } from '../operator.ts';
import { answer, type OutputOptions } from '../output.ts';

/** @throws OperatorError also when the chain is broken */
export async function verify(options: OutputOptions): Promise<void> {
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
