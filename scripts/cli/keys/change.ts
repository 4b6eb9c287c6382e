/** Carries out a change of keys: prints what it will change, asks, does it. */
import type { KeyCommand } from '../../../shared/decide/key-change.ts';
import type { PublicationChange } from '../../../shared/decide/publication.ts';
import { type PlannedKeyChange, planKeyChange } from '../../../shared/usecases/change-keys.ts';
import {
  type PlannedPublication,
  type Publisher,
  planPublication,
} from '../../../shared/usecases/publish-keys.ts';
import { formatInstant } from '../../../shared/wire/document.ts';
import { confirm } from '../confirm.ts';
import { print, remark } from '../output.ts';
import { table } from '../table.ts';

interface Asking {
  readonly yes?: boolean;
  readonly json?: boolean;
}

export interface ChangeOptions extends Asking {
  readonly urgent?: boolean;
}

export interface ChangeAnswer {
  readonly changes: readonly {
    readonly kid: string;
    readonly from: string | null;
    /** Null of a key that is not listed any more. */
    readonly to: string | null;
    readonly sunset_at: string | null;
  }[];
  readonly manifest_version: number;
}

/** Answers undefined when nothing was to do. */
export async function changeKeys(
  publisher: Publisher,
  command: KeyCommand,
  options: ChangeOptions,
): Promise<ChangeAnswer | undefined> {
  const isUrgent = options.urgent === true;
  const plan =
    (await planKeyChange(publisher, command, { isUrgent })) ?? (await unpublished(publisher, command));
  if (plan === undefined) return undefined;
  const { changes } = plan;
  await ask([printedChanges(changes), ...endings(changes), ...rootChange(changes)].join('\n'), options);
  const { version } = await plan.carryOut();
  return { changes: changes.map(toWire), manifest_version: version };
}

/** The list is as it should be. An earlier change may have stopped before it was published. */
async function unpublished(
  publisher: Publisher,
  command: KeyCommand,
): Promise<PlannedPublication | undefined> {
  const plan = await planPublication(publisher, command);
  return plan.changes.length === 0 ? undefined : plan;
}

/**
 * Shows what will be changed, then asks. An answer in JSON has standard output for itself.
 * @throws NotConfirmedError
 */
export async function ask(what: string, { yes, json }: Asking): Promise<void> {
  if (!json) print(what);
  else if (!yes) remark(what);
  await confirm({ yes });
}

/** Of the list or, where that is right already, of the manifest alone. */
type AnyChange = PublicationChange & Pick<PlannedKeyChange, 'documents' | 'endedAt'>;

export function printedChanges(changes: readonly AnyChange[]): string {
  const rows = changes.map(({ kid, name, from, to, sunsetAt }) => [
    kid === '' ? '(not read)' : kid,
    from ?? '(new)',
    sunsetAt === undefined ? (to ?? '(not listed)') : `${to} until ${formatInstant(sunsetAt)}`,
    name,
  ]);
  return table(['KID', 'FROM', 'TO', 'NAME'], rows);
}

/** How much depends on each key that ends. */
function endings(changes: readonly AnyChange[]): string[] {
  return changes.flatMap(({ kid, documents, sunsetAt, endedAt }) => {
    if (documents === undefined) return [];
    const from = sunsetAt === undefined ? 'now' : formatInstant(sunsetAt);
    const instead = endedAt === undefined ? '' : `, and not from ${formatInstant(endedAt)} on`;
    const what = documents === 1 ? '1 document' : `${documents} documents`;
    return [`${kid}: ${what} on record, refused from ${from} on${instead}.`];
  });
}

/** Clients pin the root in their build, so another one reaches them with a build alone. */
function rootChange(changes: readonly AnyChange[]): string[] {
  const roots = changes.filter(({ use }) => use === 'root');
  const [last, next] = [roots.find(({ from }) => from === 'active'), roots.find(({ to }) => to === 'active')];
  if (last === undefined || next === undefined) return [];
  return [
    `Clients that pin the root ${last.kid} take no manifest from now on (unknown_root): the one that they have holds until it expires, then they refuse every document. They need a build that pins ${next.kid}.`,
  ];
}

function toWire({ kid, from, to, sunsetAt }: AnyChange) {
  return { kid, from, to, sunset_at: sunsetAt === undefined ? null : formatInstant(sunsetAt) };
}
