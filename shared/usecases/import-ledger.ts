/**
 * Imports lines of the old ledger: a licence and its document for each, created once. Importing a line again changes
 * nothing, so an import that broke off is started again from its beginning.
 */

import type { Caller } from '../access/caller.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import { offerOf } from '../catalog.ts';
import { CountersignError } from '../errors.ts';
import { normalizeLicenseKey } from '../license-key.ts';
import type { Snapshot, Write } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { DTLIC2_TIERS } from '../products.ts';
import type { DocumentRecord } from '../records/document.ts';
import { documentPath, licensePath } from '../records/paths.ts';
import { TIER_NAMES } from '../tiers.ts';
import { randomUuid } from '../uuid.ts';
import type { ImportedLine, ImportRequest, ImportResponse } from '../wire/import.ts';
import type { Dtlic2Payload } from '../wire/issued.ts';
import type { TierTerms } from '../wire/products.ts';
import { administer, type Change } from './administer.ts';
import { newLicense } from './create-license.ts';
import { otherBlob, storedProblem, vouchingWrites } from './import-ledger-known.ts';
import { type LedgerEntry, LineRefused, readLedgerLine } from './import-ledger-line.ts';
import { importedKeys } from './imported-keys.ts';
import { activeCustomer } from './known-customer.ts';
import type { Settings } from './settings.ts';

type Importing = Pick<Ports, 'store' | 'clock' | 'random' | 'hasher' | 'keys'>;

export interface ImportCall {
  readonly caller: Caller;
  readonly idempotencyKey: string | undefined;
  readonly raw: JsonObject;
  readonly body: ImportRequest;
}

/** A line with the places of what it becomes. */
interface Candidate {
  readonly entry: LedgerEntry;
  readonly license: string;
  readonly document: string;
}

type Read = Candidate | LineRefused;
type Stored = ReadonlyMap<string, Snapshot | undefined>;

/**
 * One commit and one audit event for all lines together. A line that is refused holds up no other.
 * @throws CountersignError `customer_not_found`, `customer_inactive`, `invalid_request` when the table of products lacks the
 * product, `idempotency_conflict`, `signing_unavailable`, `store_unavailable`
 */
export async function importLedger(ports: Importing, settings: Pick<Settings, 'products'>, call: ImportCall) {
  const { caller, idempotencyKey, raw, body } = call;
  const read = await Promise.all(body.lines.map((line) => candidateOf(ports, line)));
  const request = { caller, operation: 'licenses.import', idempotencyKey, body: raw };
  return administer<ImportResponse>(ports, request, (now) => decide(ports, settings, call, read, now));
}

async function candidateOf({ hasher, keys }: Importing, line: string): Promise<Read> {
  try {
    const entry = await readLedgerLine(line, importedKeys(keys));
    const hash = hasher.hash('license', normalizeLicenseKey(entry.line.license_key));
    return { entry, license: licensePath(hash), document: documentPath(hash, 'dtlic2', entry.kid) };
  } catch (error) {
    if (error instanceof LineRefused) return error;
    throw error;
  }
}

