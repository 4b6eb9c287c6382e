/** `countersign keys …` */
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { keysOfCloud } from '../../../infra/kms/cloud-keys.ts';
import { createKeyVersion, disableKeyVersion } from '../../../infra/kms/versions.ts';
import { DEFAULT_MANIFEST_DAYS, DEFAULT_SUNSET_DAYS } from '../../../shared/constants.ts';
import type { KeyCommand } from '../../../shared/decide/key-change.ts';
import { cloudOf, SIGNING_USES, type SigningUse } from '../../../shared/keys/registry.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import { type Publisher, publishKeys, readManifest } from '../../../shared/usecases/change-keys.ts';
import { confirm } from '../confirm.ts';
import { type Operator, openOperator } from '../operator.ts';
import { run } from '../run.ts';
import { type ChangeOptions, changeKeys } from './change.ts';
import { pinnedList, pinOf, resolveKid } from './pinned-list.ts';
import { type ReissueCommand, reissueDocuments } from './reissue.ts';
import { printedStatus, statusOf } from './status.ts';

const DAY_MS = 86_400_000;

interface SharedOptions extends ChangeOptions {
  readonly actor?: string;
  readonly manifestDays?: number;
}

export function addKeysCommands(program: Command): void {
  const keys = program.command('keys').description('signing keys: states, manifest, re-issue');

  shared(keys.command('status'))
    .description('what the list of keys says, and what of it is published')
    .action((options: SharedOptions) => within(options, (session) => showStatus(session, options)));

  changing(keys.command('publish'))
    .description(
      'publish the list as it is: the manifest under its next version, and certificates that are due',
    )
    .action((options: SharedOptions) => within(options, (session) => publish(session, options)));

  changing(keys.command('stage'))
    .description('put a key version into the list, published and not signing yet')
    .option('--name <name>', 'resource name of a key version in Google Cloud, or ARN of a key in AWS')
    .option('--new-version-of <key>', 'have Google Cloud KMS make a version of this key first')
    .option('--use <use>', `what it signs: ${SIGNING_USES.join(', ')}`, 'license')
    .action((options: SharedOptions & StageOptions) =>
      within(options, async (session) => change(session, await stageCommand(session, options), options)),
    );

  changing(keys.command('activate <kid>'))
    .description('have a staged key sign; the one before it is retiring from then on')
    .option('--sunset-days <days>', 'how long the key before it still verifies', days, DEFAULT_SUNSET_DAYS)
    .option('--urgent', 'also if the key was published a moment ago')
    .action((typed: string, options: SharedOptions & { sunsetDays: number }) =>
      within(options, async (session) => {
        const sunsetAt = session.publisher.ports.clock.now() + options.sunsetDays * DAY_MS;
        return change(session, { action: 'activate', kid: await kid(session, typed), sunsetAt }, options);
      }),
    );

  changing(keys.command('retire <kid>'))
    .description('end a key: nothing that it signed is accepted any more')
    .action((typed: string, options: SharedOptions) =>
      within(options, async (session) =>
        change(session, { action: 'retire', kid: await kid(session, typed) }, options),
      ),
    );

  changing(keys.command('rollback <kid>'))
    .description('have a retiring key sign again; the active one is staged, and what it signed holds')
    .action((typed: string, options: SharedOptions) =>
      within(options, async (session) =>
        change(session, { action: 'rollback', kid: await kid(session, typed) }, options),
      ),
    );

  changing(keys.command('compromise <kid>'))
    .description('refuse at once whatever a key signed, everywhere')
    .option('--successor <kid>', 'the staged or retiring key that signs instead')
    .option('--disable-version', 'also disable the version in its KMS')
    .action((typed: string, options: SharedOptions & CompromiseOptions) =>
      within(options, (session) => compromise(session, typed, options)),
    );

  shared(keys.command('reissue'))
    .description('sign every active licence of one key anew by another; start it again after an interruption')
    .requiredOption('--from <kid>', 'the key whose documents are replaced; they stay on record')
    .requiredOption('--to <kid>', 'the active key that signs')
    .option('--rate <number>', 'signatures a second, at most', positive, DEFAULT_REISSUE_RATE)
    .option('--report <file>', 'where old and new documents are listed for delivery, a line of JSON each')
    .option('--dry-run', 'sign nothing')
    .option('--yes', 'do not ask')
    .action((options: SharedOptions & ReissueCommand) =>
      within(options, (session) => reissueFor(session, options)),
    );
}

/** Signatures a second. Quotas of a KMS are per project; this leaves most of the usual ones to the clients. */
const DEFAULT_REISSUE_RATE = 20;

interface StageOptions {
  readonly name?: string;
  readonly newVersionOf?: string;
  readonly use: string;
}

interface CompromiseOptions {
  readonly successor?: string;
  readonly disableVersion?: boolean;
}

interface Session extends Operator {
  /** Its list has every fingerprint that could be read. */
  readonly publisher: Publisher;
}

function shared(command: Command): Command {
  return command.option('--json', 'answer as JSON').option('--actor <name>', 'whom the audit trail names');
}

