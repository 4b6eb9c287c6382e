/** How a command ends: its answer as text or JSON, one sentence for a failure, and an exit code for scripts. */
import { CommanderError } from 'commander';
import { ServiceError } from '../../shared/client/client.ts';
import { UnreachableError } from '../../shared/client/retrying-fetch.ts';
import { CountersignError } from '../../shared/errors.ts';
import { OperatorError } from '../../shared/operator-error.ts';
import { printable } from './table.ts';

/** 2 is a wrong command line, which commander reports itself. */
export const EXIT_CODES = { done: 0, failed: 1, usage: 2, notConfirmed: 3, publishDue: 4 } as const;

/** The operator did not confirm. Nothing was changed. */
export class NotConfirmedError extends Error {}

/** Runs a command and sets the exit code. What no sentence is known for is a defect, and shows its stack. */
export async function run(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    if (error instanceof CommanderError) return;
    process.stderr.write(`${sentenceOf(error)}\n`);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof NotConfirmedError) return EXIT_CODES.notConfirmed;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.usage;
  return EXIT_CODES.failed;
}

function sentenceOf(error: unknown): string {
  if (error instanceof CountersignError) return `${error.message} (${error.code})${reasonOf(error.cause)}`;
  if (error instanceof ServiceError) return refusal(error);
  if (error instanceof UnreachableError) return `${error.message} Is the service running?`;
  if (error instanceof OperatorError && isToldToo(error.cause))
    return `${error.message}\n${sentenceOf(error.cause)}`;
  const isForOperators = error instanceof OperatorError || error instanceof NotConfirmedError;
  return isForOperators ? error.message : ((error as Error).stack ?? String(error));
}

/** The bad fields one by one, where there are more than the sentence names. */
function refusal({ message, code, problem }: ServiceError): string {
  const fields = Array.isArray(problem.errors) && problem.errors.length > 1 ? problem.errors : [];
  const lines = fields.map(({ pointer, detail }) => `  ${pointer || '(request)'}: ${detail}`);
  return printable([`${message} (${code})`, ...lines].join('\n'));
}

/** Its sentence says what the one around it does not. */
function isToldToo(cause: unknown): boolean {
  return cause instanceof CountersignError || cause instanceof OperatorError;
}

/** The operator may see what clients may not: why the KMS or the store failed. */
function reasonOf(cause: unknown): string {
  return cause instanceof Error ? `\n${cause.message}` : '';
}
