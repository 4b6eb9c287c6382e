/** `countersign keys reissue`: what is printed, asked and written around the use case. */
import { kmsKey } from '../../../infra/kms/registered-keys.ts';
import { isSigningKey, type RegisteredKey, type SigningKey } from '../../../shared/keys/registry.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import { beginRecording, recordAct } from '../../../shared/usecases/audit-chain.ts';
import { countDocuments, type Reissued, reissue } from '../../../shared/usecases/reissue.ts';
import { retryCommits } from '../../../shared/usecases/retry.ts';
import { confirm } from '../confirm.ts';
import type { Operator } from '../operator.ts';
import { showProgress } from '../progress.ts';
import { openReport } from './reissue-report.ts';

export interface ReissueCommand {
  readonly from: string;
  readonly to: string;
  readonly rate: number;
  readonly dryRun?: boolean;
  readonly report?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export type Totals = Record<Reissued['outcome'], number>;

/** @throws OperatorError, CountersignError */
export async function reissueDocuments(operator: Operator, command: ReissueCommand): Promise<Totals> {
  const { ports, publisher, access } = operator;
  const { from, to, rate, dryRun: isDryRun = false } = command;
  if (from === to) throw new OperatorError('--from and --to are the same key.');
  const keys = await publisher.list.read();
  const signer = await kmsKey(requireActive(keys, to), access(keys)).signer();
  const total = await countDocuments(ports, from);
  if (!command.json) {
    process.stdout.write(
      `${total} documents of ${from}\n${isDryRun ? 'would be' : 'are'} signed anew by ${to}.\n`,
    );
  }
  if (!isDryRun) await confirm(command);
  const totals: Totals = { signed: 0, signed_before: 0, would_sign: 0, skipped: 0 };
  const progress = showProgress({ total, what: 'Re-issue', json: command.json });
  const report = await openReport(command.report);
  try {
    await reissue(ports, {
      from,
      signer,
      isDryRun,
      rate,
      onReissued: async (reissued) => {
        totals[reissued.outcome] += 1;
        progress.step();
        await report.write(reissued);
      },
    });
    if (!isDryRun) await record(operator, from, to, totals);
    await report.finish();
    return totals;
  } catch (error) {
    await report.abandon();
    throw error;
  } finally {
    progress.end();
  }
}

function requireActive(keys: readonly RegisteredKey[], kid: string): SigningKey {
  const key = keys.find((row): row is SigningKey => isSigningKey(row) && row.fingerprint === kid);
  if (key?.use === 'license' && key.state === 'active') return key;
  throw new OperatorError(
    `${kid} is no active licence key, and nothing else signs licences. Activate it first: countersign keys activate`,
  );
}

async function record(
  { ports, publisher }: Operator,
  from: string,
  to: string,
  totals: Totals,
): Promise<void> {
  const by = { actor: publisher.actor, source: null, requestId: null };
  const act = { action: 'keys.reissue', target: from, before: null, after: { to, ...totals } };
  const recording = beginRecording(ports, by);
  await retryCommits(ports, () => recordAct(ports, recording, act));
}
