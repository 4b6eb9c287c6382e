/** `countersign keys reissue`: what is printed, asked and written around the use case. */
import { kmsKey } from '../../../infra/kms/registered-keys.ts';
import { isSigningKey, type RegisteredKey, type SigningKey } from '../../../shared/keys/registry.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import { beginRecording, recordAct } from '../../../shared/usecases/audit-chain.ts';
import { countDocuments, type Reissued, reissue } from '../../../shared/usecases/reissue.ts';
import { retryCommits } from '../../../shared/usecases/retry.ts';
import type { Operator } from '../operator.ts';
import { print } from '../output.ts';
import { showProgress } from '../progress.ts';
import { ask } from './change.ts';
import { listedKid } from './pinned-list.ts';
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
  const key = requireActive(keys, to);
  requireSameAlgorithm(keys, from, key);
  const signer = await kmsKey(key, access).signer();
  const total = await countDocuments(ports, from);
  const what = `${total} documents of ${from}\n${isDryRun ? 'would be' : 'are'} signed anew by ${to}.`;
  if (!isDryRun) await ask(what, command);
  else if (!command.json) print(what);
  const totals: Totals = { signed: 0, signed_before: 0, would_sign: 0, skipped: 0 };
  const report = await openReport(command.report);
  const trail = isDryRun ? NOT_RECORDED : trailOf(operator, { from, to, documents: total });
  const progress = showProgress({ total, what: 'Re-issue', json: command.json });
  try {
    await trail({ status: 'begun' });
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
    await report.finish();
  } catch (error) {
    await report.abandon();
    await stopped(trail({ status: 'stopped', ...totals }), error);
    throw error;
  } finally {
    progress.end();
  }
  await trail({ status: 'ended', ...totals });
  return totals;
}

function requireActive(keys: readonly RegisteredKey[], kid: string): SigningKey {
  const key = keys.find((row): row is SigningKey => isSigningKey(row) && row.fingerprint === kid);
  if (key?.use === 'license' && key.state === 'active') return key;
  throw new OperatorError(
    `${kid} is no active licence key, and nothing else signs licences. Activate it first: countersign keys activate`,
  );
}

/** AEGIS and DTLIC2 have one algorithm, and a CAIO licence the one that its customer's build can verify. */
function requireSameAlgorithm(keys: readonly RegisteredKey[], from: string, to: SigningKey): void {
  const algorithm = keys.find((row) => listedKid(row) === from)?.algorithm;
  if (algorithm === to.algorithm) return;
  throw new OperatorError(
    `${from} signs with ${algorithm} and ${to.fingerprint} with ${to.algorithm}: a licence keeps its algorithm. Name keys of one algorithm.`,
  );
}

type Trail = (told: { readonly status: 'begun' | 'stopped' | 'ended' } & Partial<Totals>) => Promise<void>;

const NOT_RECORDED: Trail = async () => {};

/** A run that is killed leaves its beginning in the audit trail, and no end. */
function trailOf(
  { ports, publisher }: Operator,
  { from, to, documents }: { readonly from: string; readonly to: string; readonly documents: number },
): Trail {
  const by = { actor: publisher.actor, source: null, requestId: null };
  return async (told) => {
    const before = told.status === 'begun' ? null : { status: 'begun' };
    const act = { action: 'keys.reissue', target: from, before, after: { to, documents, ...told } };
    const recording = beginRecording(ports, by);
    await retryCommits(ports, () => recordAct(ports, recording, act));
  };
}

/** @throws OperatorError that has both sentences, where the trail cannot be told either */
async function stopped(recorded: Promise<void>, cause: unknown): Promise<void> {
  try {
    await recorded;
  } catch (error) {
    throw new OperatorError(`The audit trail has no end of this run: ${(error as Error).message}`, { cause });
  }
}
