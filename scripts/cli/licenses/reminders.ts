/** `countersign reminders`: who is to be reminded that a licence ends, and with `--send` a letter to each. */
import type { Command } from 'commander';
import type { AdminClient, ListedLicense } from '../../../shared/client/admin-client.ts';
import { ServiceError } from '../../../shared/client/client.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import { examples } from '../examples.ts';
import { answer, type OutputOptions } from '../output.ts';
import { showProgress } from '../progress.ts';
import { EXIT_CODES, run } from '../run.ts';
import { openService } from '../service.ts';
import { table } from '../table.ts';
import { days } from '../values.ts';
import { endingWithin } from './queries.ts';

interface ReminderOptions extends OutputOptions {
  readonly days: number;
  readonly send?: boolean;
}

interface Reminder {
  readonly license_id: string;
  readonly customer_name: string;
  readonly email: string | null;
  readonly expires_at: string;
}

/** `sent`, `already_sent`, or what kept the letter from going out. */
type Outcome = string;
type SentReminder = Reminder & { readonly outcome: Outcome };

/** A server may put off the letters to one receiver; one that puts off several in a row would have the others wait for long. */
const GIVEN_UP_AFTER = 3;

const GOOD: readonly Outcome[] = ['sent', 'already_sent'];

export function addReminderCommand(program: Command): void {
  examples(program.command('reminders'), 'reminders --days 30 --json', 'reminders --days 30 --send')
    .description('who is to be reminded that a licence ends')
    .requiredOption('--days <number>', 'within so many days', days)
    .option('--send', 'write to each of them, once for each end')
    .option('--json', 'answer as JSON')
    .addHelpText('after', '\nAfter a failure give the same command again: nobody gets a second letter.')
    .action((options: ReminderOptions) =>
      run(() => (options.send ? sendReminders(options) : listReminders(options))),
    );
}

async function listReminders(options: ReminderOptions): Promise<void> {
  const reminders = await Array.fromAsync(remindersOf(openService(), options.days));
  answer(options, { days: options.days, reminders }, () => reminderTable(reminders));
}

/** What was sent before an interruption is told too. */
async function sendReminders(options: ReminderOptions): Promise<void> {
  const service = openService();
  const reminders = await Array.fromAsync(remindersOf(service, options.days));
  const progress = showProgress({ total: reminders.length, what: 'Reminders', json: options.json });
  const done: SentReminder[] = [];
  try {
    for await (const reminder of lettersTo(service, reminders)) {
      done.push(reminder);
      progress.step();
    }
  } finally {
    progress.end();
    report(options, done);
  }
}

/** @throws OperatorError when the mail server, asked again and again each time, takes no letters */
export async function* lettersTo(
  service: AdminClient,
  reminders: readonly Reminder[],
): AsyncGenerator<SentReminder> {
  let unavailable = 0;
  for (const reminder of reminders) {
    const outcome = await outcomeOf(service, reminder.license_id);
    yield { ...reminder, outcome };
    unavailable = outcome === 'mail_unavailable' ? unavailable + 1 : 0;
    if (unavailable === GIVEN_UP_AFTER)
      throw new OperatorError(
        `The mail server took none of the last ${GIVEN_UP_AFTER} letters. Give the command again later.`,
      );
  }
}

/** @throws OperatorError for a service that sends nothing to anybody */
async function outcomeOf({ licenses }: AdminClient, id: string): Promise<Outcome> {
  try {
    const { reason } = await licenses.remind(id);
    if (reason === 'smtp_not_configured')
      throw new OperatorError('Nothing was sent: the service has no mail server (SMTP_URL).');
    return reason ?? 'sent';
  } catch (error) {
    if (error instanceof ServiceError) return error.code;
    throw error;
  }
}

function report(options: ReminderOptions, reminders: readonly SentReminder[]): void {
  const number = (outcome: Outcome) => reminders.filter((each) => each.outcome === outcome).length;
  const failed = reminders.filter(({ outcome }) => !GOOD.includes(outcome)).length;
  const totals = { sent: number('sent'), already_sent: number('already_sent'), failed };
  answer(options, { days: options.days, ...totals, reminders }, () =>
    [
      reminderTable(reminders),
      `${totals.sent} sent, ${totals.already_sent} sent before, ${failed} failed.`,
    ].join('\n\n'),
  );
  if (failed > 0) process.exitCode = EXIT_CODES.failed;
}

/** The first to end first. */
async function* remindersOf(service: AdminClient, within: number): AsyncGenerator<Reminder> {
  const addresses = new Map<string, string | null>();
  const addressOf = async ({ holder, customer_id }: ListedLicense) => {
    if (holder !== null) return holder.email;
    const known = addresses.get(customer_id);
    if (known !== undefined) return known;
    const { email } = await service.customers.get(customer_id);
    addresses.set(customer_id, email);
    return email;
  };
  for await (const license of endingWithin(service, within)) {
    yield {
      license_id: license.id,
      customer_name: license.customer_name,
      email: await addressOf(license),
      expires_at: license.expires_at ?? '',
    };
  }
}

function reminderTable(reminders: readonly (Reminder & { readonly outcome?: Outcome })[]): string {
  const outcomes = reminders.some(({ outcome }) => outcome !== undefined);
  return table(
    ['ENDS', 'E-MAIL', 'CUSTOMER', 'LICENCE', ...(outcomes ? ['LETTER'] : [])],
    reminders.map(({ license_id, customer_name, email, expires_at, outcome }) => [
      expires_at,
      email ?? '(none)',
      customer_name,
      license_id,
      ...(outcome === undefined ? [] : [outcome]),
    ]),
  );
}
