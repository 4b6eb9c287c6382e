/** `countersign activate`, `status`, `renew`, `deactivate`: what a buyer does on their own machine. */
import { existsSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type LicenseVerification, verifyLicense } from '../../../shared/client/verify-license.ts';
import { daysLeft } from '../../../shared/days-left.ts';
import { decodeIssued } from '../../../shared/formats/issued.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import { formatInstant } from '../../../shared/wire/document.ts';
import { examples } from '../examples.ts';
import { answer, type OutputOptions } from '../output.ts';
import { run } from '../run.ts';
import { printable } from '../table.ts';
import {
  type ActivatedLicense,
  licenseFilePath,
  readActivated,
  removeActivated,
  writeActivated,
} from './license-file.ts';
import { fetchNewest } from './newest.ts';
import { type TrustedKeys, type TrustOptions, trustedKeys } from './trusted-keys.ts';

interface BuyerOptions extends OutputOptions, TrustOptions {
  readonly file?: string;
}

interface ActivateOptions extends BuyerOptions {
  readonly name: string;
  readonly email: string;
}

interface RenewOptions extends BuyerOptions {
  readonly from?: string;
}

type Verified = Extract<LicenseVerification, { readonly valid: true }>;

export function addBuyerCommands(program: Command): void {
  examples(
    trusting(program.command('activate <license>')),
    'activate ada.license --name "Ada Lovelace" --email ada@example.com --keys jwks.json',
  )
    .description('buyer: check a licence (its text, or a file) without the service, and keep it')
    .requiredOption('--name <name>', 'as the licence has it')
    .requiredOption('--email <address>', 'as the licence has it')
    .action((license: string, options: ActivateOptions) => run(() => activate(license, options)));

  examples(trusting(program.command('status')), 'status', 'status --json')
    .description('buyer: whether the activated licence holds; exit code 1 when it does not')
    .action((options: BuyerOptions) => run(() => showStatus(options)));

  examples(trusting(program.command('renew')), 'renew', 'renew --from renewed.license')
    .description('buyer: fetch the newest document of the activated licence')
    .option('--from <license>', 'the text or file that the vendor sent, without asking the service')
    .action((options: RenewOptions) => run(() => renew(options)));

  examples(placed(program.command('deactivate')), 'deactivate')
    .description('buyer: remove the licence from this machine')
    .action((options: BuyerOptions) => run(async () => deactivate(options)));
}

function placed(command: Command): Command {
  return command
    .option('--file <file>', 'where the licence is kept; else COUNTERSIGN_LICENSE_FILE')
    .option('--json', 'answer as JSON');
}

function trusting(command: Command): Command {
  return placed(command)
    .option('--keys <file>', 'the JWK set to trust; else COUNTERSIGN_JWKS_FILE')
    .option('--root <file>', 'the root key to trust; else COUNTERSIGN_ROOT_KEY_FILE');
}

async function activate(given: string, options: ActivateOptions): Promise<void> {
  const { name, email } = options;
  const path = licenseFilePath(options);
  const license = textOf(given);
  const trusted = await trust(options, path);
  const verified = requireValid(await verify(license, { name, email }, trusted.keys));
  writeActivated(path, {
    license,
    name,
    email,
    activated_at: formatInstant(Date.now()),
    manifest: trusted.manifest,
  });
  const state = stateOf(verified);
  answer(options, { ...state, file: path }, () => printable(`Activated. ${sentence(state)}`));
}

async function showStatus(options: BuyerOptions): Promise<void> {
  const path = licenseFilePath(options);
  const activated = requireActivated(path);
  const { keys } = await trust(options, path);
  const result = await verify(activated.license, activated, keys);
  if (!result.valid) process.exitCode = 1;
  const state = result.valid ? stateOf(result) : { valid: false, code: result.code, detail: result.detail };
  answer(options, { ...state, file: path }, () =>
    printable(result.valid ? sentence(stateOf(result)) : `${result.detail} (${result.code})`),
  );
}

