/** Carries out a change of keys: prints what it will change, asks, does it. */
import type { KeyChange, KeyCommand } from '../../../shared/decide/key-change.ts';
import type { Publisher } from '../../../shared/usecases/change-keys.ts';
import { planKeyChange, publishKeys, readManifest } from '../../../shared/usecases/change-keys.ts';
import { formatInstant } from '../../../shared/wire/document.ts';
import { confirm } from '../confirm.ts';
import { table } from '../table.ts';
import { statusOf } from './status.ts';

export interface ChangeOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly urgent?: boolean;
}

export interface ChangeAnswer {
  readonly changes: readonly {
    readonly kid: string;
    readonly from: string | null;
    readonly to: string;
    readonly sunset_at: string | null;
  }[];
  readonly manifest_version: number;
}

/** Answers undefined when nothing was to do. */
export async function changeKeys(
  publisher: Publisher,
  command: KeyCommand,
  { yes, json, urgent }: ChangeOptions,
): Promise<ChangeAnswer | undefined> {
  const plan = await planKeyChange(publisher, command, { isUrgent: urgent === true });
  if (plan === undefined) return completePublication(publisher, command);
  if (!json) process.stdout.write(`${printedChanges(plan.changes)}\n`);
  await confirm({ yes });
  const { version } = await plan.carryOut();
  return { changes: plan.changes.map(toWire), manifest_version: version };
}

/** The list is as it should be. An earlier change may have stopped before it was published. */
async function completePublication(
  publisher: Publisher,
  command: KeyCommand,
): Promise<ChangeAnswer | undefined> {
  const [keys, record] = await Promise.all([publisher.list.read(), readManifest(publisher.ports)]);
  if (statusOf(keys, record).is_published) return undefined;
  const { version } = await publishKeys(publisher, command);
  return { changes: [], manifest_version: version };
}

function printedChanges(changes: readonly KeyChange[]): string {
  const rows = changes.map(({ kid, name, from, to, sunsetAt }) => [
    kid,
    from ?? '(new)',
    sunsetAt === undefined ? to : `${to} until ${formatInstant(sunsetAt)}`,
    name,
  ]);
  return table(['KID', 'FROM', 'TO', 'NAME'], rows);
}

function toWire({ kid, from, to, sunsetAt }: KeyChange) {
  return { kid, from, to, sunset_at: sunsetAt === undefined ? null : formatInstant(sunsetAt) };
}
