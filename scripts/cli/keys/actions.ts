/** What `countersign keys …` does. Apart from the commands, because it loads the SDKs of the clouds. */
import { keysOfCloud } from '../../../infra/kms/cloud-keys.ts';
import { createKeyVersion, disableKeyVersion } from '../../../infra/kms/versions.ts';
import type { KeyCommand } from '../../../shared/decide/key-change.ts';
import { cloudOf, SIGNING_USES, type SigningUse } from '../../../shared/keys/registry.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import { type Publisher, planPublication, readManifest } from '../../../shared/usecases/publish-keys.ts';
import { type Operator, openOperator } from '../operator.ts';
import { print } from '../output.ts';
import { EXIT_CODES } from '../run.ts';
import { ask, type ChangeOptions, changeKeys, printedChanges } from './change.ts';
import { listedKid, pinnedList, pinOf, resolveKid } from './pinned-list.ts';
import { type ReissueCommand, reissueDocuments } from './reissue.ts';
import { printedStatus, type Status, statusOf } from './status.ts';

const DAY_MS = 86_400_000;

export interface SharedOptions extends ChangeOptions {
  readonly actor?: string;
  readonly manifestDays?: number;
}

export interface StatusOptions extends SharedOptions {
  readonly check?: boolean;
}

export interface StageOptions extends SharedOptions {
  readonly name?: string;
  readonly newVersionOf?: string;
  readonly use: string;
}

export interface ActivateOptions extends SharedOptions {
  readonly sunsetDays: number;
}

export interface CompromiseOptions extends SharedOptions {
  readonly successor?: string;
  readonly disableVersion?: boolean;
}

export type ReissueOptions = SharedOptions & ReissueCommand;

interface Session extends Operator {
  /** Its list has every fingerprint that could be read. */
  readonly publisher: Publisher;
}

export const showStatus = ({ json, check, ...options }: StatusOptions) =>
  within(options, async ({ publisher }) => {
    const status = await readStatus(publisher);
    print(json ? JSON.stringify(status) : printedStatus(status));
    if (check && (status.renew_manifest || !status.is_published)) process.exitCode = EXIT_CODES.publishDue;
  });

export const publish = (options: SharedOptions) =>
  within(options, async ({ publisher }) => {
    const { json } = options;
    const plan = await planPublication(publisher);
    const changes = plan.changes.length === 0 ? [] : ['', printedChanges(plan.changes)];
    await ask([printedStatus(await readStatus(publisher)), ...changes].join('\n'), options);
    const { version } = await plan.carryOut();
    print(json ? JSON.stringify({ manifest_version: version }) : `Published as version ${version}.`);
  });

export const stage = (options: StageOptions) =>
  within(options, async (session) => change(session, await stageCommand(session, options), options));

export const activate = (typed: string, options: ActivateOptions) =>
  within(options, async (session) => {
    const sunsetAt = session.publisher.ports.clock.now() + options.sunsetDays * DAY_MS;
    await change(session, { action: 'activate', kid: await kidOf(session, typed), sunsetAt }, options);
  });

export const retire = (typed: string, options: SharedOptions) =>
  within(options, async (session) =>
    change(session, { action: 'retire', kid: await kidOf(session, typed) }, options),
  );

export const rollback = (typed: string, options: SharedOptions) =>
  within(options, async (session) =>
    change(session, { action: 'rollback', kid: await kidOf(session, typed) }, options),
  );

export const compromise = (typed: string, options: CompromiseOptions) =>
  within(options, async (session) => {
    const { publisher, config } = session;
    const keys = await publisher.list.read();
    const kid = resolveKid(keys, typed);
    const successor = options.successor === undefined ? undefined : resolveKid(keys, options.successor);
    const row = keys.find((key) => listedKid(key) === kid);
    if (options.disableVersion && row?.use === 'verify')
      throw new OperatorError(
        `${kid} is a key of ${row.issuer}, and in no KMS of ours. Leave --disable-version out.`,
      );
    await change(session, { action: 'compromise', kid, successor }, options);
    if (!options.disableVersion) return;
    if (row === undefined || !('name' in row)) return;
    await disableKeyVersion(row.name, endpointsOf(config));
    if (!options.json) print(`${row.name} is disabled in its KMS.`);
  });

export const reissue = (options: ReissueOptions) =>
  within(options, async (session) => {
    const [from, to] = [await kidOf(session, options.from), await kidOf(session, options.to)];
    const totals = await reissueDocuments(session, { ...options, from, to });
    const { signed, signed_before, would_sign, skipped } = totals;
    if (options.json) print(JSON.stringify(totals));
    else if (options.dryRun)
      print(
        `${would_sign} would be signed, ${signed_before} are signed already, ${skipped} would be skipped.`,
      );
    else print(`${signed} signed, ${signed_before} were signed before, ${skipped} skipped.`);
  });

async function within(
  { actor, manifestDays }: SharedOptions,
  work: (session: Session) => Promise<unknown>,
): Promise<void> {
  const operator = openOperator({
    ...(actor !== undefined && { actor }),
    ...(manifestDays !== undefined && { manifestDays }),
  });
  try {
    await work({ ...operator, publisher: { ...operator.publisher, list: pinned(operator) } });
  } finally {
    await operator.close();
  }
}

async function readStatus({ list, ports }: Publisher): Promise<Status> {
  const [keys, record] = await Promise.all([list.read(), readManifest(ports)]);
  return statusOf(keys, record, ports.clock.now());
}

function pinned(operator: Operator) {
  return pinnedList(operator.publisher.list, async ({ name }) =>
    pinOf(name, await readPublicKey(operator, name)),
  );
}

async function readPublicKey({ access }: Pick<Operator, 'access'>, name: string) {
  return keysOfCloud(cloudOf(name), access).publicKey(name, access.deadlineMs);
}

const kidOf = async ({ publisher }: Session, typed: string) => resolveKid(await publisher.list.read(), typed);

async function change({ publisher }: Session, command: KeyCommand, options: SharedOptions): Promise<void> {
  const answer = await changeKeys(publisher, command, options);
  if (options.json) print(JSON.stringify(answer ?? { changes: [], manifest_version: null }));
  else if (answer === undefined) print('Nothing to do: it is that way already, and published.');
  else print(`Done. Published as version ${answer.manifest_version}.`);
}

async function stageCommand(session: Session, options: StageOptions): Promise<KeyCommand> {
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

async function makeVersion({ config }: Session, keyName: string, options: ChangeOptions): Promise<string> {
  await ask(`Makes a new version of ${keyName}.`, options);
  const name = await createKeyVersion(keyName, endpointsOf(config));
  // The next question may be answered with no, and then the version is there all the same.
  if (!options.json && !options.yes)
    print(`Made ${name}. To put it into the list another time give it as --name.`);
  return name;
}

function endpointsOf({ KMS_ENDPOINT: google, AWS_KMS_ENDPOINT: aws }: Operator['config']) {
  return { google, aws };
}