/** The newer licence has to be of the same holder; one that ends sooner is none that was renewed. */
async function renew(options: RenewOptions): Promise<void> {
  const path = licenseFilePath(options);
  const activated = requireActivated(path);
  const license = options.from === undefined ? await fetchNewest(activated.license) : textOf(options.from);
  const { keys } = await trust(options, path);
  const verified = requireValid(await verify(license, activated, keys));
  const state = stateOf(verified);
  const isNew = license !== activated.license;
  if (isNew && endsSooner(verified, activated.license))
    throw new OperatorError('This licence ends sooner than the activated one, which stays.');
  if (isNew) writeActivated(path, { ...requireActivated(path), license });
  answer(options, { ...state, renewed: isNew, file: path }, () =>
    printable(`${isNew ? 'Renewed' : 'Nothing newer is on record'}. ${sentence(state)}`),
  );
}

/** Keeps a newer manifest before anything is judged by it: one that refuses the licence is the one not to forget. */
async function trust(options: TrustOptions, path: string): Promise<TrustedKeys> {
  const stored = readActivated(path)?.manifest ?? null;
  const trusted = await trustedKeys(options, stored);
  const present = readActivated(path);
  // Unless another command has kept one meanwhile.
  if (present?.manifest === stored && trusted.manifest !== stored)
    writeActivated(path, { ...present, manifest: trusted.manifest });
  return trusted;
}

/** By what the old one says, valid or not: it was verified when it was activated. */
function endsSooner({ license }: Verified, old: string): boolean {
  const before = decodeIssued(old)?.license.expiresAt ?? Number.POSITIVE_INFINITY;
  return (license.expiresAt ?? Number.POSITIVE_INFINITY) < before;
}

function deactivate(options: BuyerOptions): void {
  const path = licenseFilePath(options);
  // A damaged file is removed too: it is what a buyer wants to be rid of.
  if (!existsSync(path)) throw notActivated(path);
  removeActivated(path);
  answer(
    options,
    { deactivated: true, file: path },
    () => 'Deactivated: the licence is no longer on this machine.',
  );
}

function verify(
  license: string,
  { name, email }: Pick<ActivatedLicense, 'name' | 'email'>,
  keys: Parameters<typeof verifyLicense>[1]['keys'],
): Promise<LicenseVerification> {
  return verifyLicense(license, { keys, now: Date.now(), scope: { name, email } });
}

function requireValid(result: LicenseVerification): Verified {
  if (result.valid) return result;
  throw new OperatorError(`${result.detail} (${result.code})`);
}

function requireActivated(path: string): ActivatedLicense {
  const activated = readActivated(path);
  if (activated === undefined) throw notActivated(path);
  return activated;
}

const notActivated = (path: string) =>
  new OperatorError(
    `No licence is activated: there is no ${path}. Give the vendor’s to countersign activate.`,
  );

function stateOf({ license, kid }: Verified) {
  const { customer, licenseId, licenseType, expiresAt } = license;
  return {
    valid: true,
    code: null,
    license_id: licenseId,
    name: customer.name,
    email: customer.email,
    tier: licenseType,
    expires_at: expiresAt === null ? null : formatInstant(expiresAt),
    days_left: expiresAt === null ? null : daysLeft(expiresAt, Date.now()),
    kid,
  };
}

function sentence({ name, tier, expires_at, days_left }: ReturnType<typeof stateOf>): string {
  const end =
    expires_at === null
      ? 'It never ends'
      : `It ends ${expires_at}, in ${days_left === 1 ? '1 day' : `${days_left} days`}`;
  return `Tier ${tier}, for ${name}. ${end}.`;
}

/** @throws OperatorError for a file that cannot be read */
function textOf(given: string): string {
  if (!existsSync(given)) return given.trim();
  try {
    return readFileSync(given, 'utf8').trim();
  } catch (cause) {
    throw new OperatorError(`${given} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
