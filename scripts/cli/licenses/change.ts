/** Changes of one licence. */
import type { ChangeLicenseRequest, License, WriteOptions } from '../../../shared/client/admin-client.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import { confirm } from '../confirm.ts';
import { type IfMatchOptions, matching } from '../if-match.ts';
import { answer, type OutputOptions } from '../output.ts';
import { openService } from '../service.ts';
import { printable } from '../table.ts';
import { type OrNothing, orNull } from '../values.ts';
import { type OnceOptions, once } from './once.ts';
import { given, type HolderOptions, holderOf, type Members, type TermsOptions, termsOf } from './terms.ts';

/** What all changes have in common. */
type ChangingOptions = OutputOptions & IfMatchOptions & OnceOptions;

export interface ChangeOptions extends ChangingOptions, TermsOptions {
  readonly expires?: OrNothing<string>;
  readonly acceptUnverified?: true;
}

export interface RenewOptions extends ChangingOptions {
  readonly days: number;
}

export interface ReasonOptions extends ChangingOptions {
  readonly reason: string;
}

export interface TransferOptions extends ChangingOptions, HolderOptions {
  readonly customer: string;
}

export interface RevokeOptions extends ReasonOptions {
  readonly yes?: boolean;
}

/** @throws OperatorError when nothing is given */
export function changesOf(options: ChangeOptions): ChangeLicenseRequest {
  const members: Members<ChangeLicenseRequest> = {
    ...termsOf(options),
    expires_at: options.expires && orNull(options.expires),
    accept_unverified: options.acceptUnverified,
  };
  const changes = given(members);
  if (Object.keys(changes).length > 0) return changes;
  throw new OperatorError('Say what to change; countersign licenses change --help lists the members.');
}

export async function changeTerms(id: string, options: ChangeOptions): Promise<void> {
  tell(options, await changed(options, (how) => openService().licenses.change(id, changesOf(options), how)));
}

export async function renew(id: string, options: RenewOptions): Promise<void> {
  const request = { duration_days: options.days };
  tell(options, await changed(options, (how) => openService().licenses.renew(id, request, how)));
}

export async function suspend(id: string, options: ReasonOptions): Promise<void> {
  const request = { reason: options.reason };
  tell(options, await changed(options, (how) => openService().licenses.suspend(id, request, how)));
}

export async function reinstate(id: string, options: ChangingOptions): Promise<void> {
  tell(options, await changed(options, (how) => openService().licenses.reinstate(id, how)));
}

export async function transfer(id: string, options: TransferOptions): Promise<void> {
  const holder = holderOf(options);
  const request = { customer_id: options.customer, ...(holder !== undefined && { holder }) };
  tell(options, await changed(options, (how) => openService().licenses.transfer(id, request, how)));
}

/** Shows whose licence it is before it asks: an id says nothing to a person. */
export async function revoke(id: string, options: RevokeOptions): Promise<void> {
  const { licenses } = openService();
  if (!options.json) {
    const { customer_name, module_name, expires_at } = await licenses.get(id);
    const end = expires_at === null ? 'never ends' : `ends ${expires_at}`;
    process.stdout.write(
      `${printable(`Revokes ${id} of ${customer_name}: ${module_name}, ${end}. It cannot be undone.`)}\n`,
    );
  }
  await confirm(options);
  const request = { reason: options.reason };
  const done = await changed(options, (how) => licenses.revoke(id, request, how));
  answer(options, done, () => `${id} is revoked.`);
}

function changed<Answer>(
  options: ChangingOptions,
  write: (how: WriteOptions) => Promise<Answer>,
): Promise<Answer> {
  return once(options, (key) => write({ ...matching(options), ...key }));
}

function tell(options: OutputOptions, license: License): void {
  answer(options, license, () => {
    const end = license.expires_at === null ? 'never ends' : `ends ${license.expires_at}`;
    return printable(`${license.id} of ${license.customer_id} is ${license.status} and ${end}.`);
  });
}
