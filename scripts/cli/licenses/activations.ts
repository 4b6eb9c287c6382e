/** The instances that a licence is activated on. */
import { confirm } from '../confirm.ts';
import { answer, type OutputOptions } from '../output.ts';
import { openService } from '../service.ts';
import { table } from '../table.ts';

export interface EndActivationOptions extends OutputOptions {
  readonly yes?: boolean;
}

export async function listActivations(id: string, options: OutputOptions): Promise<void> {
  const activations = await Array.fromAsync(openService().activations.all(id));
  answer(options, { activations }, () =>
    table(
      ['INSTANCE', 'LIVE', 'FORMAT', 'FIRST SEEN', 'LAST SEEN'],
      activations.map(({ instance, live, format, first_seen_at, last_seen_at }) => [
        instance,
        live ? 'yes' : 'no',
        format,
        first_seen_at,
        last_seen_at,
      ]),
    ),
  );
}

export async function endActivation(
  id: string,
  instance: string,
  options: EndActivationOptions,
): Promise<void> {
  await confirm(options);
  const done = await openService().activations.end(id, instance);
  answer(options, done, () => `The place of ${instance} is free.`);
}
