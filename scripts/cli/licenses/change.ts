/** Changes of one licence. */
import type { License } from '../../../shared/client/admin-client.ts';
import { confirm } from '../confirm.ts';
import { answer, type OutputOptions } from '../output.ts';
import { openService } from '../service.ts';
import { printable } from '../table.ts';

export interface RenewOptions extends OutputOptions {
  readonly days: number;
}

export interface ReasonOptions extends OutputOptions {
  readonly reason: string;
}

export interface TransferOptions extends OutputOptions {
  readonly customer: string;
}

export interface RevokeOptions extends ReasonOptions {
  readonly yes?: boolean;
}

export async function renew(id: string, options: RenewOptions): Promise<void> {
  tell(options, await openService().licenses.renew(id, { duration_days: options.days }));
}

export async function suspend(id: string, options: ReasonOptions): Promise<void> {
  tell(options, await openService().licenses.suspend(id, { reason: options.reason }));
}

export async function reinstate(id: string, options: OutputOptions): Promise<void> {
  tell(options, await openService().licenses.reinstate(id));
}

export async function transfer(id: string, options: TransferOptions): Promise<void> {
  tell(options, await openService().licenses.transfer(id, { customer_id: options.customer }));
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
  const done = await licenses.revoke(id, { reason: options.reason });
  answer(options, done, () => `${id} is revoked.`);
}

function tell(options: OutputOptions, license: License): void {
  answer(options, license, () => {
    const end = license.expires_at === null ? 'never ends' : `ends ${license.expires_at}`;
    return printable(`${license.id} of ${license.customer_id} is ${license.status} and ${end}.`);
  });
}
