/** Asks before something is changed. Scripts say `--yes`. */
import { createInterface } from 'node:readline/promises';
import { NotConfirmedError } from './run.ts';

/** @throws NotConfirmedError unless the answer is yes, or there is nobody to ask */
export async function confirm({ yes }: { readonly yes?: boolean | undefined }): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY)
    throw new NotConfirmedError('Nothing was changed: nobody can be asked here. Give --yes to go ahead.');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question('Go ahead? [y/N] ');
    if (!/^y(es)?$/i.test(answer.trim())) throw new NotConfirmedError('Nothing was changed.');
  } finally {
    lines.close();
  }
}
