/** `countersign keys …` */
import { type Command, InvalidArgumentError } from 'commander';
import { DEFAULT_MANIFEST_DAYS, DEFAULT_SUNSET_DAYS } from '../../../shared/constants.ts';
import { SIGNING_USES } from '../../../shared/keys/registry.ts';
import { examples } from '../examples.ts';
import { run } from '../run.ts';
import { days } from '../values.ts';
import type * as actions from './actions.ts';

/** Only a command that is carried out loads what it needs: `--help` answers without the SDKs of the clouds. */
const load = (): Promise<typeof actions> => import('./actions.ts');

/** Signatures a second. Quotas of a KMS are per project; this leaves most of the usual ones to the clients. */
const DEFAULT_REISSUE_RATE = 20;

export function addKeysCommands(program: Command): void {
  const keys = examples(
    program.command('keys').description('signing keys: states, manifest, re-issue'),
    'keys status',
    'keys activate Xq2v9c --sunset-days 400',
  );
  addShowing(keys);
  addRotating(keys);
  addEnding(keys);
  addReissue(keys);
}

function addShowing(keys: Command): void {
  examples(shared(keys.command('status')), 'keys status', 'keys status --json', 'keys status --check')
    .description('what the list of keys says, and what of it is published')
    .option('--check', 'end with exit code 4 when the manifest has to be published, for monitoring')
    .action((options: actions.StatusOptions) => run(async () => (await load()).showStatus(options)));

  examples(changing(keys.command('publish')), 'keys publish --yes')
    .description(
      'publish the list as it is: the manifest under its next version, and certificates that are due',
    )
    .action((options: actions.SharedOptions) => run(async () => (await load()).publish(options)));
}

function addRotating(keys: Command): void {
  examples(
    changing(keys.command('stage')),
    'keys stage --name projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k/cryptoKeyVersions/2',
    'keys stage --new-version-of projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k',
  )
    .description('put a key version into the list, published and not signing yet')
    .option('--name <name>', 'resource name of a key version in Google Cloud, or ARN of a key in AWS')
    .option('--new-version-of <key>', 'have Google Cloud KMS make a version of this key first')
    .option('--use <use>', `what it signs: ${SIGNING_USES.join(', ')}`, 'license')
    .action((options: actions.StageOptions) => run(async () => (await load()).stage(options)));

  examples(changing(keys.command('activate <kid>')), 'keys activate Xq2v9c --sunset-days 400')
    .description('have a staged key sign; the one before it is retiring from then on')
    .option('--sunset-days <days>', 'how long the key before it still verifies', days, DEFAULT_SUNSET_DAYS)
    .option('--urgent', 'also if the key was published a moment ago')
    .action((kid: string, options: actions.ActivateOptions) =>
      run(async () => (await load()).activate(kid, options)),
    );

  examples(changing(keys.command('rollback <kid>')), 'keys rollback Xq2v9c')
    .description('have a retiring key sign again; the active one is staged, and what it signed holds')
    .action((kid: string, options: actions.SharedOptions) =>
      run(async () => (await load()).rollback(kid, options)),
    );
}

function addEnding(keys: Command): void {
  examples(changing(keys.command('retire <kid>')), 'keys retire Xq2v9c')
    .description('end a key: nothing that it signed is accepted any more')
    .action((kid: string, options: actions.SharedOptions) =>
      run(async () => (await load()).retire(kid, options)),
    );

  examples(
    changing(keys.command('compromise <kid>')),
    'keys compromise Xq2v9c --successor mB71kd --disable-version',
  )
    .description('refuse at once whatever a key signed, everywhere')
    .option('--successor <kid>', 'the staged or retiring key that signs instead')
    .option('--disable-version', 'also disable the version in its KMS')
    .action((kid: string, options: actions.CompromiseOptions) =>
      run(async () => (await load()).compromise(kid, options)),
    );
}

function addReissue(keys: Command): void {
  examples(
    shared(keys.command('reissue')),
    'keys reissue --from Xq2v9c --to mB71kd --dry-run',
    'keys reissue --from Xq2v9c --to mB71kd --report reissued.jsonl --yes',
  )
    .description('sign every active licence of one key anew by another; start it again after an interruption')
    .requiredOption('--from <kid>', 'the key whose documents are replaced; they stay on record')
    .requiredOption('--to <kid>', 'the active key that signs')
    .option('--rate <number>', 'signatures a second, at most', positive, DEFAULT_REISSUE_RATE)
    .option('--report <file>', 'where old and new documents are listed for delivery, a line of JSON each')
    .option('--dry-run', 'sign nothing')
    .option('--yes', 'do not ask')
    .action((options: actions.ReissueOptions) => run(async () => (await load()).reissue(options)));
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

function positive(text: string): number {
  const number = Number(text);
  if (number > 0 && number <= 10_000) return number;
  throw new InvalidArgumentError('It must be a number above 0, at most 10000.');
}
