/** `countersign mint`: a DTLIC2 licence for the buyer of a desktop program, and the customer where there is none yet. */
import { createHash } from 'node:crypto';
import type { Command } from 'commander';
import type { AdminClient, IssueLicenseRequest } from '../../../shared/client/admin-client.ts';
import { ServiceError } from '../../../shared/client/client.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import { DTLIC2_TIERS } from '../../../shared/products.ts';
import { TIER_NAMES, type TierName } from '../../../shared/tiers.ts';
import { examples } from '../examples.ts';
import { answer, type OutputOptions, remark, writeOwnerOnly } from '../output.ts';
import { run } from '../run.ts';
import { givenKey, type KeyOptions, keyOptions } from '../secret-input.ts';
import { openService } from '../service.ts';
import { oneOf, years } from '../values.ts';
import { newestDocument } from './documents.ts';
import { type OnceOptions, once, onceOption } from './once.ts';

type BuyerTier = (typeof DTLIC2_TIERS)[TierName];

interface MintOptions extends OutputOptions, KeyOptions, OnceOptions {
  readonly name: string;
  readonly email: string;
  readonly customer?: string;
  readonly tier: BuyerTier;
  readonly years: number;
  readonly perpetual?: boolean;
  readonly product: string;
  readonly output?: string;
  /** False with `--no-log`. */
  readonly log: boolean;
}

const BUYER_TIERS: readonly BuyerTier[] = [...new Set(Object.values(DTLIC2_TIERS))];
const DEFAULT_PRODUCT = 'datatools';
const DAY_MS = 86_400_000;

export function addMintCommand(program: Command): void {
  examples(
    onceOption(keyOptions(program.command('mint'), 'a licence key of your own')),
    'mint --name "Ada Lovelace" --email ada@example.com --tier core --years 2 --output ada.license',
    'mint --name "Ada Lovelace" --email ada@example.com --tier pro --perpetual --key-file key.txt --json',
  )
    .description('issue a DTLIC2 licence for a desktop buyer')
    .requiredOption('--name <name>', 'the buyer; they type the same at activation')
    .requiredOption('--email <address>', 'the buyer’s; a customer is made of it where there is none')
    .option('--customer <id>', 'whose it is; otherwise the customer who has the address')
    .requiredOption('--tier <tier>', BUYER_TIERS.join(', '), oneOf(BUYER_TIERS))
    .option('--years <number>', 'how long it lasts', years, 1)
    .option('--perpetual', 'without an end')
    .option('--product <name>', 'the program', DEFAULT_PRODUCT)
    .option('--output <file>', 'where the licence is written; standard output when left out')
    .option('--no-log', 'taken for the sake of old scripts; the service keeps its record all the same')
    .option('--json', 'answer as JSON')
    .action((options: MintOptions) => run(() => mint(options)));
}

async function mint(options: MintOptions): Promise<void> {
  if (!options.log) remark(NO_LOG);
  // Before anything is changed: it may be refused.
  const key = await givenKey(options);
  const service = openService();
  const customerId = await customerOf(service, options);
  const request = requestOf(options, customerId, key, Date.now());
  const issued = await once(options, (how) => service.licenses.issue(request, how));
  const { document } = await newestDocument(service, issued.id, { format: 'dtlic2' });
  if (options.output !== undefined) writeOwnerOnly(options.output, `${document}\n`);
  const { id, license_key, customer_id, expires_at } = issued;
  const shown = { license_id: id, license_key, customer_id, expires_at, output: options.output ?? null };
  answer(options, { ...shown, document }, () =>
    options.output === undefined ? document : `Licence ${id} for ${options.email} is in ${options.output}.`,
  );
}

/** Revoking, renewing and delivering again need the record, so leaving it out would be no favour. */
const NO_LOG =
  'Nothing is logged on this machine, with --no-log or without. The service records every licence and its audit event all the same.';

function requestOf(
  { name, email, tier, years: wanted, perpetual, product }: MintOptions,
  customerId: string,
  key: string | undefined,
  now: number,
): IssueLicenseRequest {
  return {
    customer_id: customerId,
    module_name: product,
    ...(perpetual
      ? { license_type: 'perpetual' as const }
      : { license_type: 'subscription' as const, duration_days: daysOfYears(wanted, now) }),
    tier: tierOf(tier),
    holder: { name, email },
    ...(key === undefined ? { key_style: 'datatools' as const } : { license_key: key }),
    // The document is what the buyer has. Nobody acquires a seat with its key, which may be a short one.
    allowed_hardware: [],
    formats: ['dtlic2'],
  };
}

/** Until the same day so many years later; from a 29 February to the 28th where there is no 29th. */
export function daysOfYears(wanted: number, now: number): number {
  const end = new Date(now);
  end.setUTCFullYear(end.getUTCFullYear() + wanted);
  if (end.getUTCMonth() !== new Date(now).getUTCMonth()) end.setUTCDate(0);
  return Math.round((end.getTime() - now) / DAY_MS);
}

function tierOf(wanted: BuyerTier): TierName {
  const tier = TIER_NAMES.find((name) => DTLIC2_TIERS[name] === wanted);
  if (tier === undefined) throw new OperatorError(`No tier is sold as ${wanted}.`);
  return tier;
}

/**
 * The customer with this address, an active one first: to one who is not, nothing is issued. Two mints at once make one: the id
 * comes from the address.
 * @throws OperatorError when several have it
 */
async function customerOf(
  { customers }: AdminClient,
  { name, email, customer }: MintOptions,
): Promise<string> {
  if (customer !== undefined) return customer;
  for (const is_active of [true, false]) {
    const { customers: found } = await customers.list({ email, is_active, page_size: 5 });
    if (found.length > 1) throw severalHave(email, found);
    if (found[0] !== undefined) return found[0].id;
  }
  const id = customerIdOf(email);
  try {
    await customers.create({ id, name, email });
  } catch (error) {
    if (!(error instanceof ServiceError && error.code === 'customer_exists')) throw error;
  }
  return id;
}

function severalHave(email: string, found: readonly { readonly id: string }[]): OperatorError {
  const ids = found.map(({ id }) => id).join(', ');
  return new OperatorError(`Several customers have the address ${email}: ${ids}. Give --customer.`);
}

/** Readable, and by its hash different for each address: `ada-example-com-1f2e3d4c`. */
export function customerIdOf(email: string): string {
  const address = email.trim().toLowerCase();
  const readable = address.replace(/[^a-z0-9]+/g, '-').slice(0, 41);
  return `${readable}-${createHash('sha256').update(address).digest('hex').slice(0, 8)}`;
}