async function decide(
  ports: Importing,
  { products }: Pick<Settings, 'products'>,
  { caller, body: { customer_id, product, require_verified } }: ImportCall,
  read: readonly Read[],
  now: number,
): Promise<Change<ImportResponse>> {
  requireProduct(products, product);
  const { record } = await activeCustomer(ports.store, caller, customer_id);
  const found = await readStored(ports, read);
  const destination = { customer: { id: customer_id, name: record.name }, product, now };
  const added = new Map<string, LedgerEntry>();
  const writes: Write[] = [];
  const vouched = new Set<string>();
  const results = read.map((line, index): ImportedLine => {
    if (line instanceof LineRefused) return refused(index, line.message);
    const { entry, license: path } = line;
    const { verified } = entry;
    if (require_verified && !verified) return refused(index, UNVERIFIED);
    const [above, license] = [added.get(path), found.get(path)];
    if (above !== undefined || license !== undefined) {
      const document = found.get(line.document);
      const problem =
        license === undefined
          ? otherBlob(entry, above?.line.blob ?? '')
          : storedProblem(entry, { license, document }, customer_id);
      if (problem !== undefined) return refused(index, problem);
      if (verified && license !== undefined && !vouched.has(path)) {
        writes.push(...vouchingWrites(license, now));
        vouched.add(path);
      }
      return { index, outcome: 'known', reason: null, verified };
    }
    const offer = offerOf(products, product, tierOf(entry.line.tier));
    if (offer.kind === 'not_sold') return refused(index, offer.detail);
    added.set(path, entry);
    writes.push(...writesOf(ports, line, destination, offer.terms));
    return { index, outcome: 'added', reason: null, verified };
  });
  const count = (outcome: ImportedLine['outcome']) =>
    results.filter((result) => result.outcome === outcome).length;
  const unverified = results.filter(({ verified }) => verified === false).length;
  const counts = { added: count('added'), known: count('known'), refused: count('refused'), unverified };
  const act = {
    action: 'licenses.import',
    target: customer_id,
    before: null,
    after: counts,
  };
  return { answer: { ...counts, results }, writes, act };
}

function requireProduct(products: Settings['products'], product: string): void {
  if (products === undefined || products.some(({ name }) => name === product)) return;
  const detail = 'No product of the table has this name.';
  throw new CountersignError('invalid_request', detail, { errors: [{ pointer: '/product', detail }] });
}

/** What is stored where these lines belong, by path. */
async function readStored({ store }: Importing, read: readonly Read[]): Promise<Stored> {
  const candidates = read.filter((line): line is Candidate => !(line instanceof LineRefused));
  const paths = [...new Set(candidates.flatMap(({ license, document }) => [license, document]))];
  if (paths.length === 0) return new Map();
  return new Map((await store.get(paths)).map((snapshot, at) => [paths[at] ?? '', snapshot]));
}

const UNVERIFIED = 'No key that is listed here has verified the signature of the blob.';

const refused = (index: number, reason: string): ImportedLine => ({
  index,
  outcome: 'refused',
  reason,
  verified: null,
});

interface Destination {
  readonly customer: { readonly id: string; readonly name: string };
  readonly product: string;
  readonly now: number;
}

function writesOf(
  { random, hasher }: Importing,
  { entry, document }: Candidate,
  { customer, product, now }: Destination,
  offered: TierTerms,
): Write[] {
  const { line, issuedAt, expiresAt, kid, verified } = entry;
  const wanted = {
    licenseKey: line.license_key,
    licenseId: randomUuid(random),
    customer,
    product,
    tier: tierOf(line.tier),
    features: offered.features ?? [],
    limits: offered.limits ?? null,
    policy: offered.policy ?? {},
    allowedMajorVersions: offered.allowed_major_versions ?? null,
    // Its key has 64 random bits: enough for a document, and too few for a seat that any machine may take.
    allowedHardware: [],
    // The blob is of one person, whose machines take turns.
    seats: 1,
    signingAlgorithm: 'EC_SIGN_ED25519',
    expiresAt,
    email: line.email,
    holder: { name: line.name, email: line.email },
    unverified: !verified,
  } as const;
  const { path, record } = newLicense(hasher, wanted, now);
  const stored: DocumentRecord = {
    license_id: record.license_id,
    customer_id: customer.id,
    format: 'dtlic2',
    kid,
    text: line.blob,
    issued_at: issuedAt,
    replaces: null,
  };
  return [
    { op: 'set', path, fields: { ...record, created_at: issuedAt }, demand: 'absent' },
    { op: 'set', path: document, fields: stored, demand: 'absent' },
  ];
}

/** The first tier of ours that DTLIC2 documents call so. */
function tierOf(name: Dtlic2Payload['tier']) {
  const tier = TIER_NAMES.find((own) => DTLIC2_TIERS[own] === name);
  if (tier === undefined) throw new TypeError(`no tier is called ${name} in DTLIC2 documents`);
  return tier;
}
