/**
 * Issue: a licence for a customer, in one commit with its documents. The key is stored nowhere. With an `Idempotency-Key` it is derived
 * from that, the pepper and random bytes of this issue, so whoever repeats the request is answered with it again, and
 * nobody can who lacks one of the three.
 */

import type { Caller } from '../access/caller.ts';
import { hex } from '../canonical/hex.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import { filledIn, offerOf } from '../catalog.ts';
import { endAfter, issueProblems } from '../decide/issue.ts';
import { CountersignError, type FieldError } from '../errors.ts';
import { generateDatatoolsKey, generateLicenseKey, isDatatoolsKey } from '../license-key.ts';
import { documentId } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { DTLIC2_TIERS } from '../products.ts';
import type { CustomerRecord } from '../records/customer.ts';
import { randomUuid } from '../uuid.ts';
import type { IssueLicense, License } from '../wire/admin-licenses.ts';
import type { AdminRequest, Change } from './administer.ts';
import { administerSigned } from './administer-signed.ts';
import { newLicense } from './create-license.ts';
import { derivedRandom } from './derived-random.ts';
import { documentAct, documentWrite, rendered } from './document-writes.ts';
import { viewOf, withToken } from './find-license.ts';
import { requireSignedEnd } from './holdable.ts';
import { activeCustomer } from './known-customer.ts';
import { type Answered, asAnswered } from './license-documents.ts';
import type { Settings } from './settings.ts';
import type { Signing } from './signing.ts';

export interface IssueRequest {
  readonly caller: Caller;
  readonly idempotencyKey: string | undefined;
  readonly wanted: IssueLicense;
  /** The body as it was sent. */
  readonly body: JsonObject;
}

export interface IssuedNow {
  readonly license: License & { readonly license_key: string };
  readonly replayed: boolean;
}

/** What is remembered of an issue: the answer, and what finds its key again for who knows the Idempotency-Key. */
type Issue = Answered & { readonly salt: string };

/**
 * @throws CountersignError `customer_not_found`, `customer_inactive`, `invalid_request` when the table of products has no such
 * tier or a format cannot hold the licence, `license_key_taken`, `idempotency_conflict`, `store_unavailable`;
 * `signing_unavailable` when nothing was issued
 */
export async function issueLicense(
  ports: Ports,
  settings: Settings,
  { caller, idempotencyKey, wanted, body }: IssueRequest,
): Promise<IssuedNow> {
  const salt = hex(ports.random.bytes(SALT_BYTES));
  const licenseId = randomUuid(ports.random);
  const request: AdminRequest = { caller, operation: 'licenses.issue', idempotencyKey, body };
  const { answer, replayed } = await administerSigned(ports, request, (now, signing) => {
    const licenseKey = keyOf(ports, wanted, idempotencyKey, salt);
    return decide(ports, settings, { caller, wanted, licenseId, licenseKey, salt, now, signing });
  });
  const licenseKey = keyOf(ports, wanted, idempotencyKey, answer.salt);
  return { license: { ...(await asAnswered(ports, answer)), license_key: licenseKey }, replayed };
}

const SALT_BYTES = 16;

interface Deciding {
  readonly caller: Caller;
  readonly wanted: IssueLicense;
  readonly licenseId: string;
  readonly licenseKey: string;
  readonly salt: string;
  readonly now: number;
  readonly signing: Signing;
}

async function decide(
  ports: Ports,
  { issuer, products }: Settings,
  { caller, wanted, licenseId, licenseKey, salt, now, signing }: Deciding,
): Promise<Change<Issue>> {
  // Only now, so that a request which is repeated is answered as before, whatever the table says by then.
  const terms = termsOf(wanted, products, isDatatoolsKey(licenseKey));
  const customer = await activeCustomer(ports.store, caller, wanted.customer_id);
  const { path, record } = newLicense(
    ports.hasher,
    newLicenseOf(wanted, terms, customer.record, { licenseId, licenseKey, now }),
    now,
  );
  if (wanted.formats.length > 0) requireSignedEnd(record, 'expiry_strategy');
  const said = { license: record, issuer, licenseKey };
  const toSign = wanted.formats.map((format) => rendered(format, said, [], now).toSign);
  const [taken] = await ports.store.get([path]);
  if (taken !== undefined)
    throw new CountersignError(
      'license_key_taken',
      'Another licence has this key. Send another one, or none.',
    );
  const documents = signing.documents(toSign);
  const view = viewOf(record, now);
  const hash = documentId(path);
  return {
    answer: { license: withToken(view, documents), hash, salt },
    // That the customer is not deleted meanwhile is seen to by the audit chain, which was read before the customer.
    writes: [
      { op: 'set', path, fields: record, demand: 'absent' },
      ...documents.map((document) => documentWrite(hash, document, [])),
    ],
    act: [
      {
        action: 'licenses.issue',
        target: licenseId,
        before: null,
        after: { ...view, formats: wanted.formats },
      },
      ...documents.map(documentAct),
    ],
  };
}

/** What is asked for, and what the table fills in. @throws CountersignError `invalid_request` */
function termsOf(wanted: IssueLicense, products: Settings['products'], isKeyShort: boolean) {
  const { license_type: type, tier, formats, holder, seats, allowed_hardware: allowedHardware } = wanted;
  const offer = offerOf(products, wanted.module_name, tier);
  if (offer.kind === 'not_sold') throw invalid([{ pointer: NOT_SOLD[offer.lacks], detail: offer.detail }]);
  const terms = filledIn(wanted, offer.terms);
  const problems = issueProblems({ type, tier, formats, holder, terms, isKeyShort, seats, allowedHardware });
  if (problems.length > 0) throw invalid(problems);
  return { ...terms, allowedHardware: allowedHardware ?? (isKeyShort ? [] : null) };
}

const NOT_SOLD = { product: '/module_name', tier: '/tier' } as const;

function invalid(errors: readonly FieldError[]): CountersignError {
  return new CountersignError('invalid_request', errors[0]?.detail ?? '', { errors });
}

function newLicenseOf(
  wanted: IssueLicense,
  terms: ReturnType<typeof termsOf>,
  { name }: CustomerRecord,
  { licenseId, licenseKey, now }: Pick<Deciding, 'licenseId' | 'licenseKey' | 'now'>,
) {
  return {
    licenseId,
    licenseKey,
    customer: { id: wanted.customer_id, name },
    email: wanted.holder?.email ?? null,
    holder: wanted.holder,
    product: wanted.module_name,
    licenseType: wanted.license_type,
    tier: wanted.tier,
    features: terms.features,
    seats: terms.seats,
    limits: terms.limits,
    policy: terms.policy,
    notes: wanted.notes,
    allowedMajorVersions: terms.allowed_major_versions,
    allowedHardware: terms.allowedHardware,
    instanceFingerprint: wanted.instance_fingerprint,
    signingAlgorithm: wanted.signing_algorithm,
    expiresAt: endAfter(now, terms.duration_days),
    expiryStrategy: wanted.expiry_strategy,
  };
}

/** The operator's own key, or one that is made of the salt. */
function keyOf(
  { hasher }: Pick<Ports, 'hasher'>,
  { license_key: own, key_prefix, key_style, tier }: IssueLicense,
  idempotencyKey: string | undefined,
  salt: string,
): string {
  if (own !== undefined) return own;
  const random = derivedRandom(hasher, { purpose: 'license-key', salt, idempotencyKey });
  return key_style === 'datatools'
    ? generateDatatoolsKey(DTLIC2_TIERS[tier], random)
    : generateLicenseKey(key_prefix, random);
}
