/** Commands that can be given again after a failure without being carried out twice. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { ServiceError } from '../../../shared/client/client.ts';
import { UnreachableError } from '../../../shared/client/retrying-fetch.ts';
import { remark } from '../output.ts';

export interface OnceOptions {
  readonly idempotencyKey?: string;
}

export const onceOption = (command: Command): Command =>
  command.option('--idempotency-key <key>', 'of a command whose answer was lost, to carry it out once');

/** Where nobody knows whether it was done, says how to go on: without the key, the same command would be done again. */
export async function once<Answer>(
  { idempotencyKey = randomUUID() }: OnceOptions,
  write: (options: Required<OnceOptions>) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await write({ idempotencyKey });
  } catch (error) {
    if (isUnsettled(error))
      remark(
        `It may have been done. Give the same command again with --idempotency-key ${idempotencyKey}: it is carried out once.`,
      );
    throw error;
  }
}

/** What could not be signed was not done. */
function isUnsettled(error: unknown): boolean {
  if (error instanceof ServiceError) return error.status >= 500 && error.code !== 'signing_unavailable';
  return error instanceof UnreachableError;
}
