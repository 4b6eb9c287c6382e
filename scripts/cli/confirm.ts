/** Asks before something is changed. Scripts say `--yes`. */
import { ask } from './ask.ts';
import { NotConfirmedError } from './run.ts';

/**
 * Little space around it: a terminal cuts a line of more than 4,095 characters, and what is left of a long one must not be
 * taken for an answer.
 */
const YES = /^\s{0,9}y(es)?\s{0,9}$/i;

/** @throws NotConfirmedError unless the answer is yes, or there is nobody to ask */
export async function confirm({ yes }: { readonly yes?: boolean | undefined }): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new NotConfirmedError('Nothing was changed: nobody can be asked here. Give --yes to go ahead.');
  const answer = await ask('Go ahead? [y/N] ');
  if (!YES.test(answer ?? '')) throw new NotConfirmedError('Nothing was changed.');
}