function changing(command: Command): Command {
  return shared(command)
    .option('--yes', 'do not ask')
    .option(
      '--manifest-days <days>',
      'how long clients may rely on the manifest',
      days,
      DEFAULT_MANIFEST_DAYS,
    );
}

function days(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= 36_500) return number;
  throw new InvalidArgumentError('It must be a number of days from 1 to 36500.');
}

function within({ actor, manifestDays }: SharedOptions, work: (session: Session) => Promise<unknown>) {
  return run(async () => {
    const operator = openOperator({
      ...(actor !== undefined && { actor }),
      ...(manifestDays !== undefined && { manifestDays }),
    });
    try {
      await work({ ...operator, publisher: { ...operator.publisher, list: pinned(operator) } });
    } finally {
      await operator.close();
    }
  });
}

function pinned({ publisher, clients }: Operator) {
  return pinnedList(publisher.list, async ({ name }) => pinOf(name, await readPublicKey({ clients }, name)));
}

async function readPublicKey({ clients }: Pick<Operator, 'clients'>, name: string) {
  return keysOfCloud(cloudOf(name), clients.forKeys([])).publicKey(name);
}

const kid = async ({ publisher }: Session, typed: string) => resolveKid(await publisher.list.read(), typed);

async function showStatus({ publisher }: Session, { json }: SharedOptions): Promise<void> {
  const [keys, record] = await Promise.all([publisher.list.read(), readManifest(publisher.ports)]);
  const status = statusOf(keys, record);
  print(json ? JSON.stringify(status) : printedStatus(status));
}

async function publish({ publisher }: Session, { json, yes }: SharedOptions): Promise<void> {
  if (!json) print(printedStatus(statusOf(await publisher.list.read(), await readManifest(publisher.ports))));
  await confirm({ yes });
  const { version } = await publishKeys(publisher);
  print(json ? JSON.stringify({ manifest_version: version }) : `Published as version ${version}.`);
}

async function change({ publisher }: Session, command: KeyCommand, options: SharedOptions): Promise<void> {
  const answer = await changeKeys(publisher, command, options);
  if (options.json) print(JSON.stringify(answer ?? { changes: [], manifest_version: null }));
  else if (answer === undefined) print('Nothing to do: it is that way already, and published.');
  else print(`Done. Published as version ${answer.manifest_version}.`);
}

async function stageCommand(session: Session, options: StageOptions & ChangeOptions): Promise<KeyCommand> {
  const { name: given, newVersionOf, use } = options;
  if ((given === undefined) === (newVersionOf === undefined))
    throw new OperatorError('Give either --name, or --new-version-of.');
  if (!SIGNING_USES.includes(use as SigningUse))
    throw new OperatorError(`--use must be one of ${SIGNING_USES.join(', ')}.`);
  const name = given ?? (await makeVersion(session, newVersionOf ?? '', options));
  const publicKey = await readPublicKey(session, name);
  const { algorithm } = publicKey;
  const pins = pinOf(name, publicKey);
  return { action: 'stage', key: { name, algorithm, use: use as SigningUse, ...pins } };
}

async function makeVersion(
  { config }: Session,
  keyName: string,
  { yes, json }: ChangeOptions,
): Promise<string> {
  if (!json) print(`Makes a new version of ${keyName}.`);
  await confirm({ yes });
  return createKeyVersion(keyName, endpointsOf(config));
}

async function compromise(
  session: Session,
  typed: string,
  options: SharedOptions & CompromiseOptions,
): Promise<void> {
  const { publisher, config } = session;
  const keys = await publisher.list.read();
  const wanted = resolveKid(keys, typed);
  const successor = options.successor === undefined ? undefined : resolveKid(keys, options.successor);
  await change(session, { action: 'compromise', kid: wanted, successor }, options);
  if (!options.disableVersion) return;
  const row = keys.find((key) => 'fingerprint' in key && key.fingerprint === wanted);
  if (row === undefined || !('name' in row)) return;
  await disableKeyVersion(row.name, endpointsOf(config));
  if (!options.json) print(`${row.name} is disabled in its KMS.`);
}

async function reissueFor(session: Session, options: ReissueCommand): Promise<void> {
  const [from, to] = [await kid(session, options.from), await kid(session, options.to)];
  const totals = await reissueDocuments(session, { ...options, from, to });
  const { signed, signed_before, would_sign, skipped } = totals;
  if (options.json) print(JSON.stringify(totals));
  else if (options.dryRun)
    print(`${would_sign} would be signed, ${signed_before} are signed already, ${skipped} would be skipped.`);
  else print(`${signed} signed, ${signed_before} were signed before, ${skipped} skipped.`);
}

function positive(text: string): number {
  const number = Number(text);
  if (number > 0 && number <= 10_000) return number;
  throw new InvalidArgumentError('It must be a number above 0, at most 10000.');
}

function endpointsOf({ KMS_ENDPOINT: google, AWS_KMS_ENDPOINT: aws }: Operator['config']) {
  return { google, aws };
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
